"""Stripe's lists: the events it still knows of, and its objects of each kind.

Events (page "List all events"): kept for 30 days, told in the API dialect of the account, and listed
newest first; only from a known event onwards (`ending_before`) can they be read in the order in which
they happened. Objects are read at our own version. Their lists filter by creation alone, so what lives on
is listed whole, and what happens to old money late (refunds, disputes) brings its charge along.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from overseer_payment.errors import ObjectAbsent, PayloadInvalid
from overseer_payment.provider import Event, EventPage, Kind, Ref, Snapshot, SnapshotPage
from overseer_payment.provider_plugins.stripe.events import object_name
from overseer_payment.provider_plugins.stripe.translate import KINDS, Context, translate
from overseer_payment.provider_plugins.stripe.translate import fields as f
from overseer_payment.provider_plugins.stripe.webhook import envelope

if TYPE_CHECKING:
    from stripe import StripeClient
    from stripe.params import EventListParams

    from overseer_payment.provider_plugins.stripe.client import Client
    from overseer_payment.provider_plugins.stripe.reading import Reader

log = logging.getLogger("overseer_payment.stripe")

EVENTS_KEPT = timedelta(days=30)
_PAGE = 100
_NEWER, _OLDER = ">", "<"  # in which direction from an event its page lies


@dataclass(frozen=True, slots=True)
class _List:
    """One of Stripe's lists. `whole` names embedded lists without whose rest the object says too little."""

    name: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    whole: tuple[str, ...] = ()
    dated: bool = True


_CHARGE_TOO = {"expand": ["data.charge"]}
_PRICE_WHOLE = {"expand": ["data.product", "data.currency_options"]}
_LISTS: Mapping[Kind, tuple[_List, ...]] = {
    Kind.CUSTOMER: (_List("customer", "customers"),),
    # Few, and older than what is sold by them: always all.
    Kind.PRODUCT: (_List("product", "products", dated=False),),
    Kind.PRICE: (_List("price", "prices", _PRICE_WHOLE, dated=False),),
    Kind.PAYMENT: (_List("payment_intent", "payment_intents"),),
    Kind.CHARGE: (_List("charge", "charges", {"expand": ["data.refunds"]}, ("refunds",)),),
    Kind.REFUND: (_List("refund", "refunds", _CHARGE_TOO),),
    Kind.INVOICE: (_List("invoice", "invoices", {"expand": ["data.payments"]}, ("payments",)),),
    Kind.INVOICE_PAYMENT: (_List("invoice_payment", "invoice_payments"),),
    Kind.CHECKOUT: (_List("checkout.session", "checkout.sessions"),),
    Kind.SUBSCRIPTION: (
        # Without a status: all that have not ended, however old.
        _List("subscription", "subscriptions", whole=("items",), dated=False),
        _List("subscription", "subscriptions", {"status": "ended"}, ("items",)),
    ),
    Kind.DISPUTE: (
        _List("dispute", "disputes", _CHARGE_TOO),
        _List("radar.early_fraud_warning", "radar.early_fraud_warnings", _CHARGE_TOO),
    ),
}


async def events(client: Client, since: datetime | None, cursor: str | None) -> EventPage:
    """One page of the events about money since that moment, oldest first if an older one is known."""
    if cursor is None:
        cursor = await _first(client, since)
    params: EventListParams = {"limit": _PAGE}
    newer, id = cursor.startswith(_NEWER), cursor[1:]
    if since is not None and not newer:  # what comes after the last older one needs no filter
        params["created"] = {"gte": _seconds(since)}
    if id and newer:
        params["ending_before"] = id
    elif id:
        params["starting_after"] = id
    answer = await client.read(lambda stripe: stripe.v1.events.list_async(params))
    listed = list(f.rows(answer.data, "data"))[::-1]
    edge = f.reference(listed[-1 if newer else 0], "id") if listed else None
    return EventPage(
        events=tuple(event for payload in listed if (event := _event(payload)) is not None),
        next_cursor=f"{cursor[0]}{edge}" if edge and answer.data.get("has_more") else None,
        as_of=answer.as_of.moment,
        kept_since=answer.as_of.moment - EVENTS_KEPT,
    )


async def _first(client: Client, since: datetime | None) -> str:
    """Start after the last event before `since`; where there is none, at the newest and go backwards."""
    if since is None:
        return _OLDER
    answer = await client.read(
        lambda stripe: stripe.v1.events.list_async({"limit": 1, "created": {"lt": _seconds(since)}})
    )
    last = [f.reference(payload, "id") for payload in f.rows(answer.data, "data")]
    return f"{_NEWER}{last[0]}" if last and last[0] else _OLDER


