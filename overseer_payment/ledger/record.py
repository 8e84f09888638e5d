"""The single funnel: whatever the provider said, however we heard it, becomes rows here.

`record` is a merge. Applying a set of snapshots in any order, any number of times, in one transaction or
in many, by one worker or by several, leaves the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from overseer_payment.ledger import forgetting, objects, totals, wants
from overseer_payment.ledger.book import Book
from overseer_payment.ledger.component import Component
from overseer_payment.ledger.derive import derive
from overseer_payment.ledger.documents import Documents
from overseer_payment.ledger.links import mentioned
from overseer_payment.ledger.project import Ids
from overseer_payment.ledger.rows import Change
from overseer_payment.provider import Ref, Snapshot


@dataclass(slots=True)
class Recorded:
    """What recording came to. `changes` are in the order in which they were made."""

    changes: list[Change] = field(default_factory=list)
    wanted: set[Ref] = field(default_factory=set)


def record(
    connection: Connection, account_id: int, snapshots: Iterable[Snapshot], *, now: datetime
) -> Recorded:
    """Merge `snapshots` of one account into the ledger, inside the caller's transaction.

    Makes no network call. What can't be decided from what we know is noted in `payment_wanted`.
    """
    given = list(snapshots)
    objects.lock(connection, account_id, {id for snapshot in given for id in mentioned(snapshot)})
    given = forgetting.withheld(connection, account_id, given)
    merged = objects.merge_snapshots(connection, account_id, given)
    news = list(merged.accepted.values())
    joined = list(objects.component_of(connection, account_id, news, merged.left).values())
    component = Component.of(joined)
    derived = derive(component)
    recorded, ids = Recorded(), Ids()
    Documents(connection, account_id, ids, recorded.changes, now).write(news, joined, component)
    Book(connection, account_id, ids, recorded.changes, now).write(component, derived)
    totals.apply(connection, recorded.changes)
    recorded.wanted = wants.note(
        connection, account_id, component, derived, merged, recorded.changes, now=now
    )
    return recorded
