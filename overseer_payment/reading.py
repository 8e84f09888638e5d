"""Reads from the provider what the ledger wants to know: outside any transaction, each object once.

A want is a row. Taking it is a lease; whoever dies while reading leaves it to be taken again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import tables
from overseer_payment.committing import committed, queried
from overseer_payment.database import utcnow
from overseer_payment.errors import (
    ConfigurationError,
    ObjectAbsent,
    ProviderAuthError,
    ProviderRateLimited,
    ProviderUnavailable,
)
from overseer_payment.faults import describe, place
from overseer_payment.ledger import accounts, objects, wants
from overseer_payment.ledger.accounts import Account
from overseer_payment.ledger.links import mentioned
from overseer_payment.provider import (
    InvoicePaymentSnapshot,
    InvoiceSnapshot,
    InvoiceStatus,
    Kind,
    Provider,
    Ref,
    Snapshot,
)
from overseer_payment.recording import take

log = logging.getLogger("overseer_payment.reading")

_PATIENCE = 45.0  # seconds; shorter than the lease, so that nobody reads the same beside us
_LEASE = timedelta(seconds=60)
_MAX_DELAY = timedelta(hours=1)
_GIVE_UP = 12
# Says nothing about the object: ask for as long as it takes.
_NOT_ITS_FAULT = (ProviderUnavailable, ProviderRateLimited, ProviderAuthError, ConfigurationError)


@dataclass(slots=True)
class Reader:
    """Reads for the accounts that the configured keys belong to (`homes`)."""

    engine: AsyncEngine
    providers: Callable[[], Mapping[str, Provider]]
    homes: Callable[[], Iterable[Account]]
    turn: asyncio.Lock
    """Held while recording: what one process records side by side would only wait for itself."""
    now: Callable[[], datetime] = utcnow

    async def step(self, *, limit: int = 8) -> int:
        """Read up to `limit` wanted objects at once and record them; answers how many were taken up."""
        homes = await self._due()
        if not homes:
            return 0
        jobs = await committed(self.engine, _claim, list(homes), limit, self.now())
        await asyncio.gather(*(self._read(homes[job.account_id], job) for job in jobs))
        return len(jobs)

    async def want(self, account: Account, ref: Ref) -> None:
        """Have one object read at the next step, unless it is about to be read anyway."""

        def ask(connection: Connection) -> None:
            id = accounts.ensure(connection, [account])[account]
            wants.ask(connection, id, {ref: None}, wants.UNREADABLE, now=self.now())

        await committed(self.engine, ask)

    async def is_wanted(self, account: Account, ref: Ref) -> bool:
        """Is this object still to be read?"""
        homes = {account: id for id, account in (await self._homes()).items()}
        wanted = tables.wanted.c
        query = select(
            exists().where(
                wanted.account_id == homes.get(account),
                wanted.kind == ref.kind.value,
                wanted.provider_id == ref.id,
            )
        )
        return await queried(self.engine, lambda c: bool(c.execute(query).scalar_one()))

    async def hurry(self) -> None:
        """Make due what is only waiting for its own event to come. For a history that has ended."""
        wanted = tables.wanted
        homes = await self._homes()
        soon = update(wanted).where(wanted.c.account_id.in_(homes), wanted.c.attempts == 0)
        await committed(self.engine, lambda c: c.execute(soon.values(due_at=self.now())))

    async def _homes(self) -> dict[int, Account]:
        known = await queried(self.engine, accounts.known)
        return {known[account]: account for account in self.homes() if account in known}

    async def _due(self) -> dict[int, Account]:
        """Our accounts by id, if anything of theirs is due; looked for without a lock."""
        homes = await self._homes()
        wanted = tables.wanted.c
        query = select(exists().where(wanted.account_id.in_(homes), wanted.due_at <= self.now()))
        due = await queried(self.engine, lambda c: bool(c.execute(query).scalar_one()))
        return homes if due else {}

    async def _read(self, account: Account, job: Row[Any]) -> None:
        ref = Ref(Kind(job.kind), job.provider_id)
        try:
            async with asyncio.timeout(_PATIENCE):
                snapshots = list(await self.providers()[account.provider].fetch(ref))
            snapshots += _paid_elsewhere(ref, snapshots)
            async with self.turn:
                await committed(self.engine, _record, job, snapshots, self.now())
        except ObjectAbsent:
            await committed(self.engine, _strike, job, self.now())
        except Exception as error:
            await self._postpone(job, error)

    async def _postpone(self, job: Row[Any], error: Exception) -> None:
        if isinstance(error, TimeoutError):
            error = ProviderUnavailable("The payment provider did not answer in time.")
        if job.attempts >= _GIVE_UP and not isinstance(error, _NOT_ITS_FAULT):
            log.error("%s %s is given up: %s", job.kind, job.provider_id, place(error))
            await committed(self.engine, _strike, job, self.now())
            return
        log.info("%s %s could not be read: %s", job.kind, job.provider_id, place(error))
        delay = max(_back_off(job.attempts), timedelta(seconds=getattr(error, "retry_after", None) or 0))
        await committed(self.engine, _put_off, job, self.now() + delay, describe(error))


def _back_off(attempts: int) -> timedelta:
    return min(timedelta(seconds=2 ** min(attempts, 12)), _MAX_DELAY)


def _same(job: Any) -> Any:
    wanted = tables.wanted.c
    return and_(
        wanted.account_id == job.account_id, wanted.kind == job.kind, wanted.provider_id == job.provider_id
    )


def _claim(connection: Connection, account_ids: list[int], limit: int, now: datetime) -> list[Row[Any]]:
    wanted = tables.wanted
    due = (
        select(wanted)
        .where(wanted.c.account_id.in_(account_ids), wanted.c.due_at <= now)
        .order_by(wanted.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    lease = {"due_at": now + _LEASE, "attempts": wanted.c.attempts + 1}
    return [
        connection.execute(update(wanted).where(_same(job)).values(lease).returning(wanted)).one()
        for job in connection.execute(due).all()
    ]


def _strike(connection: Connection, job: Row[Any], now: datetime) -> None:
    """End the want, unless it was asked for again since it was taken up: then it is read again now."""
    wanted = tables.wanted
    connection.execute(delete(wanted).where(_same(job), wanted.c.asked == job.asked))
    connection.execute(update(wanted).where(_same(job)).values(due_at=now, attempts=0))


def _renewed(connection: Connection, job: Row[Any]) -> Row[Any] | None:
    """The want as it stands, if it was asked for again while it was being read."""
    query = select(tables.wanted).where(_same(job)).with_for_update()
    stands = connection.execute(query).one_or_none()
    return stands if stands is not None and stands.asked != job.asked else None


def _put_off(connection: Connection, job: Row[Any], due_at: datetime, error: str) -> None:
    connection.execute(update(tables.wanted).where(_same(job)).values(due_at=due_at, last_error=error))


def _record(connection: Connection, job: Row[Any], snapshots: list[Snapshot], now: datetime) -> None:
    """Record what was read, which ends the want if it answers it; else it is asked again later."""
    # In everybody's order: first the objects, then what is wanted of them.
    objects.lock(connection, job.account_id, {id for snapshot in snapshots for id in mentioned(snapshot)})
    renewed = _renewed(connection, job)
    take(connection, job.account_id, snapshots, now=now)
    if renewed is not None:
        # Recording may have struck it: what was read may be older than what it was asked for last.
        ref = Ref(Kind(job.kind), job.provider_id)
        wants.ask(connection, job.account_id, {ref: renewed.since}, renewed.reason, now=now)
        connection.execute(update(tables.wanted).where(_same(job)).values(due_at=now, attempts=0))
    elif job.attempts >= _GIVE_UP:
        _strike(connection, job, now)
    else:
        again = update(tables.wanted).where(_same(job)).values(due_at=now + _back_off(job.attempts))
        connection.execute(again)


def _paid_elsewhere(ref: Ref, snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """A paid invoice that the provider knows no payment of was paid outside: say so, and stop asking."""
    invoices = [s for s in snapshots if isinstance(s, InvoiceSnapshot) and s.id == ref.id]
    linked = any(isinstance(s, InvoicePaymentSnapshot) and s.invoice == ref.id for s in snapshots)
    return [
        InvoicePaymentSnapshot(
            id=f"{invoice.id}:outside",
            as_of=invoice.as_of,
            livemode=invoice.livemode,
            occurred_at=invoice.paid_at or invoice.occurred_at,
            invoice=invoice.id,
            status="paid",
            currency=invoice.currency,
        )
        for invoice in invoices
        if not linked and invoice.status is InvoiceStatus.PAID and invoice.amount_paid > 0
    ]
