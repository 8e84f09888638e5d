"""A subscription and its items."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from overseer_payment.errors import PayloadInvalid
from overseer_payment.provider import Snapshot, SubscriptionItem, SubscriptionSnapshot, SubscriptionStatus
from overseer_payment.provider_plugins.stripe.translate import fields as f
from overseer_payment.provider_plugins.stripe.translate.price import (
    amount_of,
    package_of,
    scheme_of,
    transformed,
)

_STATUS = {status.value: status for status in SubscriptionStatus}


def subscription(obj: f.Json, ctx: f.Context) -> Iterator[Snapshot]:
    """The subscription; its period is where the dialect keeps it, on the items or (until Acacia) on top."""
    paused = f.inner(obj, "pause_collection")
    yield SubscriptionSnapshot(
        **f.common(obj, ctx),
        status=_status(obj, ctx),
        customer=f.reference(obj, "customer"),
        currency=_currency(obj),
        items=tuple(_items(obj)),
        current_period_start=min(_periods(obj, "current_period_start"), default=None),
        current_period_end=max(_periods(obj, "current_period_end"), default=None),
        cancel_at_period_end=f.flag(obj, "cancel_at_period_end"),
        cancel_at=f.moment(obj, "cancel_at"),
        canceled_at=f.moment(obj, "canceled_at"),
        ended_at=f.moment(obj, "ended_at"),
        trial_start=f.moment(obj, "trial_start"),
        trial_end=f.moment(obj, "trial_end"),
        collection_paused=bool(paused),
        collection_resumes_at=f.moment(paused, "resumes_at"),
        latest_invoice=f.reference(obj, "latest_invoice"),
    )


def _status(obj: f.Json, ctx: f.Context) -> SubscriptionStatus:
    """A word we don't know grants nothing: incomplete."""
    if ctx.event_type == "customer.subscription.deleted":
        return SubscriptionStatus.CANCELED
    return _STATUS.get(f.text(obj, "status") or "", SubscriptionStatus.INCOMPLETE)


def _currency(obj: f.Json) -> str:
    found = f.currency_or_none(obj)
    for item in f.rows(obj, "items"):
        found = found or f.currency_or_none(_price(item))
    if found is None:
        raise PayloadInvalid("Stripe's subscription has no usable currency.")
    return found


def _periods(obj: f.Json, key: str) -> list[datetime]:
    found = [f.moment(item, key) for item in f.rows(obj, "items")]
    on_items = [moment for moment in found if moment is not None]
    top = f.moment(obj, key)
    return on_items or ([top] if top is not None else [])


def _items(obj: f.Json) -> Iterator[SubscriptionItem]:
    for row in f.rows(obj, "items"):
        price = _price(row)
        id, price_id = f.reference(row, "id"), f.reference(price, "id")
        if id is None or price_id is None:
            continue
        recurring = f.inner(price, "recurring") or price
        yield SubscriptionItem(
            id=id,
            price=price_id,
            product=f.reference(price, "product"),
            name=f.text(price, "nickname"),
            quantity=max(0, f.whole(row, "quantity", 1)),
            amount=amount_of(price),
            scheme=scheme_of(price),
            package=package_of(price),
            package_begun=f.text(transformed(price), "round") != "down",
            interval=f.text(recurring, "interval"),
            interval_count=max(1, f.whole(recurring, "interval_count", 1)),
        )


def _price(item: f.Json) -> f.Json:
    """`price`, or the `plan` that older objects carry in its place. Either may be a bare id."""
    for key in ("price", "plan"):
        if found := f.inner(item, key):
            return found
        if id := f.reference(item, key):
            return {"id": id}
    return {}
