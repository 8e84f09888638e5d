"""Which payment pays which invoice, whole, from each object of Stripe's that tells it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from overseer_payment.provider import InvoicePaymentSnapshot
from tests.provider_plugins.stripe import payloads as p
from tests.provider_plugins.stripe.telling import told

Fields = dict[str, Any]

PAID = {
    "id": "in_1:pi_1",
    "livemode": False,
    "occurred_at": p.at(p.NOW - 60),
    "metadata": {},
    "invoice": "in_1",
    "payment": "pi_1",
    "charge": "ch_1",
    "status": "paid",
    "amount_paid": 2000,
    "currency": "usd",
}
OPEN = PAID | {"status": "open", "amount_paid": 0}
GONE = OPEN | {"status": "canceled"}
_OF_PAYMENT: Fields = {"occurred_at": p.at(p.NOW - 50), "charge": None}
_OF_CHARGE: Fields = {"occurred_at": p.at(p.NOW - 40)}
_OF_SESSION: Fields = {"id": "in_9:pi_1", "invoice": "in_9", "occurred_at": p.at(p.NOW - 100), "charge": None}
_THEIRS: Fields = {**_OF_PAYMENT, "id": "inpay_1"}
_BY_CHARGE: Fields = {"id": "in_1:ch_1", "payment": None}

CASES: dict[str, tuple[str, Fields, Fields]] = {
    "payment": (
        "payment_intent.succeeded",
        p.payment_intent(amount_received=1900),
        PAID | _OF_PAYMENT | {"amount_paid": 1900},
    ),
    "payment, old": ("payment_intent.succeeded", p.payment_intent(p.OLD), PAID | _OF_PAYMENT),
    "payment that goes on": (
        "payment_intent.processing",
        p.payment_intent(status="processing", amount_received=5),
        OPEN | _OF_PAYMENT,
    ),
    "payment that was given up": (
        "payment_intent.canceled",
        p.payment_intent(status="canceled", amount_received=5),
        GONE | _OF_PAYMENT,
    ),
    "charge": (
        "charge.succeeded",
        p.charge(p.OLD, amount_captured=1900),
        PAID | _OF_CHARGE | {"amount_paid": 1900},
    ),
    "charge that failed": ("charge.failed", p.charge(p.OLD, status="failed"), OPEN | _OF_CHARGE),
    "charge without a payment": (
        "charge.succeeded",
        p.charge(p.OLD, payment_intent=None),
        PAID | _OF_CHARGE | _BY_CHARGE,
    ),
    "invoice, old": ("invoice.paid", p.invoice(p.OLD, amount_paid=1800), PAID | {"amount_paid": 1800}),
    "invoice by its charge, old": ("invoice.paid", p.invoice(p.OLD, payment_intent=None), PAID | _BY_CHARGE),
    "invoice that is open, old": ("invoice.updated", p.invoice(p.OLD, paid=False, status="open"), OPEN),
    "invoice that is void, old": ("invoice.voided", p.invoice(p.OLD, paid=False, status="void"), GONE),
    "invoice paid outside, old": ("invoice.paid", p.invoice(p.OLD, paid_out_of_band=True), GONE),
    "invoice": ("invoice.paid", p.invoice(), PAID | _THEIRS),
    "invoice whose list is terse": (
        "invoice.paid",
        p.invoice(
            payments=p.listed(
                {k: v for k, v in p.invoice_payment().items() if k not in {"invoice", "currency"}}
            )
        ),
        PAID | _THEIRS,
    ),
    "invoice payment": (
        "invoice_payment.paid",
        p.invoice_payment(amount_paid=7),
        PAID | _THEIRS | {"amount_paid": 7},
    ),
    "invoice payment by a charge": (
        "invoice_payment.paid",
        p.invoice_payment(payment={"type": "charge", "charge": "ch_1"}),
        PAID | _THEIRS | {"payment": None, "charge": "ch_1"},
    ),
    "invoice payment in another state": (
        "invoice_payment.updated",
        p.invoice_payment(status="novel", currency=None, amount_paid=0),
        OPEN | _THEIRS | {"currency": ""},
    ),
    "invoice payment that was given up": (
        "invoice_payment.updated",
        p.invoice_payment(status="canceled", amount_paid=0),
        GONE | _THEIRS,
    ),
    "session": ("checkout.session.completed", p.checkout(invoice="in_9"), PAID | _OF_SESSION),
    "session that is unpaid": (
        "checkout.session.completed",
        p.checkout(invoice="in_9", payment_status="unpaid", currency=None),
        OPEN | _OF_SESSION | {"currency": ""},
    ),
    "session without a date": (
        "checkout.session.completed",
        p.checkout(invoice="in_9", created=None),
        PAID | _OF_SESSION | {"occurred_at": p.at()},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_link_is_told_whole(name: str) -> None:
    """Under one id whoever tells it; a sum only where it was paid."""
    type, obj, expected = CASES[name]
    version = p.OLD if "old" in name or "charge" in type else p.NEW
    (link,) = [one for one in told(type, obj, version) if isinstance(one, InvoicePaymentSnapshot)]
    assert {
        field: value for field, value in asdict(link).items() if field not in {"as_of", "raw"}
    } == expected
    assert link.as_of.moment == p.at()


@pytest.mark.parametrize(
    ("type", "obj"),
    [
        ("payment_intent.succeeded", p.payment_intent(payment_details={"order_reference": "order_7"})),
        ("payment_intent.succeeded", p.payment_intent(payment_details=None)),
        ("charge.succeeded", p.charge()),
        ("checkout.session.completed", p.checkout()),
        ("checkout.session.completed", p.checkout(invoice="in_9", payment_intent=None)),
        ("invoice_payment.paid", p.invoice_payment(payment={"type": "payment_intent"})),
        ("invoice.paid", p.invoice(payments=p.listed({"object": "invoice_payment"}))),
    ],
)
def test_what_names_but_one_of_the_two_tells_of_no_link(type: str, obj: Fields) -> None:
    """Nor does a payload that says nothing of which payment it was."""
    assert not [one for one in told(type, obj) if isinstance(one, InvoicePaymentSnapshot)]
