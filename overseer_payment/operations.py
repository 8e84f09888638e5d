"""Operations: what we send to a provider, stored with its key before it is sent. Also the audit trail.

An operation is `sending` until its outcome is known: `succeeded`, `pending`, `failed` or `unknown`.
While it is `sending` or `unknown` it has a `due_at`: when that passes, whoever works settles it under
the same key. A crash between sending and recording is therefore settled like a time-out.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from overseer_payment.errors import IdempotencyConflict
from overseer_payment.tables import operation as table
from overseer_payment.tables import transaction

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


@dataclass(frozen=True, slots=True)
class Begun:
    """A stored operation. `fresh`: stored just now, so it is the caller's to send."""

    operation: Row[Any] = field(repr=False)
    fresh: bool


def earlier(connection: Connection, account_id: int, intent: Intent) -> Begun | None:
    """The operation that this intent already led to, if its client key was used before.

    Raises IdempotencyConflict when the key came with something else.
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
    return Begun(found, fresh=False)


def begin(connection: Connection, account_id: int, intent: Intent, *, now: datetime) -> Begun:
    """Store the operation, ready to be sent, or find it stored by somebody at the same moment.

    Commit before sending. Raises IdempotencyConflict as `earlier` does.
    """
    key = intent.key or intent.fresh_key()
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
        "idempotency_key": key,
        "request": json.dumps(dict(intent.request), separators=(",", ":")),
        "client_key": intent.client_key,
        "client_digest": intent.digest,
        "attempts": 1,
        "due_at": now + LEASE,
        "created_at": now,
    }
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    # Waits for whoever stores the same key at this moment, and then stores nothing.
    statement = dialect.insert(table).values(values).on_conflict_do_nothing().returning(table)
    stored = connection.execute(statement).one_or_none()
    if stored is not None:
        return Begun(stored, fresh=True)
    found = by_key(connection, key) if intent.key else None
    other = Begun(found, fresh=False) if found is not None else earlier(connection, account_id, intent)
    if other is None:  # it was there a moment ago, and its client key has just been released
        raise IdempotencyConflict("The first request with this Idempotency-Key just ended.", retry_after=1)
    return other


def note(connection: Connection, account_id: int, intent: Intent, *, now: datetime) -> bool:
    """Write down what somebody decides here, for the audit trail: nothing of it goes to a provider.

    False if it was decided before under the same client key: then there is nothing to do. Raises
    IdempotencyConflict when that key came with something else.
    """
    if earlier(connection, account_id, intent) is not None:
        return False
    values = {
        "account_id": account_id,
        "kind": intent.kind,
        "status": SUCCEEDED,
        "actor": intent.actor,
        "target": intent.target,
        "idempotency_key": intent.fresh_key(),
        "request": json.dumps(dict(intent.request)),
        "client_key": intent.client_key,
        "client_digest": intent.digest,
        "attempts": 1,
        "created_at": now,
        "finished_at": now,
    }
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(values).on_conflict_do_nothing().returning(table.c.id)
    if connection.execute(statement).one_or_none() is not None:
        return True
    earlier(connection, account_id, intent)  # somebody stored the key at this moment: for the same?
    return False


def held(connection: Connection, account_id: int, intent: Intent) -> Row[Any]:
    """The operation noted under this client key, locked: what is done in parts, is done one by one."""
    query = select(table).where(
        table.c.account_id == account_id,
        table.c.actor == intent.actor,
        table.c.client_key == intent.client_key,
    )
    return connection.execute(query.with_for_update()).one()


def answer(connection: Connection, id: int, text: str) -> None:
    """Write down what the caller of an operation is answered."""
    connection.execute(update(table).where(table.c.id == id).values(answer=text))


def by_key(connection: Connection, key: str) -> Row[Any] | None:
    """The operation under this provider-side key."""
    return connection.execute(select(table).where(table.c.idempotency_key == key)).one_or_none()


def again(connection: Connection, id: int) -> Row[Any]:
    """The operation as it stands now."""
    return connection.execute(select(table).where(table.c.id == id)).one()


def take_up(connection: Connection, id: int, *, now: datetime) -> Row[Any] | None:
    """Take an operation of unknown outcome to send it again under its key; None if somebody has it."""
    free = or_(table.c.status == UNKNOWN, table.c.due_at <= now)
    statement = update(table).where(table.c.id == id, table.c.status.in_(OPEN), free)
    statement = statement.values(status=SENDING, due_at=now + LEASE, attempts=table.c.attempts + 1)
    return connection.execute(statement.returning(table)).one_or_none()


def finish(
    connection: Connection,
    id: int,
    status: str,
    *,
    now: datetime,
    result: str | None = None,
    code: str | None = None,
    error: str | None = None,
    answer: str | None = None,
    release: bool = False,
) -> None:
    """Write the outcome down. `result` is the provider id of what came of it, `answer` what else was told.

    With `release` the caller's key may be used again: nothing happened, and trying again makes sense.
    """
    values: dict[str, Any] = {"status": status, "result": result, "error_code": code, "error": error}
    if answer is not None:
        values["answer"] = answer
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
    statement = statement.values(status=SENDING, due_at=now + LEASE, attempts=table.c.attempts + 1)
    return list(connection.execute(statement.returning(table)))


def under_way(connection: Connection, account_id: int, kinds: Iterable[str], target: str) -> bool:
    """Is one of these kinds about `target` sent or about to be, its outcome not known yet?"""
    query = select(table.c.id).where(
        table.c.account_id == account_id,
        table.c.due_at.is_not(None),  # as all that are open: there are few
        table.c.status.in_(OPEN),
        table.c.kind.in_(kinds),
        table.c.target == target,
    )
    return connection.execute(query.limit(1)).one_or_none() is not None


def reserved(connection: Connection, transaction_id: int) -> int:
    """Minor units that refunds under way may take from a payment: sent or about to be, not yet recorded."""
    query = select(func.coalesce(func.sum(table.c.amount), 0)).where(
        table.c.transaction_id == transaction_id, table.c.kind == "refund", table.c.status.in_(OPEN)
    )
    return int(connection.execute(query).scalar_one())


_STATUS_OF_REFUND = {"pending": WAITING, "succeeded": SUCCEEDED, "failed": FAILED, "canceled": FAILED}


def follow(connection: Connection, account_id: int, refunds: Mapping[str, str], *, now: datetime) -> None:
    """Let refund operations say what the ledger knows of their refunds: operation's key → refund's id.

    The ledger's row decides and not the news: it has already weighed old against new.
    """
    columns = (transaction.c.provider_transaction_id, transaction.c.status, transaction.c.failure_code)
    query = select(*columns).where(
        transaction.c.account_id == account_id, transaction.c.provider_transaction_id.in_(refunds.values())
    )
    known = {id: (status, code) for id, status, code in connection.execute(query)}
    for key, id in sorted(refunds.items()):
        if id not in known:
            continue
        status, code = known[id]
        became = _STATUS_OF_REFUND[status]
        mine = (table.c.idempotency_key == key) & (table.c.account_id == account_id)
        changed = update(table).where(mine, table.c.kind == "refund", table.c.status != became)
        values = {"status": became, "result": id, "error_code": code, "error": None}
        connection.execute(changed.values(**values, due_at=None, finished_at=now))
