"""What must hold of every history: as functions, so that broken ledgers can be held to them too."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection

from overseer_payment.ledger import totals
from overseer_payment.ledger.wants import DOUBT
from overseer_payment.provider import AsOf, Kind, Ref, Snapshot, Source
from tests.ledger import books
from tests.ledger.books import Books
from tests.ledger.provider import CANCELED, PENDING
from tests.ledger.world import VERBS, World


def made_up(seed: int, *, length: int = 40) -> World:
    """The same history for the same seed."""
    dice = random.Random(seed)
    script = [(dice.choice(VERBS), dice.randrange(8), dice.randrange(8)) for _ in range(length)]
    return World(links_told=bool(seed & 1), intents_told=bool(seed & 2)).run(script)


def shuffled(world: World, order: random.Random) -> list[Snapshot]:
    """Everything that was told, some of it several times, in any order."""
    told = [snapshot for snapshot in world.told for _ in range(order.choice((1, 1, 2, 3)))]
    order.shuffle(told)
    return told


def lagging(world: World, order: random.Random) -> list[Snapshot]:
    """Reads whose answers came from a replica that had not seen yet what had just been told."""
    words, reads = defaultdict[Ref, list[Snapshot]](list), list[Snapshot]()
    for snapshot in world.told:
        words[snapshot.ref].append(snapshot)
    for told in words.values():
        for before, after in pairwise(told):
            if order.random() < 0.3:
                seen = after.as_of.moment + timedelta(seconds=order.choice((1, 2, 7)))
                reads.append(replace(before, as_of=AsOf(seen, Source.READ)))
    return reads


def assert_order_is_nothing(database: Connection, world: World, order: random.Random) -> None:
    """The rows depend on what was told, not on order, repetition or the size of transactions."""
    with database.begin() as transaction:
        books.tell(database, 1, world.told, size=1000)
        expected = books.books(database, 1)
        for account in (2, 3):
            books.tell(database, account, shuffled(world, order), size=order.choice((1, 2, 5, 17)))
            assert books.books(database, account) == expected
        transaction.rollback()


def assert_totals_equal_rows(database: Connection, world: World, order: random.Random) -> None:
    """Sums that were kept in step equal sums computed from the rows."""
    with database.begin() as transaction:
        books.tell(database, 1, shuffled(world, order), size=order.choice((1, 3)))
        assert totals.rebuild(database) == 0
        transaction.rollback()


def assert_wants_follow(database: Connection, world: World, order: random.Random) -> None:
    """What is needed is wanted, and beyond that only contradictions are asked about."""
    with database.begin() as transaction:
        books.tell(database, 1, shuffled(world, order), size=order.choice((1, 3)))
        wanted, needed = books.wants(database, 1), books.needed(database, 1)
        assert needed <= wanted.keys()
        # A product that a subscription was of before its change is still asked for, once.
        beyond = [ref for ref in wanted.keys() - needed if ref.kind is not Kind.PRODUCT]
        assert {wanted[ref] for ref in beyond} <= {DOUBT}
        transaction.rollback()


def assert_truth(database: Connection, world: World, order: random.Random) -> None:
    """Events in any order plus the reads that the ledger asks for give what the provider holds."""
    with database.begin() as transaction:
        books.tell(database, 1, shuffled(world, order), size=order.choice((1, 4)))
        books.answer(database, 1, world)
        assert books.wants(database, 1) == {}
        found = books.books(database, 1)
        _assert_payments(found, world)
        assert _sums(found) == {code: sums for code, sums in world.sums().items() if any(sums)}
        transaction.rollback()


def assert_lags_are_nothing(database: Connection, world: World, order: random.Random) -> None:
    """Both hold with answers of a replica that lags behind among what was told."""
    stale = lagging(world, order)
    world.told += stale
    world.wait(10)  # whoever reads from now on is not behind
    assert_order_is_nothing(database, world, order)
    assert_truth(database, world, order)


def _assert_payments(found: Books, world: World) -> None:
    truth, rows = world.payments(), dict(books.shown(found))
    # Of an intent that nobody tried to pay, events may not tell.
    untried = {p.root for p in world.purchases if p.charge is None}
    assert rows.keys() - untried == truth.keys() - untried
    # Nor to which invoice a payment belongs, while the invoice is neither paid nor failed.
    unsettled = {p.root for p in world.purchases if p.status in {PENDING, CANCELED}}
    for root in truth.keys() - untried:
        row = rows[root]
        told = row | {name: row[f"{name}_id"] for name in ("customer", "invoice", "subscription")}
        names = truth[root].keys() - ({"type", "invoice", "subscription"} if root in unsettled else set())
        assert {name: told[name] for name in names} == {name: truth[root][name] for name in names}


def _sums(found: Books) -> dict[str, tuple[int, int, int]]:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for key, row in found.items():
        if key.startswith("payment_total/"):
            for index, name in enumerate(("gross", "refunded", "disputed")):
                sums[key.rpartition("/")[2]][index] += row.get(name, 0)
    return {code: (one[0], one[1], one[2]) for code, one in sums.items() if any(one)}


PROPERTIES: dict[str, Any] = {
    "order": assert_order_is_nothing,
    "totals": assert_totals_equal_rows,
    "wants": assert_wants_follow,
    "truth": assert_truth,
    "lag": assert_lags_are_nothing,
}
