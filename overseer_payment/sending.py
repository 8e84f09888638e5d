"""Sends operations to the provider and records what came of them: now, or later under the same key.

`Sender.run` is the only way an operation leaves: after a crash or a time-out `settle` runs the same
function on what is still open, so there is one path to an outcome.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, exists, select
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import operations, requesting
from overseer_payment.committing import committed, queried
from overseer_payment.database import utcnow
from overseer_payment.errors import (
    ConfigurationError,
    DatabaseError,
    IdempotencyConflict,
    ObjectAbsent,
    OutcomeUnknown,
    PaymentError,
    ProviderAuthError,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from overseer_payment.faults import describe, place
from overseer_payment.ledger import accounts, customers, wants
from overseer_payment.ledger.accounts import Account
from overseer_payment.operations import Begun
from overseer_payment.provider import (
    CheckoutSnapshot,
    Provider,
    Ref,
    RefundSnapshot,
    Snapshot,
    TransactionStatus,
)
from overseer_payment.recording import take
from overseer_payment.tables import operation as table

log = logging.getLogger("overseer_payment.sending")

# Shorter than an operation's lease, so that nobody sends the same beside us.
_PATIENCE = 100.0
_WAIT_FOR_OTHERS = 10.0
_LOOK = 0.05
_TO_THE_END = 5.0

_MADE_FOR_A_USER = frozenset({"customer", "checkout"})  # their target is the host's user

# Of a first attempt these say that it did not leave, or was turned away at the door.
_NOTHING_HAPPENED = (ProviderUnavailable, ProviderRateLimited, ProviderAuthError, ConfigurationError)


@dataclass(slots=True)
class Sender:
    """Sends for the accounts that the configured keys belong to (`homes`)."""

    engine: AsyncEngine
    provider: Callable[[str], Provider]
    homes: Callable[[], Iterable[Account]]
    turn: asyncio.Lock
    """Held while recording: what one process records side by side would only wait for itself."""
    now: Callable[[], datetime] = utcnow
    _under_way: dict[int, asyncio.Task[Sequence[Snapshot]]] = field(default_factory=dict)

    async def carry_out(self, account: Account, begun: Begun) -> str:
        """Bring an operation to its outcome, whoever began it; answers the provider's id of what it made.

        Raises what the provider raised; ProviderRejected for one that was refused earlier;
        IdempotencyConflict while somebody else is still sending it; OutcomeUnknown.
        """
        operation = begun.operation
        if begun.fresh:
            return (await self.run(account, operation))[0].id
        if operation.status == operations.SENDING:
            operation = await self._others(operation)
        if operation.status in operations.OPEN:
            taken = await committed(self.engine, operations.take_up, operation.id, now=self.now())
            if taken is not None:
                return (await self.run(account, taken))[0].id
            raise IdempotencyConflict(
                "The first request with this Idempotency-Key is still running.", retry_after=2
            )
        if operation.result is None:
            raise ProviderRejected(operation.error or "The provider refused this.", code=operation.error_code)
        return str(operation.result)

    async def run(self, account: Account, operation: Row[Any]) -> Sequence[Snapshot]:
        """Send a stored operation, record the answer, answer the snapshots.

        Raises what the provider raised, after writing it down. Finishes even when the caller goes away.
        """
        task = self._under_way.get(operation.id)
        if task is None:
            task = asyncio.create_task(self._run(account, operation))
            self._under_way[operation.id] = task
            task.add_done_callback(partial(self._ended, operation.id))
        return await asyncio.shield(task)

    async def look(self, account: Account, account_id: int, ref: Ref) -> None:
        """Read how an object stands and record it. Raises what the provider raises."""
        snapshots = await self.provider(account.provider).fetch(ref)
        async with self.turn:
            await committed(self.engine, take, account_id, snapshots, now=self.now())

    async def settle(self, *, limit: int = 8) -> int:
        """Take up operations whose outcome is overdue; answers how many were taken up."""
        ours = await self._overdue()
        if not ours:
            return 0
        taken = await committed(self.engine, operations.claim_open, list(ours), limit=limit, now=self.now())
        runs = (self.run(ours[operation.account_id], operation) for operation in taken)
        for operation, outcome in zip(
            taken, await asyncio.gather(*runs, return_exceptions=True), strict=True
        ):
            if isinstance(outcome, Exception):
                log.warning("operation %d: %s", operation.id, describe(outcome))
        return len(taken)

    async def aclose(self) -> None:
        """Let what is under way come to its end, for a while; what doesn't is settled after a restart."""
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=_TO_THE_END)

    # -- one attempt ----------------------------------------------------------------------------

    async def _run(self, account: Account, operation: Row[Any]) -> Sequence[Snapshot]:
        try:
            async with asyncio.timeout(_PATIENCE):
                snapshots = await requesting.send(self.provider(account.provider), operation, now=self.now())
        except Exception as error:
            failure = _meaning(operation, error)
            await self._outcome(operation, failure)
            raise failure from None
        try:
            async with self.turn:
                await committed(self.engine, _record, operation, snapshots, self.now())
        except Exception as error:
            log.error("the answer to operation %d was not recorded: %s", operation.id, place(error))
            unknown = OutcomeUnknown(
                "The provider took the request, but its answer could not be recorded yet. "
                "It will be; don't ask for it again.",
                retry_after=10,
            )
            await self._outcome(operation, unknown)
            raise unknown from None
        return snapshots

    async def _outcome(self, operation: Row[Any], error: PaymentError) -> None:
        try:
            await committed(self.engine, _write_down, operation, error, self.now())
        except DatabaseError:
            # Its lease runs out and it is settled then; what the caller is told stays true.
            log.error("the outcome of operation %d could not be written down", operation.id)

    def _ended(self, id: int, task: asyncio.Task[Sequence[Snapshot]]) -> None:
        self._under_way.pop(id, None)
        if not task.cancelled():
            task.exception()  # seen to: its caller may have gone away

    # -- others' attempts -----------------------------------------------------------------------

    async def _others(self, operation: Row[Any]) -> Row[Any]:
        """The operation once whoever sends it has an outcome, or when we have waited long enough."""
        found = await queried(self.engine, operations.again, operation.id)
        for _ in range(int(_WAIT_FOR_OTHERS / _LOOK)):
            if found.status != operations.SENDING or found.due_at <= self.now():
                break
            await asyncio.sleep(_LOOK)
            found = await queried(self.engine, operations.again, operation.id)
        return found

    async def _overdue(self) -> dict[int, Account]:
        """Our accounts by id, if an operation of theirs is overdue; looked for without a lock."""
        known = await queried(self.engine, accounts.known)
        ours = {known[account]: account for account in self.homes() if account in known}
        query = select(exists().where(table.c.account_id.in_(ours), table.c.due_at <= self.now()))
        overdue = await queried(self.engine, lambda c: bool(c.execute(query).scalar_one()))
        return ours if overdue else {}


