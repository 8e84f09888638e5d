"""Every order of every short story, each event any number of times: the same rows, sums and effects."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import permutations
from typing import Any, TypeAlias

import pytest
from sqlalchemy import Connection

from overseer_payment.ledger import accounts
from overseer_payment.ledger.accounts import Account
from overseer_payment.listening import TOPICS, on
from overseer_payment.recording import take
from overseer_payment.telling import outbox
from tests.ledger import books, stories
from tests.ledger.conftest import EXAMPLES
from tests.ledger.stories import STORIES, Said

State: TypeAlias = dict[str, set[tuple[Any, ...]]]

_SHORT = 6


class Telling:
    """A ledger to tell a story to, with an application that listens."""

    def __init__(self, connection: Connection, before: Sequence[Said] = ()) -> None:
        account = Account("stripe", "acct_1", False)
        self.connection, self.id = connection, accounts.ensure(connection, [account])[account]
        outbox.register(connection, [on(*TOPICS, name="application")(lambda _: None)], books.NOW)
        for said in before:
            self.tell(said)

    def tell(self, said: Said) -> None:
        take(self.connection, self.id, said, now=books.NOW)

    @property
    def state(self) -> State:
        """All that later words and whoever looks can tell apart: rows and sums, newest words, effects."""
        return books.everything(self.connection)


def assert_every_way_ends_the_same(telling: Telling, told: Sequence[Said]) -> int:
    """What is known depends on which events were told, not on how; answers how many steps were compared.

    From each set of events (reached in one order) each event is told, a new one or one once more. If each
    such step ends where that set of events always ends, then, step by step, so does every order of any
    number of deliveries: each permutation with each event once, twice, three times, and every other.
    """
    ends: dict[frozenset[int], State] = {frozenset(): telling.state}

    def go_on(known: frozenset[int]) -> int:
        steps = 0
        for number, said in enumerate(told):
            with telling.connection.begin_nested() as step:
                telling.tell(said)
                after, state = known | {number}, telling.state
                assert ends.setdefault(after, state) == state, (sorted(known), number)
                steps += 1
                if number > max(known, default=-1):
                    steps += go_on(after)
                step.rollback()
        return steps

    return go_on(frozenset())


@pytest.mark.parametrize("name", STORIES)
def test_every_order_and_repetition_ends_the_same(fresh: Connection, name: str) -> None:
    """Of all orders of a story's events, up to 720, with each told any number of times."""
    told = stories.story(name)
    assert len(told) <= _SHORT
    steps = assert_every_way_ends_the_same(Telling(fresh), told)
    assert steps == len(told) * 2 ** len(told)


@pytest.mark.parametrize("name", STORIES)
def test_orders_with_each_event_told_up_to_three_times(fresh: Connection, name: str) -> None:
    """The same without reasoning, one order after the other: all of them in a long run, else some."""
    told, dice = stories.story(name), random.Random(name)
    orders = list(permutations(told))
    dice.shuffle(orders)
    ends = []
    for order in orders[: max(2, EXAMPLES // 10)]:
        with fresh.begin_nested() as one:
            telling = Telling(fresh)
            for said in _repeated(order, dice):
                telling.tell(said)
            ends.append(telling.state)
            one.rollback()
    assert all(end == ends[0] for end in ends)


def _repeated(order: Sequence[Said], dice: random.Random) -> list[Said]:
    """`order` in which each is told once to three times; once more at any later moment."""
    found = list(order)
    for said in order:
        for _ in range(dice.randrange(3)):
            found.insert(dice.randint(found.index(said) + 1, len(found)), said)
    return found
