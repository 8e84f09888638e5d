"""What Stripe says of payments, charges, refunds and sessions, in our words."""

from __future__ import annotations

import pytest

from overseer_payment.provider import (
    ChargeSnapshot,
    CheckoutMode,
    CheckoutPaymentState,
    CheckoutSnapshot,
    CheckoutStatus,
    PaymentSnapshot,
    RefundSnapshot,
    TransactionStatus,
)
from tests.provider_plugins.stripe import payloads as p
from tests.provider_plugins.stripe.telling import first, told

PENDING, SUCCEEDED, FAILED, CANCELED = (
    TransactionStatus.PENDING,
    TransactionStatus.SUCCEEDED,
    TransactionStatus.FAILED,
    TransactionStatus.CANCELED,
)


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
        ({"amount_captured": 2400, "amount_refunded": 0}, SUCCEEDED, 2400, 0),
    ],
)
def test_charge_states_and_sums(
    changes: p.Json, status: TransactionStatus, amount: int, refunded: int
) -> None:
    """The captured sum counts, be it more than authorised; what was released was never refunded."""
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
    ("captured", "changes", "expected"),
    [
        (1500, {"balance_transaction": None}, CANCELED),
        (1500, {}, SUCCEEDED),
        (1500, {"balance_transaction": None, "status": "pending"}, PENDING),
        (2000, {"balance_transaction": None}, SUCCEEDED),
    ],
)
def test_a_release_that_is_read_by_itself_is_no_refund(
    captured: int, changes: p.Json, expected: TransactionStatus
) -> None:
    """As in its charge's list: the charge that comes with it shows what was never captured."""
    refund = p.refund(charge=p.charge(amount_captured=captured), **changes)
    assert first("refund.created", refund).status is expected


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
