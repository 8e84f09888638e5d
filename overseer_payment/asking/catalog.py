"""What can be sold: from our own rows while they are fresh, else read from the provider first, once.

Events keep the rows up to date in between. With the provider away the catalogue still answers, and says
since when it may be out of date.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, or_, select, update

from overseer_payment import tables
from overseer_payment.committing import committed, queried
from overseer_payment.database import utcnow
from overseer_payment.errors import NotSupported, PaymentError, ProviderUnavailable
from overseer_payment.faults import describe
from overseer_payment.ledger import accounts, objects, queries
from overseer_payment.ledger.accounts import Account
from overseer_payment.provider import (
    AsOf,
    Capability,
    Kind,
    ListsObjects,
    Price,
    PriceSnapshot,
    ProductSnapshot,
    Provider,
    Ref,
    Snapshot,
    SnapshotPage,
    Source,
)
from overseer_payment.recording import take
from overseer_payment.schemas import Catalog, CatalogQuery, Viewer

if TYPE_CHECKING:
    from overseer_payment.service import Payments

log = logging.getLogger("overseer_payment.catalog")

FRESH = timedelta(minutes=15)
"""So long nobody asks the provider again: events tell what changes."""

_PATIENCE = 20.0  # for a catalogue that was never read
_BRIEFLY = 1.0  # for a newer one: the one that is there is shown then, and read anew meanwhile
_CLAIM = timedelta(seconds=30)
_MOST_PAGES = 1000
_provider = tables.provider


async def catalog(
    payments: Payments, viewer: Viewer, query: CatalogQuery, *, patience: float | None = None
) -> Catalog:
    """What is on sale, a page of it. Raises Forbidden, NotSupported, ConfigurationError; ProviderError only
    while nothing was ever read. `patience`: for how many seconds the provider is waited for at most.
    """
    viewer.require("payment.view")
    account = payments.home(query.provider)
    spec = payments.registry.spec(account.provider)
    if Capability.CATALOG not in spec.capabilities:
        raise NotSupported(f"{spec.title} has no catalogue that can be read.")
    state = await committed(payments.engine, _state, account)
    note = None
    if state.is_stale:
        usual = _PATIENCE if state.read_at is None else _BRIEFLY
        longest = usual if patience is None else min(usual, patience)
        note = await _refreshed(payments, account, state, longest)
    read_at = await queried(payments.engine, _read_at, state.account_id)
    prices, products, cursor = await queried(payments.engine, queries.prices, state.account_id, query)
    return Catalog(
        provider=account.provider,
        prices=prices,
        products=products,
        next_cursor=cursor,
        read_at=read_at,
        note=note,
    )


@dataclass(frozen=True, slots=True)
class _State:
    account_id: int
    read_at: datetime | None
    mine: bool
    """Nobody else is reading it at this moment: it is ours to read."""

    @property
    def is_stale(self) -> bool:
        return self.read_at is None or utcnow() - self.read_at > FRESH


def _state(connection: Connection, account: Account) -> _State:
    """How fresh our rows are; if they aren't, the claim to read them, so that processes don't crowd."""
    id = accounts.ensure(connection, [account])[account]
    read_at, now = _read_at(connection, id), utcnow()
    state = _State(id, read_at, mine=False)
    if not state.is_stale:
        return state
    free = or_(_provider.c.catalog_asked_at.is_(None), _provider.c.catalog_asked_at < now - _CLAIM)
    claim = update(_provider).where(_provider.c.id == id, free).values(catalog_asked_at=now)
    return _State(id, read_at, mine=connection.execute(claim).rowcount == 1)


def _read_at(connection: Connection, account_id: int) -> datetime | None:
    query = select(_provider.c.catalog_read_at).where(_provider.c.id == account_id)
    found: datetime | None = connection.execute(query).scalar_one()
    return found


async def _refreshed(payments: Payments, account: Account, state: _State, patience: float) -> str | None:
    """Read the catalogue anew, one reading for all who ask; answers why not, for people."""
    under_way = payments.reading_catalog.get(account)
    if under_way is None and (state.mine or state.read_at is None):
        under_way = asyncio.create_task(_read_all(payments, account, state.account_id))
        payments.reading_catalog[account] = under_way
        under_way.add_done_callback(lambda task: _is_read(payments, account, task))
    if under_way is None:
        return f"Another process is reading the catalogue anew. This is its state of {_when(state)}."
    try:
        async with asyncio.timeout(patience):
            await asyncio.shield(under_way)
    except (TimeoutError, PaymentError) as error:
        if state.read_at is None:
            raise _unread(error) from None
        log.warning("the catalogue could not be read: %s", describe(error))
        return f"{_unread(error).detail} This is the catalogue's state of {_when(state)}."
    return None


def _is_read(payments: Payments, account: Account, task: asyncio.Task[None]) -> None:
    payments.reading_catalog.pop(account, None)
    if not task.cancelled():
        task.exception()  # seen to: those who asked may have gone on without it


async def ended(payments: Payments) -> None:
    """Break off what is being read."""
    tasks = list(payments.reading_catalog.values())
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _when(state: _State) -> str:
    return f"{state.read_at:%Y-%m-%d %H:%M} UTC" if state.read_at else "before it was first read"


def _unread(error: Exception) -> PaymentError:
    if isinstance(error, PaymentError):
        return error
    return ProviderUnavailable("The payment provider takes too long to list its prices.")


async def _read_all(payments: Payments, account: Account, account_id: int) -> None:
    """Record every price and product, and put away those that are gone; a page is a transaction."""
    provider, seen, as_of = payments.registry.get(account.provider), set[str](), None
    async for page in _pages(provider):
        told = [one for one in page.snapshots if isinstance(one, PriceSnapshot | ProductSnapshot)]
        seen |= {one.id for one in told if isinstance(one, PriceSnapshot)}
        seen |= {ref.id for ref in page.unreadable}
        as_of = as_of or page.as_of
        await committed(payments.engine, take, account_id, told, now=utcnow())
    if as_of is not None:
        await committed(payments.engine, _finish, account_id, seen, AsOf(as_of, Source.READ))


async def _pages(provider: Provider) -> AsyncIterator[SnapshotPage]:
    """Every price in pages, from the list of objects where the provider has them there, else of prices."""
    page, listed = None, False
    if isinstance(provider, ListsObjects):
        page = await provider.list_objects(Kind.PRICE)
        for _ in range(_MOST_PAGES):
            listed |= bool(page.snapshots)
            yield page
            if page.next_cursor is None:
                break
            page = await provider.list_objects(Kind.PRICE, cursor=page.next_cursor)
    if not listed:
        as_of = page.as_of if page is not None else utcnow()
        yield await _offered(provider, AsOf(as_of, Source.READ))


async def _offered(provider: Provider, as_of: AsOf) -> SnapshotPage:
    told: list[Snapshot] = []
    async for price in provider.list_prices():
        told += _as_snapshots(price, as_of, provider.livemode)
    return SnapshotPage(snapshots=tuple(told), next_cursor=None, as_of=as_of.moment)


def _as_snapshots(price: Price, as_of: AsOf, livemode: bool) -> Sequence[Snapshot]:
    # The list doesn't tell since when it is sold: the beginning of time, so that it stays the same.
    since = datetime.fromtimestamp(0, as_of.moment.tzinfo)
    return (
        PriceSnapshot(
            id=price.id,
            as_of=as_of,
            livemode=livemode,
            occurred_at=since,
            product=price.product,
            currency=price.currency,
            amount=price.amount,
            scheme=price.scheme,
            package=price.package,
            interval=price.interval,
            interval_count=price.interval_count,
            nickname=price.nickname,
            active=price.active,
        ),
        ProductSnapshot(
            id=price.product,
            as_of=as_of,
            livemode=livemode,
            occurred_at=since,
            name=price.product_name,
        ),
    )


def _finish(connection: Connection, account_id: int, seen: set[str], as_of: AsOf) -> None:
    """What is on sale here and wasn't listed is gone."""
    lost = {Ref(Kind.PRICE, id) for id in queries.on_sale(connection, account_id) if id not in seen}
    stored = objects.by_id(connection, account_id, lost).values()
    gone = [
        replace(one, as_of=as_of, active=False)
        for one in stored
        # Made since the reading began, it may be missing from the list.
        if isinstance(one, PriceSnapshot) and one.as_of.moment < as_of.moment
    ]
    take(connection, account_id, gone, now=utcnow())
    done = update(_provider).where(_provider.c.id == account_id)
    connection.execute(done.values(catalog_read_at=utcnow(), catalog_asked_at=None))
