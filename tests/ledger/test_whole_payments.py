"""Payments compared whole, field by field, with what each should be made of."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from overseer_payment.ledger.component import Component
from overseer_payment.ledger.derive import derive
from overseer_payment.provider import (
    CheckoutMode,
    CheckoutPaymentState,
    DisputeKind,
    DisputeStatus,
    InvoiceStatus,
    Kind,
    Snapshot,
)
from tests.ledger.telling import (
    CANCELED,
    FAILED,
    PENDING,
    SUCCEEDED,
    charge,
    checkout,
    dispute,
    invoice,
    link,
    moment,
    payment,
    refund,
)

PAID, UNPAID = CheckoutPaymentState.PAID, CheckoutPaymentState.UNPAID
OPEN, LOST, WON = DisputeStatus.UNDER_REVIEW, DisputeStatus.LOST, DisputeStatus.WON
_WHO: dict[str, Any] = {
    "customer": "cus_9",
    "email": "ann@example.com",
    "name": "Ann",
    "subscription": "sub_9",
}
_SESSION: dict[str, Any] = {
    "mode": CheckoutMode.SUBSCRIPTION,
    "made": 4,
    "amount_total": 700,
    "currency": "eur",
}

_GOT: dict[str, Any] = {"root": "pi_1", "status": SUCCEEDED, "amount": 1000}

# What is told, and all that is not as in a payment of nothing at all.
CASES: dict[str, tuple[list[Snapshot], dict[str, Any]]] = {
    "a payment and its charge": (
        [
            payment(
                5, SUCCEEDED, latest_charge="ch_1", made=3, currency="eur", amount=800, description="Two"
            ),
            charge(5, made=4, amount=700, currency="eur", method="visa", name="Ann", email="ann@example.com"),
        ],
        {
            "root": "pi_1",
            "kind": Kind.PAYMENT,
            "status": SUCCEEDED,
            "amount": 700,
            "currency": "eur",
            "occurred_at": moment(3),
            "charge": "ch_1",
            "method": "visa",
            "name": "Ann",
            "email": "ann@example.com",
            "description": "Two",
            "references": {"pi_1", "ch_1"},
        },
    ),
    "a payment alone": (
        [payment(5, PENDING, made=3, amount=800)],
        {
            "root": "pi_1",
            "kind": Kind.PAYMENT,
            "status": PENDING,
            "amount": 800,
            "occurred_at": moment(3),
            "references": {"pi_1"},
        },
    ),
    "a charge alone": (
        [
            charge(
                5,
                FAILED,
                made=4,
                payment=None,
                amount=700,
                currency="eur",
                failure_code="no",
                failure_message="No.",
            )
        ],
        {
            "root": "ch_1",
            "kind": Kind.CHARGE,
            "status": FAILED,
            "amount": 700,
            "currency": "eur",
            "occurred_at": moment(4),
            "charge": "ch_1",
            "failure_code": "no",
            "failure_message": "No.",
            "references": {"ch_1"},
        },
    ),
    "a success beside a later failure": (
        [payment(5, SUCCEEDED), charge(5, made=3), charge(6, FAILED, "ch_2", made=4)],
        {**_GOT, "charge": "ch_1", "references": {"pi_1", "ch_1", "ch_2"}},
    ),
    "a canceled payment and its failed attempt": (
        [payment(5, CANCELED, latest_charge="ch_1"), charge(9, FAILED, made=4)],
        {
            "root": "pi_1",
            "status": CANCELED,
            "amount": 1000,
            "charge": "ch_1",
            "references": {"pi_1", "ch_1"},
        },
    ),
    "a session's and an invoice's words": (
        [
            payment(5, SUCCEEDED),
            checkout(5, PAID, payment="pi_1", email="ann@example.com", name="Ann"),
            link(5),
            invoice(
                5,
                InvoiceStatus.PAID,
                customer="cus_9",
                subscription="sub_9",
                email="b@example.com",
                name="B",
                description="Two",
            ),
        ],
        {**_GOT, **_WHO, "description": "Two", "invoice": "in_1", "references": {"pi_1", "cs_1", "in_1"}},
    ),
    "what the payment says itself comes first": (
        [
            payment(5, SUCCEEDED, customer="cus_1", email="own@example.com", description="Own"),
            checkout(5, PAID, payment="pi_1", **_WHO),
            link(5),
            invoice(
                5,
                InvoiceStatus.PAID,
                customer="cus_2",
                subscription="sub_2",
                email="b@example.com",
                name="B",
                description="Two",
            ),
        ],
        {
            **_GOT,
            **_WHO,
            "customer": "cus_1",
            "email": "own@example.com",
            "description": "Own",
            "invoice": "in_1",
            "references": {"pi_1", "cs_1", "in_1"},
        },
    ),
    "an invoice that stands in": (
        [invoice(5, InvoiceStatus.PAID, made=4, amount_due=700, currency="eur", **_WHO, description="Two")],
        {
            "root": "in_1",
            "kind": Kind.INVOICE,
            "status": SUCCEEDED,
            "amount": 700,
            "currency": "eur",
            "occurred_at": moment(4),
            **_WHO,
            "description": "Two",
            "invoice": "in_1",
            "hearsay": True,
            "references": {"in_1"},
        },
    ),
    "a session that stands in": (
        [checkout(5, UNPAID, **_SESSION, **_WHO)],
        {
            "root": "cs_1",
            "kind": Kind.CHECKOUT,
            "status": PENDING,
            "amount": 700,
            "currency": "eur",
            "occurred_at": moment(4),
            **_WHO,
            "hearsay": True,
            "references": {"cs_1"},
        },
    ),
    "a link that stands in": (
        [link(5, made=4, amount_paid=700, currency="eur")],
        {
            "root": "pi_1",
            "kind": Kind.PAYMENT,
            "status": SUCCEEDED,
            "amount": 700,
            "currency": "eur",
            "occurred_at": moment(4),
            "invoice": "in_1",
            "hearsay": True,
            "references": {"pi_1", "in_1"},
        },
    ),
    "a session paid after an invoice was": (
        [checkout(9, UNPAID, invoice="in_1"), link(5), invoice(5, InvoiceStatus.PAID)],
        {**_GOT, "invoice": "in_1", "hearsay": True, "references": {"pi_1", "cs_1", "in_1"}},
    ),
    "an invoice whose payment was given up": (
        [payment(5, PENDING), link(6, "canceled"), invoice(9, InvoiceStatus.PAID)],
        {
            "root": "pi_1",
            "status": PENDING,
            "amount": 1000,
            "invoice": "in_1",
            "references": {"pi_1", "in_1"},
        },
    ),
    "only a refund": (
        [refund(5, SUCCEEDED, 300, made=4, currency="eur")],
        {
            "root": "pi_1",
            "status": PENDING,
            "amount": 0,
            "currency": "eur",
            "occurred_at": moment(4),
            "charge": "ch_1",
            "refunded": 300,
            "placeholder": True,
            "hearsay": True,
            "references": {"pi_1", "ch_1", "re_1"},
        },
    ),
    "refunds and disputes": (
        [
            charge(5, amount_refunded=900),
            refund(6, SUCCEEDED, 300),
            refund(6, PENDING, 200, "re_2"),
            refund(6, FAILED, 100, "re_3"),
            refund(4, FAILED, 50, "re_4"),
            dispute(6, OPEN, amount=10),
            dispute(6, LOST, "du_2", amount=20),
            dispute(6, WON, "du_3", amount=40),
            dispute(6, OPEN, "du_4", amount=80, currency="eur"),
            dispute(6, LOST, "du_5", amount=160, dispute_kind=DisputeKind.INQUIRY),
        ],
        {
            **_GOT,
            "charge": "ch_1",
            "refunded": 600,
            "refunded_untold": 300,
            "refund_pending": 200,
            "frozen": True,
            "lost": 20,
            "disputed": 30,
            "references": {
                "pi_1",
                "ch_1",
                *(f"re_{n}" for n in range(1, 5)),
                *(f"du_{n}" for n in range(1, 6)),
            },
        },
    ),
    "a refund that failed in the second of its charge's word": (
        [charge(5, amount_refunded=300), refund(5, FAILED, 300)],
        {**_GOT, "charge": "ch_1", "references": {"pi_1", "ch_1", "re_1"}},
    ),
    "who tried to pay an invoice that another paid": (
        [payment(5, PENDING, "pi_2"), link(5), link(5, "open", "inpay_2", payment="pi_2")],
        {"root": "pi_2", "status": PENDING, "amount": 1000, "invoice": "in_1", "references": {"pi_2"}},
    ),
    "who paid an invoice that another tried to pay": (
        [payment(5, SUCCEEDED), link(5), link(5, "open", "inpay_2", payment="pi_2")],
        {**_GOT, "invoice": "in_1", "references": {"pi_1", "in_1"}},
    ),
    "of two later words the one of success": (
        [payment(5, PENDING), link(6), checkout(7, CheckoutPaymentState.FAILED, payment="pi_1")],
        {**_GOT, "invoice": "in_1", "hearsay": True, "references": {"pi_1", "in_1", "cs_1"}},
    ),
    "a lost dispute freezes nothing": (
        [charge(5), dispute(6, LOST)],
        {**_GOT, "charge": "ch_1", "lost": 1000, "disputed": 1000, "references": {"pi_1", "ch_1", "du_1"}},
    ),
    "an inquiry freezes nothing": (
        [charge(5), dispute(6, OPEN, dispute_kind=DisputeKind.INQUIRY)],
        {**_GOT, "charge": "ch_1", "references": {"pi_1", "ch_1", "du_1"}},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_payment_is_told_whole(name: str) -> None:
    """What nobody says is empty."""
    told, expected = CASES[name]
    (found,) = [one for one in derive(Component.of(told)) if one.root == expected["root"]]
    base = {"kind": Kind.PAYMENT, "currency": "usd", "occurred_at": moment(0)}
    empty = {
        field.name: _nothing(field.name)
        for field in fields(found)
        if field.name not in {"refunds", "disputes"}
    }
    assert {name: getattr(found, name) for name in empty} == empty | base | expected


def _nothing(name: str) -> Any:
    if name in {"refunded", "refunded_untold", "refund_pending", "disputed", "lost"}:
        return 0
    return False if name in {"frozen", "placeholder", "hearsay"} else None
