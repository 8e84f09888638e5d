"""The background work: apply stored events, read what the ledger wants, settle unfinished operations.

Any number of processes may run it on one database. A `Worker` runs in the host's lifespan.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import inbox, tables
from overseer_payment.database import is_transient, read, utcnow, write
from overseer_payment.errors import (
    ConfigurationError,
    DatabaseError,
    ObjectAbsent,
    PaymentError,
    ProviderError,
)
from overseer_payment.ledger import accounts, wants
from overseer_payment.ledger.accounts import Account
from overseer_payment.ledger.record import record
from overseer_payment.provider import (
    Event,
    InvoicePaymentSnapshot,
    InvoiceSnapshot,
    InvoiceStatus,
    Kind,
    Provider,
    Ref,
    Snapshot,
)

log = logging.getLogger("overseer_payment.work")

_POLL = 1.0  # seconds between looks when nobody woke us: other processes store events too
_LEASE = timedelta(seconds=60)
_GIVE_UP = 12


def event_of(row: Row[Any]) -> Event:
    """The stored event as the provider's `parse` takes it. `account` and `livemode` are the account's."""
    payload = json.loads(row.payload)
    return Event(
        id=row.provider_event_id,
        type=row.type,
        occurred_at=row.occurred_at,
        livemode=bool(payload.get("livemode", False)),
        api_version=row.api_version,
        account=None,
        payload=payload,
    )


@dataclass(slots=True)
class Worker:
    """Does the background work of one process. `provider(key)` gives the configured provider.

    `home` names the account that this process may ask the provider about.
    """

    engine: AsyncEngine
    provider: Callable[[str], Provider]
    home: Callable[[], Iterable[Account]]
    settle: Callable[[], Awaitable[int]]
    _wake: asyncio.Event | None = None
    _task: asyncio.Task[None] | None = None

    # -- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin working in the background of the running event loop."""
        if self._task is None or self._task.done():
            self._wake = asyncio.Event()
            self._task = asyncio.create_task(self._run(), name="overseer-payment-worker")

    def wake(self) -> None:
        """There is something to do now."""
        if self._wake is not None:
            self._wake.set()

    async def stop(self) -> None:
        """End the background work; what was begun in a transaction is finished or rolled back."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        assert self._wake is not None
        while True:
            try:
                self._wake.clear()
                if not await self.step():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), _POLL)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.error("background work stopped for a moment: %s", inbox.describe(error))
                await asyncio.sleep(_POLL)

    async def step(self) -> int:
        """Do what is due now, once; answers how much that was."""
        events, wants, operations = await self._due()
        if events:
            return await inbox.apply_due(self.engine, self.apply)
        done = await self.read_wanted() if wants else 0
        return done + (await self.settle() if operations else 0)

    async def _due(self) -> tuple[bool, bool, bool]:
        """Is there anything? Looked at without the write lock, so that idle processes disturb nobody."""
        now = utcnow()
        event, wanted, operation = tables.event.c, tables.wanted.c, tables.operation.c
        query = select(
            exists().where(event.status.in_(inbox.DUE), event.due_at <= now),
            exists().where(wanted.due_at <= now),
            exists().where(operation.due_at.is_not(None), operation.due_at <= now),
        )
        async with read(self.engine) as connection:
            found = (await connection.execute(query)).one()
        return bool(found[0]), bool(found[1]), bool(found[2])

    async def drain(self, *, at_most: int = 10_000) -> int:
        """Work until nothing is due. For the command line, tests and the demo."""
        total = 0
        for _ in range(at_most):
            done = await self.step()
            total += done
            if not done:
                break
        return total

    # -- events ---------------------------------------------------------------------------------

    def apply(self, connection: Connection, rows: Sequence[Row[Any]], now: datetime) -> dict[int, str]:
        """Translate and record stored events. Those that say nothing about money end as ignored."""
        ended: dict[int, str] = {}
        told: dict[int, list[Snapshot]] = {}
        asked: dict[int, set[Ref]] = {}
        of = {id: account for account, id in accounts.known(connection).items()}
        for row in rows:
            parsed = self.provider(of[row.account_id].provider).parse(event_of(row))
            told.setdefault(row.account_id, []).extend(parsed.snapshots)
            asked.setdefault(row.account_id, set()).update(parsed.fetch)
            ended[row.id] = inbox.APPLIED if parsed.snapshots or parsed.fetch else inbox.IGNORED
        for account_id in sorted(told):
            if told[account_id]:
                record(connection, account_id, told[account_id], now=now)
            wants.ask(connection, account_id, asked[account_id], wants.UNREADABLE, now=now)
        return ended

    # -- reading --------------------------------------------------------------------------------

    async def read_wanted(self, *, limit: int = 8) -> int:
        """Read some wanted objects from the provider, outside any transaction, and record them."""
        async with write(self.engine) as connection:
            home = await connection.run_sync(self._home)
            jobs = await connection.run_sync(_claim, list(home.values()), limit, utcnow())
        of = {id: account for account, id in home.items()}
        if not jobs:
            return 0
        await asyncio.gather(*(self._read(of[job.account_id], job) for job in jobs))
        return len(jobs)

    def _home(self, connection: Connection) -> dict[Account, int]:
        known = accounts.known(connection)
        return {account: known[account] for account in self.home() if account in known}

    async def _read(self, account: Account, job: Row[Any]) -> None:
        ref = Ref(Kind(job.kind), job.provider_id)
        try:
            snapshots = list(await self.provider(account.provider).fetch(ref))
        except ObjectAbsent:
            await self._settled(job)
            return
        except (ProviderError, ConfigurationError) as error:
            await self._postpone(job, error)
            return
        snapshots += _paid_elsewhere(ref, snapshots)
        try:
            async with write(self.engine) as connection:
                await connection.run_sync(_record_read, job, snapshots, utcnow())
        except DatabaseError:
            raise
        except Exception as error:
            if not is_transient(error):
                await self._postpone(job, error)

    async def _settled(self, job: Row[Any]) -> None:
        async with write(self.engine) as connection:
            await connection.execute(delete(tables.wanted).where(_same(job)))

    async def _postpone(self, job: Row[Any], error: Exception) -> None:
        delay = timedelta(seconds=min(2 ** min(job.attempts, 12), 3600))
        retry_after = getattr(error, "retry_after", None)
        if retry_after:
            delay = max(delay, timedelta(seconds=retry_after))
        said = error.detail if isinstance(error, PaymentError) else inbox.describe(error)
        async with write(self.engine) as connection:
            await connection.execute(
                update(tables.wanted).where(_same(job)).values(due_at=utcnow() + delay, last_error=said)
            )


def _same(job: Any) -> Any:
    wanted = tables.wanted.c
    return and_(
        wanted.account_id == job.account_id, wanted.kind == job.kind, wanted.provider_id == job.provider_id
    )


def _claim(connection: Connection, account_ids: list[int], limit: int, now: datetime) -> list[Row[Any]]:
    """Take some due wants for the length of a lease. One statement, on both databases."""
    wanted = tables.wanted
    due = (
        select(wanted.c.account_id, wanted.c.kind, wanted.c.provider_id)
        .where(wanted.c.account_id.in_(account_ids), wanted.c.due_at <= now)
        .order_by(wanted.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = list(connection.execute(due))
    claimed: list[Row[Any]] = []
    for job in found:
        statement = (
            update(wanted).where(_same(job)).values(due_at=now + _LEASE, attempts=wanted.c.attempts + 1)
        )
        claimed += connection.execute(statement.returning(wanted)).all()
    return claimed


def _record_read(connection: Connection, job: Row[Any], snapshots: list[Snapshot], now: datetime) -> None:
    wanted = tables.wanted
    connection.execute(delete(wanted).where(_same(job), wanted.c.reason == wants.DOUBT))
    recorded = record(connection, job.account_id, snapshots, now=now)
    still = Ref(Kind(job.kind), job.provider_id) in recorded.wanted
    if not still or job.attempts >= _GIVE_UP:
        connection.execute(delete(wanted).where(_same(job)))
    else:
        delay = timedelta(seconds=min(2**job.attempts, 3600))
        connection.execute(update(wanted).where(_same(job)).values(due_at=now + delay))


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