def _event(payload: f.Json) -> Event | None:
    """The event, if it is about money. Asking for types would take several lists, each of 20 types."""
    try:
        event = envelope(dict(payload))
    except PayloadInvalid as error:
        log.warning("an event in Stripe's list could not be read: %s", error.detail)
        return None
    return event if object_name(event.type.removeprefix("v1.")) else None


async def objects(
    client: Client,
    reader: Reader,
    kind: Kind,
    since: datetime | None,
    cursor: str | None,
    *,
    livemode: bool,
) -> SnapshotPage:
    """One page of the objects of one kind."""
    number, _, after = (cursor or "0:").partition(":")
    lists = _lists(kind, since)
    at = min(int(number), len(lists) - 1) if number.isdecimal() else 0
    found = lists[at]
    params: dict[str, Any] = {**found.params, "limit": _PAGE}
    if after:
        params["starting_after"] = after
    if since is not None and found.dated:
        params["created"] = {"gte": _seconds(since)}
    answer = await client.read(lambda stripe: _service(stripe, found.path).list_async(params))
    rows = list(f.rows(answer.data, "data"))
    page = _Page(reader, found.name, Context(answer.as_of, livemode))
    for row in await _with_products(client, rows) if kind is Kind.SUBSCRIPTION else rows:
        await page.read(row, cut_off=not all(f.is_complete_list(row, name) for name in found.whole))
    last = f.reference(rows[-1], "id") if rows else None
    following = f"{at}:{last}" if last and answer.data.get("has_more") else None
    if following is None and at + 1 < len(lists):
        following = f"{at + 1}:"
    return SnapshotPage(
        snapshots=tuple(page.told.values()),
        unreadable=tuple(page.unreadable),
        next_cursor=following,
        as_of=answer.as_of.moment,
    )


def _lists(kind: Kind, since: datetime | None) -> Sequence[_List]:
    if kind is Kind.SUBSCRIPTION and since is None:
        return (_List("subscription", "subscriptions", {"status": "all"}, ("items",)),)
    return _LISTS[kind]


def _service(stripe: Any, path: str) -> Any:
    found = stripe.v1
    for name in path.split("."):
        found = getattr(found, name)
    return found


@dataclass(slots=True)
class _Page:
    """What the rows of one page say, each object once."""

    reader: Reader
    name: str
    context: Context
    told: dict[Ref, Snapshot] = field(default_factory=dict)
    unreadable: list[Ref] = field(default_factory=list)

    async def read(self, row: f.Json, *, cut_off: bool) -> None:
        id = f.reference(row, "id")
        if id is None:
            return
        ref = Ref(KINDS[self.name], id)
        try:
            found = await self.reader.fetch(ref) if cut_off else translate(self.name, row, self.context)
        except PayloadInvalid:
            self.unreadable.append(ref)
        except ObjectAbsent:
            return  # deleted since the page was made
        else:
            for snapshot in found:
                self.told.setdefault(snapshot.ref, snapshot)


def _products(ids: list[str], stripe: StripeClient) -> Awaitable[Any]:
    return stripe.v1.products.list_async({"ids": ids, "limit": _PAGE})


async def _with_products(client: Client, rows: Sequence[f.Json]) -> Sequence[f.Json]:
    """Subscriptions with the products of their prices, which give them their names.

    `data.items.data.price.product` would be one level more than Stripe expands ("Expanding Responses").
    """
    ids = sorted({id for row in rows for item in f.rows(row, "items") if (id := _product(item))})
    names: dict[str, f.Json] = {}
    for start in range(0, len(ids), _PAGE):
        asked = ids[start : start + _PAGE]
        answer = await client.read(partial(_products, asked))
        names |= {str(product.get("id")): product for product in f.rows(answer.data, "data")}
    return [_named(row, names) for row in rows]


def _product(item: f.Json) -> str | None:
    return f.reference(f.inner(item, "price"), "product")


def _named(subscription: f.Json, products: Mapping[str, f.Json]) -> f.Json:
    items = f.inner(subscription, "items")
    if not items:
        return subscription
    named = []
    for item in f.rows(subscription, "items"):
        product = products.get(_product(item) or "")
        price = {**f.inner(item, "price"), "product": product} if product else item.get("price")
        named.append({**item, "price": price})
    return {**subscription, "items": {**items, "data": named}}


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
