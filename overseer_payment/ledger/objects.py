"""The newest word on each provider object: load, merge, store. One statement merges on both databases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ARRAY, Connection, Text, cast, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from overseer_payment.ledger import codec, jsontext, merge
from overseer_payment.ledger.links import links
from overseer_payment.ledger.merge import Rank
from overseer_payment.provider import Kind, Ref, Snapshot
from overseer_payment.tables import provider_object as table

_RANK = (table.c.stage, table.c.version, table.c.tie)
_REFS = (table.c.payment_ref, table.c.charge_ref, table.c.invoice_ref)
_NEVER = datetime.min.replace(tzinfo=UTC)
_CHUNK = 900  # names in one IN (…): below every driver's limit


@dataclass(slots=True)
class Merged:
    """What merging a set of snapshots came to."""

    accepted: dict[Ref, Snapshot] = field(default_factory=dict)
    """What is now the newest word on its object, also where it only confirms the one before."""
    doubtful: dict[Ref, datetime] = field(default_factory=dict)
    """Objects of which contradicting things were told, and from when on news settles that."""
    left: set[str] = field(default_factory=set)
    """Ids that the words before named: what they belonged to must be looked at again."""

    def doubt(self, ref: Ref, one: Rank, then: Rank, *, late: bool = False) -> None:
        """Of two words in the order in which they were heard; `late`: the first was recorded before."""
        winner, loser = max(one, then), min(one, then)
        if merge.doubtful(ref.kind, winner, loser, late=late and winner is one):
            self.doubtful[ref] = max(merge.settled_from(winner.version), self.doubtful.get(ref, _NEVER))

    def settle(self, ref: Ref, rank: Rank) -> None:
        """There is a word on it that is later than what was contradictory."""
        if ref in self.doubtful and merge.as_of(rank.version).moment >= self.doubtful[ref]:
            del self.doubtful[ref]


@dataclass(frozen=True, slots=True)
class _Entry:
    snapshot: Snapshot
    rank: Rank
    data: str

    @classmethod
    def of(cls, snapshot: Snapshot) -> _Entry:
        snapshot, data = codec.encode_writable(snapshot)
        # As it will be read back: what is derived must not depend on who heard it first.
        if snapshot.as_of != (as_of := merge.as_of(snapshot.as_of.version)):
            snapshot = replace(snapshot, as_of=as_of)
        return cls(snapshot, merge.rank(snapshot, data), data)


@dataclass(frozen=True, slots=True)
class _Known:
    rank: Rank
    names: frozenset[str]


def chunks(ids: Iterable[str]) -> Iterable[list[str]]:
    """`ids` sorted, in lists short enough for one statement. Sorted: so that locks are taken in one order."""
    ordered = sorted(ids)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]


def numbers(ids: Iterable[int]) -> Iterable[list[int]]:
    """The same for our own ids."""
    ordered = sorted(ids)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]


def lock(connection: Connection, account_id: int, ids: Iterable[str]) -> None:
    """Hold everyone else off these ids until the transaction ends. SQLite has one writer anyway.

    Two workers that derive the same payment from different objects must see each other's objects;
    whoever comes second waits here and then reads what the first committed.
    """
    if connection.dialect.name != "postgresql":
        return
    for some in chunks(ids):
        names = func.unnest(cast([f"{account_id}:{id}" for id in some], ARRAY(Text))).table_valued("name")
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(names.c.name, 0))))


def merge_snapshots(connection: Connection, account_id: int, snapshots: Iterable[Snapshot]) -> Merged:
    """Keep the newest word on each object; tell which were news, and which contradict in one second."""
    merged = Merged()
    entries = _newest_of(snapshots, merged)
    known = _known(connection, account_id, entries)
    news = []
    for ref, entry in sorted(entries.items()):
        stored = known.get(ref)
        if stored is not None:
            merged.doubt(ref, stored.rank, entry.rank, late=True)
            merged.settle(ref, stored.rank)
            if stored.rank >= entry.rank:
                continue
            merged.left |= stored.names
        merged.accepted[ref] = entry.snapshot
        news.append(entry)
    if news:
        connection.execute(_upsert(connection), [_values(account_id, entry) for entry in news])
    return merged


def _newest_of(snapshots: Iterable[Snapshot], merged: Merged) -> dict[Ref, _Entry]:
    entries: dict[Ref, _Entry] = {}
    for snapshot in snapshots:
        entry = _Entry.of(snapshot)
        ref = entry.snapshot.ref
        other = entries.setdefault(ref, entry)
        if other is not entry:
            merged.doubt(ref, other.rank, entry.rank)
            entries[ref] = max(entry, other, key=lambda one: one.rank)
            merged.settle(ref, entries[ref].rank)
    return entries


def _known(connection: Connection, account_id: int, refs: Iterable[Ref]) -> dict[Ref, _Known]:
    found: dict[Ref, _Known] = {}
    columns = (table.c.kind, table.c.provider_id, *_RANK, *_REFS)
    for some in chunks({ref.id for ref in refs}):
        query = select(*columns).where(table.c.account_id == account_id, table.c.provider_id.in_(some))
        for kind, id, stage, version, tie, *named in connection.execute(query):
            found[Ref(Kind(kind), id)] = _Known(Rank(stage, version, tie), frozenset(filter(None, named)))
    return found


def _values(account_id: int, entry: _Entry) -> dict[str, Any]:
    joined = links(entry.snapshot)
    return {
        "account_id": account_id,
        "kind": entry.snapshot.kind.value,
        "provider_id": entry.snapshot.id,
        **entry.rank._asdict(),
        "payment_ref": joined.payment,
        "charge_ref": joined.charge,
        "invoice_ref": joined.invoice,
        "data": entry.data,
        "raw": jsontext.dumps(entry.snapshot.raw),
    }


def _upsert(connection: Connection) -> Any:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[table.c.account_id, table.c.provider_id, table.c.kind],
        set_={column.name: new[column.name] for column in (*_RANK, *_REFS, table.c.data, table.c.raw)},
        where=tuple_(*(new[column.name] for column in _RANK)) > tuple_(*_RANK),
    )


# -- components --------------------------------------------------------------------------------


def component_of(
    connection: Connection, account_id: int, seeds: Iterable[Snapshot], names: Iterable[str] = ()
) -> dict[Ref, Snapshot]:
    """Every object joined to `seeds`, or to `names`, by payment, charge or invoice ids; seeds included.

    What is found on the way is locked too, until nothing new turns up.
    """
    found: dict[Ref, Snapshot] = {snapshot.ref: snapshot for snapshot in seeds}
    locked, asked = _names(found.values()), set[str]()
    while more := ({*names, *_names(found.values())} - asked):
        lock(connection, account_id, more - locked)
        asked |= more
        for snapshot in load(connection, account_id, more):
            found.setdefault(snapshot.ref, snapshot)
    return found


def _names(snapshots: Iterable[Snapshot]) -> set[str]:
    names: set[str] = set()
    for snapshot in snapshots:
        joined = links(snapshot)
        names.update(filter(None, (joined.payment, joined.charge, joined.invoice)))
    return names


def load(connection: Connection, account_id: int, names: Iterable[str]) -> list[Snapshot]:
    """Every stored object that names one of `names` as its payment, charge or invoice."""
    columns = (table.c.kind, table.c.version, table.c.data)
    found: dict[tuple[str, str], Snapshot] = {}
    for some in chunks(names):
        for ref in _REFS:
            query = select(*columns, table.c.provider_id).where(
                table.c.account_id == account_id, ref.in_(some)
            )
            for kind, version, data, id in connection.execute(query):
                if (kind, id) not in found:
                    found[kind, id] = codec.decode(Kind(kind), data, merge.as_of(version))
    return list(found.values())


def by_id(
    connection: Connection, account_id: int, refs: Iterable[Ref], *, raw: bool = False
) -> dict[Ref, Snapshot]:
    """The stored word on each of `refs`; those never heard of are missing."""
    wanted = set(refs)
    found: dict[Ref, Snapshot] = {}
    for some in chunks({ref.id for ref in wanted}):
        query = select(table.c.kind, table.c.provider_id, table.c.version, table.c.data, table.c.raw).where(
            table.c.account_id == account_id, table.c.provider_id.in_(some)
        )
        for kind, id, version, data, text in connection.execute(query):
            ref = Ref(Kind(kind), id)
            if ref in wanted:
                found[ref] = codec.decode(ref.kind, data, merge.as_of(version), text if raw else None)
    return found
