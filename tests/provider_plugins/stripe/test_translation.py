"""One object, told by two generations of the API: the same snapshots."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from overseer_payment.errors import PayloadInvalid
from overseer_payment.provider import (
    ChargeSnapshot,
    CheckoutMode,
    CheckoutPaymentState,
    CheckoutSnapshot,
    CheckoutStatus,
    CustomerSnapshot,
    DisputeKind,
    DisputeSnapshot,
    DisputeStatus,
    InvoicePaymentSnapshot,
    InvoiceSnapshot,
    InvoiceStatus,
    Kind,
    PaymentSnapshot,
    RefundSnapshot,
    Snapshot,
    Source,
    SubscriptionItem,
    SubscriptionSnapshot,
    SubscriptionStatus,
    TransactionStatus,
)
from overseer_payment.provider_plugins.stripe.events import parse
from tests.provider_plugins.stripe import payloads as p

PENDING, SUCCEEDED, FAILED, CANCELED = (
    TransactionStatus.PENDING,
    TransactionStatus.SUCCEEDED,
    TransactionStatus.FAILED,
    TransactionStatus.CANCELED,
)


def told(type: str, obj: dict[str, Any], version: str = p.NEW) -> tuple[Any, ...]:
    return parse(p.event(type, obj, version)).snapshots


def first(type: str, obj: dict[str, Any], version: str = p.NEW) -> Any:
    return told(type, obj, version)[0]


def without_links(snapshots: tuple[Snapshot, ...]) -> list[Snapshot]:
    return [snapshot for snapshot in p.bare(snapshots) if snapshot.kind is not Kind.INVOICE_PAYMENT]


def links(snapshots: tuple[Snapshot, ...]) -> set[tuple[str, str | None, str, int]]:
    found = [snapshot for snapshot in snapshots if isinstance(snapshot, InvoicePaymentSnapshot)]
    return {(link.invoice, link.payment, link.status, link.amount_paid) for link in found}


@pytest.mark.parametrize(
    ("type", "old", "new"),
    [
        ("payment_intent.succeeded", p.payment_intent(p.OLD), p.payment_intent()),
        ("charge.succeeded", p.charge(p.OLD), p.charge()),
        ("invoice.paid", p.invoice(p.OLD), p.invoice()),
        ("customer.subscription.updated", p.subscription(p.OLD), p.subscription()),
        ("refund.created", p.refund(), p.refund()),
        ("checkout.session.completed", p.checkout(), p.checkout()),
        ("charge.dispute.created", p.dispute(), p.dispute()),
        ("customer.created", p.customer(), p.customer()),
    ],
)
def test_both_generations_give_the_same_snapshots(type: str, old: p.Json, new: p.Json) -> None:
    """Where a dialect keeps a fact makes no difference to what is recorded."""
    before, after = told(type, old, p.OLD), told(type, new)
    assert without_links(before) == without_links(after)
    assert before[0].as_of.source is Source.EVENT
    assert before[0].as_of.moment == p.at()


@pytest.mark.parametrize(
    "version",
    [
        "2024-06-20",
        "2024-09-30.acacia",
        "2025-03-31.basil",
        "2025-09-30.clover",
        "2026-03-25.dahlia",
        p.NEW,
        None,
    ],
)
def test_every_family_since_2024_is_read_from_its_payload(version: str | None) -> None:
    """No read of the API is needed for any of them."""
    parsed = parse(p.event("refund.created", p.refund(), version))
    assert parsed.snapshots
    assert not parsed.fetch


def test_an_invoice_is_linked_to_its_payment_in_both_generations() -> None:
    """Payment intent and charge on the invoice (old) and the invoice's payments (new) say the same."""
    expected = {("in_1", "pi_1", "paid", 2000)}
    assert links(told("invoice.paid", p.invoice(p.OLD), p.OLD)) == expected
    assert links(told("invoice.paid", p.invoice())) == expected
    assert links(told("invoice_payment.paid", p.invoice_payment())) == expected


