"""Operations: what we send to a provider, stored with its key before it is sent. Also the audit trail.

An operation is `sending` until its outcome is known: `succeeded`, `pending`, `failed` or `unknown`.
While it is `sending` or `unknown` it has a `due_at`: when that passes, whoever works settles it under
the same key. A crash between sending and recording is therefore settled like a time-out.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from overseer_payment.errors import IdempotencyConflict, OutcomeUnknown
from overseer_payment.tables import operation as table

SENDING, SUCCEEDED, WAITING, FAILED, UNKNOWN = "sending", "succeeded", "pending", "failed", "unknown"
OPEN = (SENDING, UNKNOWN)

# Longer than any provider call may take (30 s and two retries): what is still open then has died.
LEASE = timedelta(seconds=120)
_MAX_DELAY = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What somebody wants done. `request` is all that is needed to send it (again)."""

    kind: str
    actor: str
    request: Mapping[str, Any] = field(repr=False)
    target: str | None = None
    transaction_id: int | None = None
    amount: int | None = None
    currency: str | None = None
    reason: str | None = None
    client_key: str | None = None
    key: str | None = None
    """The provider-side key, where it follows from what is wanted; else a fresh one."""
    asked: str | None = None
    """Digest of what the caller sent, where `request` holds more than that."""

    @staticmethod
    def fresh_key() -> str:
        """A key that nobody used before."""
        return f"op_{secrets.token_urlsafe(24)}"

    @property
    def digest(self) -> str:
        """Equal for the same intent sent twice."""
        if self.asked is not None:
            return self.asked
        text = json.dumps([self.kind, self.target, dict(self.request)], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def earlier(connection: Connection, account_id: int, intent: Intent) -> Row[Any] | None:
    """The operation that this intent already led to, if its client key was used before.

    Raises IdempotencyConflict when the key came with something else, or its first use is still running.
    """
    if intent.client_key is None:
        return None
    query = select(table).where(
        table.c.account_id == account_id,
        table.c.actor == intent.actor,
        table.c.client_key == intent.client_key,
    )
    found = connection.execute(query).one_or_none()
    if found is None:
        return None
    if found.client_digest != intent.digest:
        raise IdempotencyConflict("This Idempotency-Key was used with other parameters. Use a new key.")
    if found.status == SENDING:
        raise IdempotencyConflict(
            "The first request with this Idempotency-Key is still running.", retry_after=2
        )
    if found.status == UNKNOWN:
        raise OutcomeUnknown(
            "The provider has not answered yet; the outcome is being settled.", retry_after=10
        )
    return found


def begin(connection: Connection, account_id: int, intent: Intent, *, now: datetime) -> Row[Any]:
    """Store the operation, ready to be sent. Commit before sending."""
    values = {
        "account_id": account_id,
        "kind": intent.kind,
        "status": SENDING,
        "actor": intent.actor,
        "target": intent.target,
        "transaction_id": intent.transaction_id,
        "amount": intent.amount,
        "currency": intent.currency,
        "reason": intent.reason,
        "idempotency_key": intent.key or intent.fresh_key(),
        "request": json.dumps(dict(intent.request), separators=(",", ":")),
        "client_key": intent.client_key,
        "client_digest": intent.digest,
        "attempts": 1,
        "due_at": now + LEASE,
        "created_at": now,
    }
    try:
        with connection.begin_nested() if connection.dialect.name == "postgresql" else nullcontext():
            return connection.execute(insert(table).values(values).returning(table)).one()
    except IntegrityError:
        raise IdempotencyConflict(
            "The first request with this Idempotency-Key is still running.", retry_after=2
        ) from None


def resume_or_begin(connection: Connection, account_id: int, intent: Intent, *, now: datetime) -> Row[Any]:
    """The operation under the intent's own key, sent (again): the provider does it once."""
    assert intent.key is not None
    query = select(table).where(table.c.idempotency_key == intent.key).with_for_update()
    found = connection.execute(query).one_or_none()
    if found is None:
        return begin(connection, account_id, intent, now=now)
    values = {"status": SENDING, "due_at": now + LEASE, "attempts": table.c.attempts + 1, "finished_at": None}
    return connection.execute(
        update(table).where(table.c.id == found.id).values(values).returning(table)
    ).one()


def finish(
    connection: Connection,
    id: int,
    status: str,
    *,
    now: datetime,
    result: str | None = None,
    code: str | None = None,
    error: str | None = None,
    release: bool = False,
) -> None:
    """Write the outcome down. `result` is the provider id of what came of it.

    With `release` the caller's key may be used again: nothing happened, and trying again makes sense.
    """
    values: dict[str, Any] = {"status": status, "result": result, "error_code": code, "error": error}
    if release:
        values["client_key"] = None
    if status in OPEN:
        attempts = connection.execute(select(table.c.attempts).where(table.c.id == id)).scalar_one()
        values["due_at"] = now + min(timedelta(seconds=2 ** min(attempts, 12)), _MAX_DELAY)
    else:
        values |= {"due_at": None, "finished_at": now}
    connection.execute(update(table).where(table.c.id == id, table.c.status.in_(OPEN)).values(values))


def claim_open(
    connection: Connection, account_ids: list[int], *, limit: int, now: datetime
) -> list[Row[Any]]:
    """Take operations whose outcome is overdue, for the length of a lease."""
    due = (
        select(table.c.id)
        .where(table.c.account_id.in_(account_ids), table.c.due_at.is_not(None), table.c.due_at <= now)
        .order_by(table.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    statement = update(table).where(table.c.id.in_(select(due.c.id)))
    statement = statement.values(due_at=now + LEASE, attempts=table.c.attempts + 1)
    return list(connection.execute(statement.returning(table)))


def reserved(connection: Connection, transaction_id: int) -> int:
    """Minor units that refunds under way may take from a payment: sent or about to be, not yet recorded."""
    query = select(func.coalesce(func.sum(table.c.amount), 0)).where(
        table.c.transaction_id == transaction_id, table.c.kind == "refund", table.c.status.in_(OPEN)
    )
    return int(connection.execute(query).scalar_one())
