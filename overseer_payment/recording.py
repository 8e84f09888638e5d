"""Records what the provider said, what it tells of our own operations, and whom to tell; one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from overseer_payment import operations
from overseer_payment.ledger.record import Recorded, record
from overseer_payment.provider import RefundSnapshot, Snapshot
from overseer_payment.telling import noting

OPERATION = "overseer_operation"
"""Metadata key under which the provider keeps our operation's key: how we find what we did."""


def take(
    connection: Connection,
    account_id: int,
    snapshots: Iterable[Snapshot],
    *,
    now: datetime,
    insist: bool = False,
) -> Recorded:
    """Merge `snapshots` into the ledger. An event may tell of our own refund before its answer does.

    With `insist` it raises ListenerFailed when the application's own code, called inside, does; for those
    who come again. Else the application is told later: a repair must not stop at one listener's fault.
    """
    given = list(snapshots)
    recorded = record(connection, account_id, given, now=now)
    ours = {
        s.metadata[OPERATION]: s.id
        for s in given
        if isinstance(s, RefundSnapshot) and OPERATION in s.metadata
    }
    if ours:
        operations.follow(connection, account_id, ours, now=now)
    noting.note(connection, account_id, given, recorded.changes, now=now, insist=insist)
    return recorded