def test_a_payment_and_a_charge_name_the_same_link() -> None:
    """Whoever tells of a link without Stripe's own id for it makes the same id."""
    ids = {
        snapshot.id
        for type, obj in (
            ("payment_intent.succeeded", p.payment_intent(p.OLD)),
            ("payment_intent.succeeded", p.payment_intent()),
            ("charge.succeeded", p.charge(p.OLD)),
            ("invoice.paid", p.invoice(p.OLD)),
        )
        for snapshot in told(type, obj, p.OLD)
        if isinstance(snapshot, InvoicePaymentSnapshot)
    }
    assert ids == {"in_1:pi_1"}


def test_a_new_invoice_without_its_payments_says_nothing_of_them() -> None:
    """An unexpanded invoice of a new dialect gives the invoice alone, and asks for nothing."""
    parsed = parse(p.event("invoice.paid", p.invoice(payments=None)))
    assert [snapshot.kind for snapshot in parsed.snapshots] == [Kind.INVOICE]
    assert not parsed.fetch
    assert not parsed.snapshots[0].paid_out_of_band  # type: ignore[union-attr]  # an invoice is what it is


def test_invoice_fields() -> None:
    """A paid renewal says number, subscription, buyer and when it was paid."""
    invoice = first("invoice.paid", p.invoice())
    assert isinstance(invoice, InvoiceSnapshot)
    assert (invoice.status, invoice.amount_paid, invoice.currency) == (InvoiceStatus.PAID, 2000, "usd")
    assert (invoice.subscription, invoice.number, invoice.name) == ("sub_1", "A-0001", "Ada")
    assert invoice.paid_at == p.at(p.NOW - 5)
    assert not invoice.attempt_failed
    assert invoice.metadata == {"order": "7"}


@pytest.mark.parametrize(
    ("type", "changes", "failed"),
    [
        ("invoice.payment_failed", {"status": "open"}, True),
        ("invoice.updated", {"status": "open"}, True),
        ("invoice.marked_uncollectible", {"status": "uncollectible"}, True),
        ("invoice.updated", {"status": "open", "attempt_count": 0}, False),
        ("invoice.payment_action_required", {"status": "open"}, False),
        ("invoice.payment_failed", {"status": "paid"}, False),
    ],
)
def test_a_failed_attempt_is_told_by_type_or_count(type: str, changes: p.Json, failed: bool) -> None:
    """An open invoice with attempts has a failed one, unless it only waits for the customer."""
    assert first(type, p.invoice(payments=None, **changes)).attempt_failed is failed


@pytest.mark.parametrize(
    ("version", "changes", "outside"),
    [
        (p.OLD, {"paid_out_of_band": True}, True),
        (p.NEW, {"payments": p.listed()}, True),
        (p.NEW, {"payments": p.listed(p.invoice_payment(payment={"type": "payment_record"}))}, True),
        (p.NEW, {"payments": p.listed(has_more=True)}, False),
        (p.NEW, {"payments": p.listed(), "amount_due": 0, "amount_paid": 0}, False),
        (p.NEW, {"payments": p.listed(), "status": "open"}, False),
        (p.NEW, {}, False),
    ],
)
def test_paid_out_of_band(version: str, changes: p.Json, outside: bool) -> None:
    """Money that did not go through Stripe is told by a flag (old) or by what is missing (new)."""
    assert first("invoice.paid", p.invoice(version, **changes), version).paid_out_of_band is outside


def test_an_invoice_paid_outside_has_no_paying_payment() -> None:
    """The payment intent of an invoice paid by other means is canceled: its link says so."""
    assert links(told("invoice.paid", p.invoice(p.OLD, paid_out_of_band=True), p.OLD)) == {
        ("in_1", "pi_1", "canceled", 0)
    }


def test_a_payment_record_is_a_link_to_nothing() -> None:
    """An invoice payment made elsewhere names neither payment nor charge."""
    (link,) = told("invoice_payment.paid", p.invoice_payment(payment={"type": "payment_record"}))
    assert (link.payment, link.charge, link.status) == (None, None, "paid")


