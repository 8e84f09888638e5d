"""By which ids an object belongs to others, and what is locked while it is recorded."""

from __future__ import annotations

from typing import Any

import pytest

from overseer_payment.ledger.links import Links, links, mentioned
from overseer_payment.provider import (
    CheckoutPaymentState,
    DisputeStatus,
    InvoiceStatus,
    Snapshot,
    SubscriptionStatus,
)
from tests.ledger.telling import (
    PENDING,
    SUCCEEDED,
    charge,
    checkout,
    customer,
    dispute,
    invoice,
    link,
    payment,
    product,
    refund,
    subscription,
)

_WHO: dict[str, Any] = {"customer": "cus_1", "subscription": "sub_1"}

# An object, what it belongs to, and what else of it is locked.
TOLD: dict[str, tuple[Snapshot, Links, set[str]]] = {
    "payment": (
        payment(1, PENDING, latest_charge="ch_1", customer="cus_1"),
        Links(payment="pi_1", charge="ch_1"),
        {"cus_1"},
    ),
    "charge": (charge(1, customer="cus_1"), Links(payment="pi_1", charge="ch_1"), {"cus_1"}),
    "refund": (refund(1, SUCCEEDED, 300), Links(payment="pi_1", charge="ch_1"), {"re_1"}),
    "dispute": (dispute(1, DisputeStatus.LOST), Links(payment="pi_1", charge="ch_1"), {"du_1"}),
    "invoice": (invoice(1, InvoiceStatus.OPEN, **_WHO), Links(invoice="in_1"), {"cus_1", "sub_1"}),
    "link": (link(1, charge="ch_1"), Links(payment="pi_1", charge="ch_1", invoice="in_1"), {"inpay_1"}),
    "session": (
        checkout(1, CheckoutPaymentState.PAID, payment="pi_1", invoice="in_1", **_WHO),
        Links(payment="pi_1", invoice="in_1"),
        {"cs_1", "cus_1", "sub_1"},
    ),
    "subscription": (subscription(1, SubscriptionStatus.ACTIVE), Links(), {"sub_1", "cus_1"}),
    "customer": (customer(1), Links(), {"cus_1"}),
    "product": (product(1), Links(), {"prod_1"}),
}


@pytest.mark.parametrize("name", TOLD)
def test_an_object_belongs_to_what_it_names_and_locks_whose_rows_it_touches(name: str) -> None:
    """A customer and a subscription join nothing, for they own many; their rows are touched all the same."""
    told, joined, besides = TOLD[name]
    assert links(told) == joined
    names = {joined.payment, joined.charge, joined.invoice} - {None}
    assert mentioned(told) == names | besides
