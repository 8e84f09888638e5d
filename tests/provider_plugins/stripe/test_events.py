"""Which events are used, which are asked about, which are ignored; and that nothing else can happen."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overseer_payment.errors import PayloadInvalid
from overseer_payment.provider import Kind, PriceSnapshot, Ref
from overseer_payment.provider_plugins.stripe.events import object_name, parse
from overseer_payment.provider_plugins.stripe.webhook import envelope
from tests.provider_plugins.stripe import payloads as p


@pytest.mark.parametrize(
    "version", ["2023-10-16", "2020-08-27", "2027-03-31.future", "2026-10-28.preview", "odd"]
)
def test_a_payload_of_an_unknown_dialect_only_names_its_object(version: str) -> None:
    """Too old or too new: the object is asked for at our own version."""
    parsed = parse(p.event("invoice.paid", p.invoice(), version))
    assert not parsed.snapshots
    assert parsed.fetch == (Ref(Kind.INVOICE, "in_1"),)


@pytest.mark.parametrize(
    ("type", "kind", "id"),
    [
        ("v1.customer.created", Kind.CUSTOMER, "cus_1"),
        ("v1.radar.early_fraud_warning.created", Kind.DISPUTE, "issfr_1"),
    ],
)
def test_a_thin_event_names_its_object(type: str, kind: Kind, id: str) -> None:
    """Thin payloads hold no state: their object is asked for."""
    payload = {
        "id": "evt_2",
        "object": "v2.core.event",
        "type": type,
        "created": "2026-11-23T09:00:00.123Z",
        "livemode": False,
        "related_object": {"id": id, "type": "x", "url": "/v1/x"},
    }
    event = envelope(payload)
    assert event.occurred_at.microsecond == 123_000
    assert parse(event).fetch == (Ref(kind, id),)


@pytest.mark.parametrize(
    "type",
    [
        "coupon.created",
        "coupon.deleted",
        "payout.paid",
        "invoiceitem.created",
        "invoice.upcoming",
        "customer.source.created",
        "customer.discount.updated",
        "subscription_schedule.created",
        "setup_intent.succeeded",
        "review.opened",
        "issuing_dispute.created",
        "something.new",
        "",
    ],
)
def test_events_that_say_nothing_of_our_kinds_are_ignored(type: str) -> None:
    """They give nothing to record and nothing to ask, whatever their payload."""
    if type:
        parsed = parse(p.event(type, {"object": "x"}, "1999-01-01"))
        assert (parsed.snapshots, parsed.fetch) == ((), ())
    assert object_name(type) is None


@pytest.mark.parametrize(
    ("type", "name"),
    [
        ("charge.refund.updated", "refund"),
        ("charge.refunded", "charge"),
        ("charge.dispute.closed", "dispute"),
        ("customer.subscription.trial_will_end", "subscription"),
        ("customer.updated", "customer"),
        ("payment_intent.something_new", "payment_intent"),
    ],
)
def test_the_longest_prefix_names_the_object(type: str, name: str) -> None:
    """A new event type about a known object is understood without a new release."""
    assert object_name(type) == name


def test_the_object_itself_says_what_it_is() -> None:
    """The payload's own word beats what its type suggests."""
    assert parse(p.event("charge.updated", p.refund())).snapshots[0].kind is Kind.REFUND


@pytest.mark.parametrize("data", [None, [], {}, {"object": None}, {"object": "ch_1"}])
def test_a_known_type_without_an_object_is_invalid(data: Any) -> None:
    """There is nothing to read and nothing to ask for."""
    with pytest.raises(PayloadInvalid):
        parse(p.event("charge.updated", {}, data=data))


_SAMPLES: list[tuple[str, p.Json]] = [
    ("payment_intent.succeeded", p.payment_intent(latest_charge=p.charge())),
    ("payment_intent.succeeded", p.payment_intent(p.OLD)),
    ("charge.refunded", p.charge(p.OLD, refunds=p.listed(p.refund()))),
    ("refund.created", p.refund()),
    ("invoice.paid", p.invoice(p.OLD)),
    ("invoice.paid", p.invoice()),
    ("invoice_payment.paid", p.invoice_payment()),
    ("customer.subscription.updated", p.subscription(p.OLD)),
    ("customer.subscription.updated", p.subscription()),
    ("checkout.session.completed", p.checkout(payment_intent=p.payment_intent(), invoice=p.invoice())),
    ("customer.created", p.customer()),
    ("charge.dispute.created", p.dispute(charge=p.charge())),
    ("radar.early_fraud_warning.created", p.early_fraud_warning(charge=p.charge())),
]
_ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["", "pi_1", "\x00", "\ud800", "usd", 10**30, -1, 10**18, "charge", "invoice"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [path, *(found for key, inner in children for found in _paths(inner, (*path, key)))]


@given(data=st.data(), sample=st.sampled_from(_SAMPLES), version=st.sampled_from([p.OLD, p.NEW, None, "odd"]))
def test_any_mutation_is_read_or_refused(
    data: st.DataObject, sample: tuple[str, p.Json], version: str | None
) -> None:
    """Whatever stands anywhere in a payload: snapshots, a reference, or PayloadInvalid."""
    type, obj = sample
    obj = copy.deepcopy(obj)
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from([path for path in _paths(obj) if path]))
        holder: Any = obj
        for key in path[:-1]:
            holder = holder[key]
        if data.draw(st.booleans()) or not isinstance(holder, dict):
            holder[path[-1]] = data.draw(_ODD)
        else:
            del holder[path[-1]]
    try:
        parsed = parse(p.event(type, obj, version))
    except PayloadInvalid:
        return
    for snapshot in parsed.snapshots:
        assert snapshot.id
        assert snapshot.as_of.moment == p.at()


@given(obj=_ODD, type=st.sampled_from([type for type, _ in _SAMPLES]))
def test_any_object_is_read_or_refused(obj: Any, type: str) -> None:
    """The same for anything at all in the object's place."""
    try:
        parsed = parse(p.event(type, obj))
    except PayloadInvalid:
        return
    assert all(snapshot.id for snapshot in parsed.snapshots)


def _price_event(type: str, **changes: Any) -> dict[str, Any]:
    price = {"id": "price_1", "object": "price", "product": "prod_1", "currency": "usd", "active": True}
    return p.wrapped(type, price | changes)


def test_a_price_on_sale_is_read_because_no_event_tells_its_other_currencies() -> None:
    """What was put away or deleted needs none: the event says enough."""
    sold = parse(envelope(_price_event("price.updated")))
    assert (sold.snapshots, sold.fetch) == ((), (Ref(Kind.PRICE, "price_1"),))
    for event in (_price_event("price.updated", active=False), _price_event("price.deleted")):
        (told,) = parse(envelope(event)).snapshots
        assert isinstance(told, PriceSnapshot)
        assert not told.active