def test_a_deleted_draft_is_void() -> None:
    """Stripe's payload of a deleted draft still says draft."""
    assert first("invoice.deleted", p.invoice(status="draft", payments=None)).status is InvoiceStatus.VOID


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        ("succeeded", {"code": "card_declined"}, SUCCEEDED),
        ("canceled", None, CANCELED),
        ("requires_payment_method", {"code": "card_declined", "message": "No."}, FAILED),
        ("requires_payment_method", None, PENDING),
        ("requires_action", None, PENDING),
        ("requires_capture", None, PENDING),
        ("processing", None, PENDING),
        ("something_new", None, PENDING),
    ],
)
def test_payment_states(status: str, error: p.Json | None, expected: TransactionStatus) -> None:
    """Waiting for a method means failed only after an attempt; unknown words are pending."""
    payment = first("payment_intent.created", p.payment_intent(status=status, last_payment_error=error))
    assert isinstance(payment, PaymentSnapshot)
    assert payment.status is expected
    assert payment.failure_code == ("card_declined" if expected is FAILED else None)


@pytest.mark.parametrize(
    ("changes", "status", "amount", "refunded"),
    [
        ({}, SUCCEEDED, 2000, 500),
        ({"status": "failed", "failure_code": "card_declined"}, FAILED, 2000, 0),
        ({"status": "pending"}, PENDING, 2000, 0),
        ({"captured": False, "amount_captured": 0, "amount_refunded": 0}, PENDING, 2000, 0),
        (
            {"captured": False, "amount_captured": 0, "amount_refunded": 2000, "refunded": True},
            CANCELED,
            2000,
            0,
        ),
        ({"amount_captured": 1500, "amount_refunded": 500}, SUCCEEDED, 1500, 0),
        ({"amount_captured": 1500, "amount_refunded": 700}, SUCCEEDED, 1500, 200),
    ],
)
def test_charge_states_and_sums(
    changes: p.Json, status: TransactionStatus, amount: int, refunded: int
) -> None:
    """The captured sum counts; what was released without capture was never refunded."""
    charge = first("charge.updated", p.charge(**changes))
    assert isinstance(charge, ChargeSnapshot)
    assert (charge.status, charge.amount, charge.amount_refunded) == (status, amount, refunded)


def test_an_expired_authorisation_is_canceled() -> None:
    """The event tells it before the charge looks refunded."""
    uncaptured = p.charge(captured=False, amount_captured=0, amount_refunded=0)
    assert first("charge.expired", uncaptured).status is CANCELED


def test_charge_fields() -> None:
    """A charge names its buyer and its card, never more of the card than four digits."""
    charge = first("charge.succeeded", p.charge(disputed=True))
    assert (charge.payment, charge.customer, charge.email, charge.name) == (
        "pi_1",
        "cus_1",
        "ada@example.com",
        "Ada",
    )
    assert charge.method == "visa •••• 4242"
    assert charge.disputed
    assert (
        first("charge.succeeded", p.charge(payment_method_details={"type": "sepa_debit"})).method
        == "sepa_debit"
    )


def test_refunds_embedded_in_an_old_charge_are_rows() -> None:
    """Each refund in the charge's list is a refund of that charge and payment."""
    bare = p.refund(charge=None, payment_intent=None)
    del bare["charge"], bare["payment_intent"]
    snapshots = told("charge.refunded", p.charge(p.OLD, refunds=p.listed(bare, {"id": "re_x"})), p.OLD)
    (refund,) = [snapshot for snapshot in snapshots if isinstance(snapshot, RefundSnapshot)]
    assert (refund.id, refund.charge, refund.payment, refund.amount) == ("re_1", "ch_1", "pi_1", 500)


