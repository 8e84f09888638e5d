"""One object, told by two generations of the API: the same snapshots."""

from __future__ import annotations

from typing import Any

import pytest

from overseer_payment.errors import PayloadInvalid
from overseer_payment.provider import Kind, Source
from overseer_payment.provider_plugins.stripe.events import parse
from tests.provider_plugins.stripe import payloads as p
from tests.provider_plugins.stripe.telling import told, without_links


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


def test_an_expanded_object_that_is_not_whole_costs_nothing() -> None:
    """Its id is read; what is missing from it is no reason to refuse the event."""
    stub = {"id": "pi_1", "object": "payment_intent"}
    snapshots = told("charge.succeeded", p.charge(payment_intent=stub))
    assert [snapshot.kind for snapshot in snapshots] == [Kind.CHARGE]
    assert snapshots[0].payment == "pi_1"


@pytest.mark.parametrize("odd", [{"object": "novel"}, {"object": None}, {}, "cus_1", None, 7])
def test_what_nobody_knows_in_the_place_of_an_id_costs_nothing(odd: Any) -> None:
    """The object around it is told alone."""
    assert [snapshot.kind for snapshot in told("charge.succeeded", p.charge(customer=odd))] == [Kind.CHARGE]


def test_products_expanded_inside_items_are_recorded() -> None:
    """Each of them, through the list of items."""
    items = [
        {"id": f"si_{n}", "price": {"id": f"price_{n}", "product": {"object": "product", "id": f"prod_{n}"}}}
        for n in (1, 2)
    ]
    snapshots = told("customer.subscription.updated", p.subscription(items=p.listed(*items)))
    assert [snapshot.id for snapshot in snapshots] == ["sub_1", "prod_1", "prod_2"]


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
