"""Any order, any repetition, any batching: the same rows; and once wants are answered, the truth."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from tests.ledger import properties
from tests.ledger.provider import Action
from tests.ledger.world import VERBS, World

_actions = st.tuples(st.sampled_from(VERBS), st.integers(0, 7), st.integers(0, 7))
scripts = st.lists(_actions, min_size=8, max_size=30)
orders = st.randoms(use_true_random=False)
anything = given(script=scripts, order=orders, links=st.booleans(), intents=st.booleans())


@anything
def test_any_order_repetition_and_batching_leaves_the_same_rows(
    database: Connection, script: list[Action], order: random.Random, links: bool, intents: bool
) -> None:
    """The rows depend on what was told, not on the order, the repetition or the size of transactions."""
    world = World(links_told=links, intents_told=intents).run(script)
    properties.assert_order_is_nothing(database, world, order)


@anything
def test_totals_stay_in_step_with_the_rows(
    database: Connection, script: list[Action], order: random.Random, links: bool, intents: bool
) -> None:
    """Rebuilding the totals from the rows finds no difference, after any history in any order."""
    world = World(links_told=links, intents_told=intents).run(script)
    properties.assert_totals_equal_rows(database, world, order)


@anything
def test_what_is_wanted_follows_from_what_is_known(
    database: Connection, script: list[Action], order: random.Random, links: bool, intents: bool
) -> None:
    """After any order everything needed is wanted, and beyond that only contradictions are asked about."""
    world = World(links_told=links, intents_told=intents).run(script)
    properties.assert_wants_follow(database, world, order)


@anything
def test_once_wants_are_answered_the_rows_are_the_truth(
    database: Connection, script: list[Action], order: random.Random, links: bool, intents: bool
) -> None:
    """Events in any order plus the reads that the ledger asks for give what the provider holds."""
    world = World(links_told=links, intents_told=intents).run(script)
    properties.assert_truth(database, world, order)


@anything
def test_a_replica_that_lags_behind_changes_nothing_in_the_end(
    database: Connection, script: list[Action], order: random.Random, links: bool, intents: bool
) -> None:
    """Reads that were answered with older states are told in any order: the same rows, and the truth."""
    world = World(links_told=links, intents_told=intents).run(script)
    properties.assert_lags_are_nothing(database, world, order)


SHORT: dict[str, list[Action]] = {
    "a bank debit by checkout that settles": [
        ("buy", 0, 2),
        ("attempt", 0, 2),
        ("tick", 3, 0),
        ("settle", 0, 1),
    ],
    "an invoice paid at the second attempt": [
        ("buy", 1, 3),
        ("attempt", 0, 1),
        ("tick", 3, 0),
        ("attempt", 0, 0),
    ],
    "a refund that comes back": [
        ("buy", 0, 5),
        ("tick", 3, 0),
        ("refund", 0, 1),
        ("tick", 3, 0),
        ("end_refund", 0, 0),
    ],
    "a dispute that is lost": [
        ("buy", 0, 4),
        ("tick", 3, 0),
        ("dispute", 0, 0),
        ("tick", 2, 0),
        ("end_dispute", 0, 0),
    ],
}