def test_the_release_of_an_authorisation_is_no_refund() -> None:
    """What Stripe lists as refunded without ever having been captured moved no money."""
    release = p.refund(balance_transaction=None)
    charge = p.charge(amount_captured=1500, refunds=p.listed(release, p.refund(id="re_2", amount=100)))
    refunds = [s for s in told("charge.refunded", charge) if isinstance(s, RefundSnapshot)]
    assert [(refund.id, refund.status) for refund in refunds] == [("re_1", CANCELED), ("re_2", SUCCEEDED)]


@pytest.mark.parametrize(
    ("told_as", "expected"),
    [
        ("succeeded", SUCCEEDED),
        ("pending", PENDING),
        ("requires_action", PENDING),
        ("failed", FAILED),
        ("canceled", CANCELED),
        (None, PENDING),
        ("novel", PENDING),
    ],
)
def test_refund_states(told_as: str | None, expected: TransactionStatus) -> None:
    """Only Stripe's own word makes a refund succeed."""
    assert first("refund.updated", p.refund(status=told_as)).status is expected


def test_an_expired_authorisations_refund_moved_nothing() -> None:
    """Stripe's own reason for it says that no money had come."""
    assert first("refund.created", p.refund(reason="expired_uncaptured_charge")).status is CANCELED


@pytest.mark.parametrize(
    ("type", "payment_status", "expected"),
    [
        ("checkout.session.completed", "paid", CheckoutPaymentState.PAID),
        ("checkout.session.completed", "unpaid", CheckoutPaymentState.UNPAID),
        ("checkout.session.completed", "no_payment_required", CheckoutPaymentState.NOT_REQUIRED),
        ("checkout.session.async_payment_succeeded", "paid", CheckoutPaymentState.PAID),
        ("checkout.session.async_payment_failed", "unpaid", CheckoutPaymentState.FAILED),
        ("checkout.session.expired", "novel", CheckoutPaymentState.UNPAID),
    ],
)
def test_checkout_payment_states(type: str, payment_status: str, expected: CheckoutPaymentState) -> None:
    """A delayed method is not revenue until it says so, and only an event tells that it failed."""
    session = first(type, p.checkout(payment_status=payment_status))
    assert isinstance(session, CheckoutSnapshot)
    assert session.payment_state is expected


def test_checkout_fields() -> None:
    """A session keeps the guest's name, the application's reference and what it led to."""
    session = first("checkout.session.completed", p.checkout())
    assert (session.mode, session.status) == (CheckoutMode.PAYMENT, CheckoutStatus.COMPLETE)
    assert (session.amount_total, session.currency, session.payment) == (2000, "usd", "pi_1")
    assert (session.email, session.name, session.client_reference) == ("ada@example.com", "Ada", "user-7")
    expired = first("checkout.session.expired", p.checkout(status=None, mode=None, subscription="sub_1"))
    assert (expired.status, expired.mode) == (CheckoutStatus.EXPIRED, CheckoutMode.SUBSCRIPTION)


def test_a_session_with_an_invoice_links_it() -> None:
    """A one-time payment with an invoice of its own belongs to that invoice."""
    assert links(told("checkout.session.completed", p.checkout(invoice="in_9"))) == {
        ("in_9", "pi_1", "paid", 2000)
    }


def test_subscription_fields() -> None:
    """Items carry price, quantity and interval; the period is theirs."""
    subscription = first("customer.subscription.created", p.subscription())
    assert isinstance(subscription, SubscriptionSnapshot)
    assert subscription.items == (
        SubscriptionItem(
            id="si_1",
            price="price_1",
            product="prod_1",
            name="Growth",
            quantity=3,
            amount=2000,
            interval="month",
        ),
    )
    assert subscription.current_period_end == p.at(p.NOW + 2_600_000)
    assert subscription.status is SubscriptionStatus.ACTIVE


