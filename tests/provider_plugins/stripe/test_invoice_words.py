"""What Stripe says of invoices and of their payments, in our words."""

from __future__ import annotations

import pytest

from overseer_payment.provider import InvoicePaymentSnapshot, InvoiceSnapshot, InvoiceStatus, Kind
from overseer_payment.provider_plugins.stripe.events import parse
from tests.provider_plugins.stripe import payloads as p
from tests.provider_plugins.stripe.telling import first, links, told


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
        ("invoice.updated", {"status": "open", "next_payment_attempt": None}, False),
        ("invoice.updated", {"status": "open", "next_payment_attempt": p.NOW + 9}, True),
        ("invoice.payment_failed", {"status": "open", "next_payment_attempt": None}, True),
        ("invoice.updated", {"status": "uncollectible", "next_payment_attempt": None}, True),
        ("invoice.payment_failed", {"status": "paid"}, False),
    ],
)
def test_a_failed_attempt_is_told_by_type_or_count(type: str, changes: p.Json, failed: bool) -> None:
    """An open invoice with attempts has a failed one, unless it waits for the customer or the bank."""
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


def test_a_session_with_an_invoice_links_it() -> None:
    """A one-time payment with an invoice of its own belongs to that invoice."""
    assert links(told("checkout.session.completed", p.checkout(invoice="in_9"))) == {
        ("in_9", "pi_1", "paid", 2000)
    }


def test_payments_expanded_inside_an_invoice_are_recorded() -> None:
    """Through the list of payments, too."""
    row = p.invoice_payment(payment={"type": "payment_intent", "payment_intent": p.payment_intent()})
    kinds = [snapshot.kind for snapshot in told("invoice.paid", p.invoice(payments=p.listed(row)))]
    assert kinds == [Kind.INVOICE, Kind.INVOICE_PAYMENT, Kind.PAYMENT, Kind.INVOICE_PAYMENT]
