"""Any order, any repetition, any batching: the same rows; and once wants are answered, the truth."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from overseer_payment.ledger import totals
from overseer_payment.ledger.wants import DOUBT
from tests.ledger import books
from tests.ledger.world import VERBS, Action, World

_actions = st.tuples(st.sampled_from(VERBS), st.integers(0, 7), st.integers(0, 7))
scripts = st.lists(_actions, min_size=8, max_size=30)
orders = st.randoms(use_true_random=False)


def shuffled(world: World, order: random.Random) -> list[Any]:
    """Everything that was told, some of it several times, in any order."""
    told = [snapshot for snapshot in world.told for _ in range(order.choice((1, 1, 2, 3)))]
    order.shuffle(told)
    return told


@given(script=scripts, order=orders, links=st.booleans(), intents=st.booleans())
def test_any_order_repetition_and_batching_leaves_the_same_rows(
    database: Connection, script: list[Action], order: random.Random, links: bool, intents: bool
) -> None:
    """The rows depend on what was told, not on the order, the repetition or the size of transactions."""
    world = World(links_told=links, intents_told=intents).run(script)
    with database.begin() as transaction:
        books.tell(database, 1, world.told, size=1000)
        expected = books.books(database, 1)
        for account in (2, 3):
            books.tell(database, account, shuffled(world, order), size=order.choice((1, 2, 5, 17)))
            assert books.books(database, account) == expected
        assert totals.rebuild(database) == 0
        transaction.rollback()


@given(script=scripts, order=orders, links=st.booleans(), intents=st.booleans())
def test_what_is_wanted_follows_from_what_is_known(
    database: Connection, script: list[Action], order: random.Random, links: bool, intents: bool
) -> None:
    """After any order everything needed is wanted, and beyond that only contradictions are asked about."""
    world = World(links_told=links, intents_told=intents).run(script)
    with database.begin() as transaction:
        books.tell(database, 1, shuffled(world, order), size=order.choice((1, 3)))
        wanted, needed = books.wants(database, 1), books.needed(database, 1)
        assert needed <= wanted.keys()
        assert {wanted[ref] for ref in wanted.keys() - needed} <= {DOUBT}
        transaction.rollback()


@given(script=scripts, order=orders, links=st.booleans(), intents=st.booleans())
def test_once_wants_are_answered_the_rows_are_the_truth(
    database: Connection, script: list[Action], order: random.Random, links: bool, intents: bool
) -> None:
    """Events in any order plus the reads that the ledger asks for give what the provider holds."""
    world = World(links_told=links, intents_told=intents).run(script)
    with database.begin() as transaction:
        books.tell(database, 1, shuffled(world, order), size=order.choice((1, 4)))
        books.answer(database, 1, world)
        assert books.wants(database, 1) == {}
        _assert_true(books.books(database, 1), world)
        assert totals.rebuild(database) == 0
        transaction.rollback()


def _assert_true(found: books.Books, world: World) -> None:
    truth = world.payments()
    rows = dict(books.shown(found))
    # Of an intent that nobody tried to pay, events may not tell, nor to which invoice it belongs.
    untried = {p.root for p in world.purchases if p.charge is None}
    assert rows.keys() - untried == truth.keys() - untried
    for root, expected in truth.items():
        if root not in untried:
            pointers = {name: rows[root][f"{name}_id"] for name in ("customer", "invoice", "subscription")}
            assert {name: (rows[root] | pointers)[name] for name in expected} == expected
    sums: dict[str, list[int]] = {}
    for key, row in found.items():
        if key.startswith("payment_total/"):
            one = sums.setdefault(key.rpartition("/")[2], [0, 0, 0])
            for index, name in enumerate(("gross", "refunded", "disputed")):
                one[index] += row.get(name, 0)
    assert {code: tuple(one) for code, one in sums.items() if any(one)} == {
        code: one for code, one in world.sums().items() if any(one)
    }