def test_the_period_spans_all_items() -> None:
    """Earliest start, latest end."""
    items = [
        {"id": "si_1", "price": "price_1", "current_period_start": p.NOW, "current_period_end": p.NOW + 10},
        {
            "id": "si_2",
            "price": "price_2",
            "current_period_start": p.NOW - 5,
            "current_period_end": p.NOW + 9,
        },
    ]
    found = first("customer.subscription.updated", p.subscription(items=p.listed(*items)))
    assert (found.current_period_start, found.current_period_end) == (p.at(p.NOW - 5), p.at(p.NOW + 10))
    assert [item.price for item in found.items] == ["price_1", "price_2"]


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ({"unit_amount": None, "unit_amount_decimal": "0.5"}, ("flat", Decimal("0.5"), 2)),
        ({"unit_amount": None, "unit_amount_decimal": "0.50"}, ("flat", Decimal("0.5"), 2)),
        ({"unit_amount": 5, "unit_amount_decimal": "5.0"}, ("flat", 5, 15)),
        ({"unit_amount_decimal": "5.0"}, ("flat", 5, 15)),
        ({"unit_amount": None, "unit_amount_decimal": None}, ("flat", None, None)),
        ({"unit_amount": None, "unit_amount_decimal": "NaN"}, ("flat", None, None)),
        ({"unit_amount": None, "unit_amount_decimal": "-1"}, ("flat", None, None)),
        ({"unit_amount": None, "unit_amount_decimal": "1e999999999"}, ("flat", None, None)),
        ({"unit_amount": 0}, ("flat", 0, 0)),
        ({"unit_amount": None, "billing_scheme": "tiered"}, ("tiered", None, None)),
        ({"unit_amount": 7, "recurring": {"interval": "month", "usage_type": "licensed"}}, ("flat", 7, 21)),
        ({"unit_amount": 7, "recurring": {"usage_type": "metered"}}, ("metered", 7, None)),
        ({"amount": 7, "interval": "month", "usage_type": "metered"}, ("metered", 7, None)),
        ({"amount": None, "amount_decimal": "0.25", "interval": "month"}, ("flat", Decimal("0.25"), 1)),
        ({"unit_amount": 7, "transform_quantity": {"divide_by": 2, "round": "up"}}, ("flat", 7, 14)),
        ({"unit_amount": 7, "transform_quantity": {"divide_by": 2, "round": "down"}}, ("flat", 7, 7)),
        ({"amount": 7, "transform_usage": {"divide_by": 2, "round": "up"}}, ("flat", 7, 14)),
    ],
)
def test_what_three_pieces_of_unusual_prices_come_to(
    price: p.Json, expected: tuple[str, Decimal | int | None, int | None]
) -> None:
    """Fractions of a cent stay exact until they are multiplied; of tiers and usage only the bill tells."""
    items = p.listed({"id": "si_1", "quantity": 3, "price": {"id": "price_1", **price}})
    (item,) = first("customer.subscription.updated", p.subscription(items=items)).items
    assert (item.scheme, item.amount, item.total) == expected


def test_pausing_a_collection_is_told_apart_from_the_status() -> None:
    """An active subscription whose collection pauses stays active."""
    paused = p.subscription(pause_collection={"behavior": "void", "resumes_at": p.NOW + 99})
    found = first("customer.subscription.updated", paused)
    assert (found.status, found.collection_paused) == (SubscriptionStatus.ACTIVE, True)
    assert found.collection_resumes_at == p.at(p.NOW + 99)


def test_an_unknown_subscription_status_grants_nothing() -> None:
    """A new word of Stripe's is incomplete, except that a deletion is a cancellation."""
    odd = p.subscription(status="novel")
    assert first("customer.subscription.updated", odd).status is SubscriptionStatus.INCOMPLETE
    assert first("customer.subscription.deleted", odd).status is SubscriptionStatus.CANCELED


def test_a_subscription_whose_items_are_cut_off_is_asked_for() -> None:
    """Half of the items would tell a wrong price."""
    parsed = parse(p.event("customer.subscription.updated", p.subscription(items=p.listed(has_more=True))))
    assert not parsed.snapshots
    assert [(ref.kind, ref.id) for ref in parsed.fetch] == [(Kind.SUBSCRIPTION, "sub_1")]


