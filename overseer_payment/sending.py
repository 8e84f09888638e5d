"""Sends operations to the provider and records what came of them: now, or later under the same key.

`Sender.run` is the only way an operation leaves: after a crash or a time-out `settle` runs the same
function on what is still open, so there is one path to an outcome.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import operations
from overseer_payment.database import utcnow, write
from overseer_payment.errors import (
    ConfigurationError,
    DatabaseError,
    ObjectAbsent,
    OutcomeUnknown,
    PaymentError,
    ProviderAuthError,
    ProviderError,
    ProviderRateLimited,
    ProviderUnavailable,
)
from overseer_payment.ledger import accounts, customers
from overseer_payment.ledger.accounts import Account
from overseer_payment.ledger.record import record
from overseer_payment.provider import (
    CheckoutMode,
    CheckoutRequest,
    CustomerRequest,
    Kind,
    Provider,
    Ref,
    RefundRequest,
    RefundSnapshot,
    Snapshot,
    TransactionStatus,
)

log = logging.getLogger("overseer_payment.sending")

OPERATION = "overseer_operation"
"""Metadata key under which the provider keeps our operation's key: how we find what we did."""

# Providers forget keys (Stripe: "at least 24 hours"). Older than this we look instead of sending again.
_KEY_LIVES = timedelta(hours=23)


_NOTHING_HAPPENED = (ProviderUnavailable, ProviderRateLimited, ProviderAuthError, ConfigurationError)


@dataclass(slots=True)
class Sender:
    """Sends for one home account."""

    engine: AsyncEngine
    provider: Callable[[str], Provider]

    async def run(self, account: Account, operation: Row[Any]) -> Sequence[Snapshot]:
        """Send a stored operation, record the answer, answer the snapshots.

        Raises what the provider raised, after writing it down. Finishes even when the caller goes away.
        """
        return await asyncio.shield(asyncio.ensure_future(self._run(account, operation)))

    async def _run(self, account: Account, operation: Row[Any]) -> Sequence[Snapshot]:
        try:
            snapshots = await self._send(account, operation)
        except OutcomeUnknown as error:
            await self._outcome(operation, operations.UNKNOWN, error)
            raise
        except (ProviderError, ConfigurationError) as error:
            await self._outcome(operation, operations.FAILED, error)
            raise
        except Exception as error:
            # A fault of ours or of the plugin after the request may have left: it may have happened.
            log.exception("operation %d broke off", operation.id)
            unknown = OutcomeUnknown("The request broke off; whether it took effect is being settled.")
            await self._outcome(operation, operations.UNKNOWN, unknown)
            raise unknown from error
        await self._record(operation, snapshots)
        return snapshots

    async def _send(self, account: Account, operation: Row[Any]) -> Sequence[Snapshot]:
        provider = self.provider(account.provider)
        request = json.loads(operation.request)
        key = operation.idempotency_key
        match operation.kind:
            case "refund":
                if operation.attempts > 1 and utcnow() - operation.created_at > _KEY_LIVES:
                    return await _find_refund(provider, request, key)
                return await provider.refund(RefundRequest(**request), idempotency_key=key)
            case "checkout":
                wanted = CheckoutRequest(**{**request, "mode": CheckoutMode(request["mode"])})
                return [await provider.create_checkout(wanted, idempotency_key=key)]
            case "customer":
                return [await provider.create_customer(CustomerRequest(**request), idempotency_key=key)]
        raise ConfigurationError(f"Nobody knows how to send the operation {operation.kind!r}.")

    async def _outcome(self, operation: Row[Any], status: str, error: PaymentError) -> None:
        try:
            async with write(self.engine) as connection:
                await connection.run_sync(
                    lambda c: operations.finish(
                        c,
                        operation.id,
                        status,
                        now=utcnow(),
                        code=error.code,
                        error=error.detail,
                        release=isinstance(error, _NOTHING_HAPPENED),
                    )
                )
        except DatabaseError:
            # Its lease runs out and it is settled then; what the caller is told stays true.
            log.error("the outcome of operation %d could not be written down", operation.id)

    async def _record(self, operation: Row[Any], snapshots: Sequence[Snapshot]) -> None:
        async with write(self.engine) as connection:
            await connection.run_sync(_record, operation, snapshots)

    async def settle(self, home: list[Account], *, limit: int = 8) -> int:
        """Take up operations whose outcome is overdue; answers how many were taken up."""
        async with write(self.engine) as connection:
            known = await connection.run_sync(accounts.known)
            ours = {known[account]: account for account in home if account in known}
            open_ = await connection.run_sync(operations.claim_open, list(ours), limit=limit, now=utcnow())
        for operation in open_:
            try:
                await self.run(ours[operation.account_id], operation)
            except PaymentError as error:
                log.warning("operation %d is not settled: %s", operation.id, error.code)
        return len(open_)


def _record(connection: Connection, operation: Row[Any], snapshots: Sequence[Snapshot]) -> None:
    now = utcnow()
    record(connection, operation.account_id, snapshots, now=now)
    first = snapshots[0]
    status, code = operations.SUCCEEDED, None
    if isinstance(first, RefundSnapshot):
        if first.status is TransactionStatus.PENDING:
            status = operations.WAITING
        elif first.status is not TransactionStatus.SUCCEEDED:
            status, code = operations.FAILED, first.failure_reason
    operations.finish(connection, operation.id, status, now=now, result=first.id, code=code)
    customers.remember(connection, operation.account_id, first, operation.target)


async def _find_refund(provider: Provider, request: dict[str, Any], key: str) -> Sequence[Snapshot]:
    """Did a refund whose key the provider has forgotten happen? Raises ObjectAbsent when it didn't."""
    ref = (
        Ref(Kind.CHARGE, request["charge"])
        if request.get("charge")
        else Ref(Kind.PAYMENT, request["payment"])
    )
    snapshots = list(await provider.fetch(ref))
    ours = [s for s in snapshots if isinstance(s, RefundSnapshot) and s.metadata.get(OPERATION) == key]
    if not ours:
        raise ObjectAbsent("The refund never took effect at the provider. It can be asked for again.")
    return [*ours, *(s for s in snapshots if s not in ours)]


def as_request(request: RefundRequest | CheckoutRequest | CustomerRequest) -> dict[str, Any]:
    """A request as the JSON that an operation keeps."""
    return {name: value for name, value in asdict(request).items() if value is not None}