def _meaning(operation: Row[Any], error: Exception) -> PaymentError:
    """What the end of this attempt says about the operation, all its attempts considered."""
    if isinstance(error, TimeoutError):
        return OutcomeUnknown("The provider did not answer in time; whether it took effect is being settled.")
    if not isinstance(error, ProviderError | ConfigurationError):
        # A fault of ours or of the plugin after the request may have left: it may have happened.
        log.error("operation %d broke off: %s", operation.id, place(error))
        return OutcomeUnknown("The request broke off; whether it took effect is being settled.")
    if operation.attempts > 1 and isinstance(error, _NOTHING_HAPPENED):
        return OutcomeUnknown(
            f"An earlier attempt is not settled yet. {error.detail}", retry_after=error.retry_after or 10
        )
    return error


def _write_down(connection: Connection, operation: Row[Any], error: PaymentError, now: datetime) -> None:
    unknown = isinstance(error, OutcomeUnknown)
    operations.finish(
        connection,
        operation.id,
        operations.UNKNOWN if unknown else operations.FAILED,
        now=now,
        code=error.code,
        error=error.detail,
        release=isinstance(error, _NOTHING_HAPPENED),
    )
    about = requesting.about(operation)
    if about is not None and isinstance(error, ProviderRejected | ObjectAbsent):
        # The provider knows something that we don't: look.
        wants.ask(connection, operation.account_id, {about: None}, wants.UNREADABLE, now=now)


def _record(
    connection: Connection, operation: Row[Any], snapshots: Sequence[Snapshot], now: datetime
) -> None:
    first = snapshots[0]
    status, code = operations.SUCCEEDED, None
    if isinstance(first, RefundSnapshot):
        if first.status is TransactionStatus.PENDING:
            status = operations.WAITING
        elif first.status is not TransactionStatus.SUCCEEDED:
            status, code = operations.FAILED, first.failure_reason
    answer = first.url if isinstance(first, CheckoutSnapshot) else None
    operations.finish(connection, operation.id, status, now=now, result=first.id, code=code, answer=answer)
    take(connection, operation.account_id, snapshots, now=now)
    if operation.kind in _MADE_FOR_A_USER:
        customers.remember(connection, operation.account_id, first, operation.target)