def test_a_deleted_customer_keeps_what_the_event_tells() -> None:
    """The event carries the customer as it was; a tombstone only its id."""
    gone = first("customer.deleted", p.customer())
    assert isinstance(gone, CustomerSnapshot)
    assert (gone.deleted, gone.email) == (True, "ada@example.com")
    stone = first("customer.deleted", {"id": "cus_1", "object": "customer", "deleted": True})
    assert (stone.deleted, stone.email, stone.occurred_at) == (True, None, p.at())


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        ("warning_needs_response", DisputeKind.INQUIRY, DisputeStatus.NEEDS_RESPONSE),
        ("warning_under_review", DisputeKind.INQUIRY, DisputeStatus.UNDER_REVIEW),
        ("warning_closed", DisputeKind.INQUIRY, DisputeStatus.CLOSED),
        ("needs_response", DisputeKind.CHARGEBACK, DisputeStatus.NEEDS_RESPONSE),
        ("under_review", DisputeKind.CHARGEBACK, DisputeStatus.UNDER_REVIEW),
        ("appeal_needs_response", DisputeKind.CHARGEBACK, DisputeStatus.APPEAL_NEEDS_RESPONSE),
        ("appeal_under_review", DisputeKind.CHARGEBACK, DisputeStatus.APPEAL_UNDER_REVIEW),
        ("won", DisputeKind.CHARGEBACK, DisputeStatus.WON),
        ("lost", DisputeKind.CHARGEBACK, DisputeStatus.LOST),
        ("prevented", DisputeKind.CHARGEBACK, DisputeStatus.PREVENTED),
        ("novel", DisputeKind.CHARGEBACK, DisputeStatus.UNDER_REVIEW),
    ],
)
def test_dispute_states(status: str, kind: DisputeKind, expected: DisputeStatus) -> None:
    """Inquiries share the words of chargebacks; what we don't know is shown as open."""
    dispute = first("charge.dispute.updated", p.dispute(status=status))
    assert isinstance(dispute, DisputeSnapshot)
    assert (dispute.dispute_kind, dispute.status) == (kind, expected)
    assert (dispute.charge, dispute.payment, dispute.reason) == ("ch_1", "pi_1", "fraudulent")


_TAKEN = {"amount": -2000, "currency": "usd", "fee": 1500, "net": -3500}
_GIVEN = {"amount": 2000, "currency": "usd", "fee": 0, "net": 2000}


@pytest.mark.parametrize(
    ("type", "changes", "withdrawn"),
    [
        ("charge.dispute.created", {"balance_transactions": [_TAKEN]}, 2000),
        ("charge.dispute.closed", {"balance_transactions": [_TAKEN, _GIVEN], "status": "won"}, 0),
        ("charge.dispute.closed", {"balance_transactions": [{"amount": -1800, "currency": "eur"}]}, 2000),
        ("charge.dispute.funds_withdrawn", {"status": "warning_under_review"}, 2000),
        ("charge.dispute.funds_reinstated", {"status": "under_review"}, 0),
        ("charge.dispute.created", {}, 2000),
        ("charge.dispute.closed", {"status": "lost"}, 2000),
        ("charge.dispute.closed", {"status": "won"}, 0),
        ("charge.dispute.updated", {"status": "prevented"}, 0),
        ("charge.dispute.created", {"status": "warning_needs_response"}, 0),
        ("charge.dispute.closed", {"status": "warning_closed"}, 0),
    ],
)
def test_what_a_dispute_has_taken(type: str, changes: p.Json, withdrawn: int) -> None:
    """Its balance entries say it best, then the event's type, then the state."""
    assert first(type, p.dispute(**changes)).funds_withdrawn == withdrawn


@pytest.mark.parametrize("due_by", [0, None])
def test_no_deadline_where_no_answer_is_possible(due_by: int | None) -> None:
    """Stripe writes 0 for a dispute that can't be answered."""
    assert (
        first("charge.dispute.created", p.dispute(evidence_details={"due_by": due_by})).evidence_due_by
        is None
    )


def test_a_case_type_makes_an_inquiry() -> None:
    """The network's case type counts where the status doesn't say."""
    details = {"type": "card", "card": {"case_type": "inquiry"}}
    odd = p.dispute(status="under_review", payment_method_details=details)
    assert first("charge.dispute.updated", odd).dispute_kind is DisputeKind.INQUIRY


def test_an_early_fraud_warning_is_a_dispute_without_a_sum() -> None:
    """It names the charge; its currency is known only when that is expanded."""
    warning = first("radar.early_fraud_warning.created", p.early_fraud_warning())
    assert (warning.dispute_kind, warning.status) == (DisputeKind.FRAUD_WARNING, DisputeStatus.NEEDS_RESPONSE)
    assert (warning.amount, warning.currency, warning.charge, warning.funds_withdrawn) == (0, "", "ch_1", 0)
    over = p.early_fraud_warning(actionable=False, charge=p.charge())
    snapshots = told("radar.early_fraud_warning.updated", over)
    assert (snapshots[0].status, snapshots[0].currency) == (DisputeStatus.CLOSED, "usd")
    assert snapshots[1].kind is Kind.CHARGE


def test_expanded_objects_tell_their_own_snapshots() -> None:
    """An id and the object in its place mean the same, and the object is recorded as well."""
    charge = p.charge(payment_intent="pi_1", customer=p.customer())
    payment = p.payment_intent(latest_charge=charge, customer="cus_1")
    snapshots = told("checkout.session.completed", p.checkout(payment_intent=payment))
    assert [snapshot.kind for snapshot in snapshots] == [
        Kind.CHECKOUT,
        Kind.PAYMENT,
        Kind.INVOICE_PAYMENT,
        Kind.CHARGE,
        Kind.CUSTOMER,
    ]
    assert snapshots[0].payment == "pi_1"
    assert snapshots[1].latest_charge == "ch_1"


def test_payments_expanded_inside_an_invoice_are_recorded() -> None:
    """Through the list of payments, too."""
    row = p.invoice_payment(payment={"type": "payment_intent", "payment_intent": p.payment_intent()})
    kinds = [snapshot.kind for snapshot in told("invoice.paid", p.invoice(payments=p.listed(row)))]
    assert kinds == [Kind.INVOICE, Kind.INVOICE_PAYMENT, Kind.PAYMENT, Kind.INVOICE_PAYMENT]


def test_an_expanded_object_that_is_not_whole_costs_nothing() -> None:
    """Its id is read; what is missing from it is no reason to refuse the event."""
    stub = {"id": "pi_1", "object": "payment_intent"}
    snapshots = told("charge.succeeded", p.charge(payment_intent=stub))
    assert [snapshot.kind for snapshot in snapshots] == [Kind.CHARGE]
    assert snapshots[0].payment == "pi_1"


@pytest.mark.parametrize("field", ["id", "amount", "currency"])
def test_what_is_essential_is_demanded(field: str) -> None:
    """A refund without id, sum or currency can't be recorded."""
    with pytest.raises(PayloadInvalid, match=field):
        told("refund.created", {**p.refund(), field: None})


def test_the_mode_is_the_envelopes() -> None:
    """Objects that don't tell their mode (refunds) get the event's."""
    live = parse(p.event("refund.created", p.refund(), livemode=True))
    assert live.snapshots[0].livemode


def test_raw_json_holds_no_bearer_secret() -> None:
    """A client secret lets its holder confirm a payment: it is not kept, at any depth."""
    row = p.invoice_payment(payment={"type": "payment_intent", "payment_intent": p.payment_intent()})
    for snapshot in told(
        "invoice.paid", p.invoice(payments=p.listed(row), confirmation_secret={"client_secret": "x"})
    ):
        assert "secret" not in str(snapshot.raw)
        assert snapshot.raw.get("id") == snapshot.id or ":" in snapshot.id
