"""What an application is told does not depend on the order, the repetition or the batching of events."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select, update

from overseer_payment import tables
from overseer_payment.ledger import accounts
from overseer_payment.ledger.accounts import Account
from overseer_payment.listening import TOPICS, Listener, on
from overseer_payment.provider import (
    AsOf,
    DisputeStatus,
    InvoiceStatus,
    Snapshot,
    Source,
    SubscriptionStatus,
)
from overseer_payment.recording import take
from overseer_payment.telling import outbox
from tests.ledger import books, properties
from tests.ledger.provider import Action
from tests.ledger.telling import (
    CANCELED,
    FAILED,
    PENDING,
    SUCCEEDED,
    SnapshotT,
    charge,
    dispute,
    invoice,
    link,
    moment,
    payment,
    refund,
    subscription,
)
from tests.ledger.test_convergence import SHORT, scripts
from tests.ledger.world import World, batches

Told = set[tuple[str, ...]]
_numbers = count(1)
_DAY = 86_400

NAMES = ("everything", "history, too")


def _listeners() -> list[Listener]:
    return [on(*TOPICS, name=name, backfilled="history" in name)(lambda news: None) for name in NAMES]


def told(
    database: Connection,
    snapshots: Sequence[Snapshot],
    *,
    size: int = 1,
    before: Sequence[Snapshot] = (),
    began: datetime = books.NOW,
) -> Told:
    """Whom an account of its own tells what, after these snapshots in this order, and others `before`."""
    return told_in(database, [before, *batches(snapshots, size)], began=began)


def told_in(
    database: Connection, parts: Iterable[Sequence[Snapshot]], *, began: datetime = books.NOW
) -> Told:
    """The same for these transactions, of an account known since `began`. What happened is told once."""
    account = Account("stripe", f"acct_{next(_numbers)}", False)
    id = accounts.ensure(database, [account])[account]
    database.execute(update(tables.provider).where(tables.provider.c.id == id).values(created_at=began))
    outbox.register(database, _listeners(), books.NOW)
    heard: Counter[tuple[str, ...]] = Counter()
    effect, news = tables.effect, tables.news
    query = select(effect.c.listener, news.c.topic, news.c.provider_id, news.c.mark)
    query = query.join(news, news.c.id == effect.c.news_id).where(effect.c.account_id == id)
    for some in parts:
        take(database, id, some, now=books.NOW)
        heard.update(tuple(row) for row in database.execute(query.where(effect.c.status == outbox.PENDING)))
        database.execute(update(effect).where(effect.c.account_id == id).values(status=outbox.DONE))
    taken_back = select(news.c.topic, news.c.provider_id, news.c.mark).where(
        news.c.account_id == id, news.c.history.is_(True)
    )
    assert not heard.keys() & {(NAMES[0], *row) for row in database.execute(taken_back)}
    assert {one: times for one, times in heard.items() if times > 1 and not TOPICS[one[1]].state} == {}
    return set(heard)


@given(script=scripts, order=st.randoms(use_true_random=False), links=st.booleans(), intents=st.booleans())
def test_any_order_repetition_and_batching_tells_the_same(
    database: Connection, script: list[Action], order: random.Random, links: bool, intents: bool
) -> None:
    """The same set of effects, whoever listens and however it was delivered."""
    world = World(links_told=links, intents_told=intents).run(script)
    with database.begin() as transaction:
        expected = told(database, world.told, size=1000)
        size = order.choice((1, 2, 5, 17))
        assert told(database, properties.shuffled(world, order), size=size) == expected
        transaction.rollback()


def test_what_ended_had_started(database: Connection) -> None:
    """An end tells of its beginning first, in either order, and of both once."""
    active = subscription(100, SubscriptionStatus.ACTIVE)
    over = subscription(300, SubscriptionStatus.CANCELED, ended_at=moment(300))
    with database.begin() as transaction:
        ends = [told(database, order) for order in ([active, over], [over, active, over])]
        topics = [row.topic for row in database.execute(select(tables.news).order_by(tables.news.c.id))]
        transaction.rollback()
    assert ends[0] == ends[1]
    assert [topic for topic in topics if topic in ("subscription.started", "subscription.ended")] == [
        "subscription.started",
        "subscription.ended",
    ] * 2


def test_a_payment_known_by_its_invoice_first_succeeds_once(database: Connection) -> None:
    """Two rows that turn out to be one payment tell of one success, whoever is known first."""
    story = STORIES["a payment is known by its invoice first"]
    with database.begin() as transaction:
        for order in (story, story[::-1]):
            heard = told(database, order)
            assert sorted(row[1] for row in heard if row[0] == "everything") == [
                "invoice.paid",
                "payment.succeeded",
            ]
        transaction.rollback()


def test_each_failed_attempt_is_told_though_a_later_one_succeeded(database: Connection) -> None:
    """Two failures by their charges, and one success."""
    with database.begin() as transaction:
        heard = {row[1:] for row in told(database, STORIES["three attempts"]) if row[0] == "everything"}
        transaction.rollback()
    assert heard == {
        ("payment.failed", "pi_1", "ch_1"),
        ("payment.failed", "pi_1", "ch_2"),
        ("payment.succeeded", "pi_1", ""),
    }


def _old(days: float, make: Callable[..., SnapshotT], *said: Any, **told: Any) -> SnapshotT:
    """A read of so many days after its object was made."""
    return make(days * _DAY, *said, read=True, **told)


STORIES: dict[str, Sequence[Snapshot]] = {
    **{name: World().run(script).told for name, script in SHORT.items()},
    "a payment is known by its invoice first": (
        invoice(10, InvoiceStatus.PAID),
        payment(10, SUCCEEDED, "pi_1", made=10),
        charge(10, payment="pi_1", made=10),
        link(11),
    ),
    "three attempts": (
        charge(10, FAILED, "ch_1", made=10),
        payment(10, FAILED, latest_charge="ch_1"),
        charge(20, FAILED, "ch_2", made=20),
        charge(30, SUCCEEDED, "ch_3", made=30),
        payment(30, SUCCEEDED, latest_charge="ch_3"),
    ),
    "an old payment is canceled": (payment(0, PENDING), payment(70 * _DAY, CANCELED)),
    "an old payment is found open, then canceled": (
        _old(40, payment, PENDING),
        _old(50, payment, CANCELED),
    ),
    "a refund fails late": (
        refund(0, SUCCEEDED, 300),
        refund(35 * _DAY, FAILED, 300),
        charge(35 * _DAY, amount_refunded=0),
    ),
    "a refund is only ever read": (_old(50, refund, FAILED, 300),),
    "a refund is read again and again": (
        _old(40, refund, PENDING, 300),
        _old(50, refund, SUCCEEDED, 300),
        _old(60, refund, FAILED, 300),
        _old(70, refund, FAILED, 300),
    ),
    "an old dispute is closed": (
        _old(60, dispute, DisputeStatus.NEEDS_RESPONSE),
        _old(61, dispute, DisputeStatus.UNDER_REVIEW),
        _old(62, dispute, DisputeStatus.WON),
    ),
    "an old dispute is of a payment heard of later": (
        _old(60, dispute, DisputeStatus.NEEDS_RESPONSE),
        _old(61, dispute, DisputeStatus.UNDER_REVIEW),
        _old(62, charge, made=0, customer="cus_1"),
    ),
    "an old dispute is reopened": (
        _old(60, dispute, DisputeStatus.LOST),
        _old(61, dispute, DisputeStatus.APPEAL_UNDER_REVIEW),
        _old(62, dispute, DisputeStatus.LOST),
    ),
    "an old subscription ends": (
        _old(60, subscription, SubscriptionStatus.ACTIVE),
        subscription(70 * _DAY, SubscriptionStatus.PAST_DUE, current_period_start=moment(69 * _DAY)),
        subscription(80 * _DAY, SubscriptionStatus.CANCELED, ended_at=moment(80 * _DAY)),
    ),
    "an old subscription goes on": (
        _old(60, subscription, SubscriptionStatus.ACTIVE),
        _old(61, subscription, SubscriptionStatus.ACTIVE),
    ),
    "an old subscription was given up": (_old(60, subscription, SubscriptionStatus.INCOMPLETE_EXPIRED),),
    "an old invoice is paid at last": (
        _old(40, invoice, InvoiceStatus.OPEN),
        _old(50, invoice, InvoiceStatus.OPEN, attempt_count=1, attempt_failed=True),
        _old(60, invoice, InvoiceStatus.PAID, attempt_count=2),
    ),
    "a payment heard of late, and in its time": (
        charge(5, SUCCEEDED, made=0),
        charge(40 * _DAY, SUCCEEDED, made=0, amount_refunded=500),
    ),
}
BEGINNINGS = (moment(-_DAY), moment(45 * _DAY), moment(1000 * _DAY))
"""An account known all along, since half way, and since long after."""


@settings(max_examples=60)
@given(name=st.sampled_from(sorted(STORIES)), began=st.sampled_from(BEGINNINGS), data=st.data())
def test_what_is_told_follows_from_what_was_said_and_from_nothing_else(
    database: Connection, name: str, began: datetime, data: st.DataObject
) -> None:
    """Any order, any batches, any repetition, and fresh reads in between: the same, each thing once."""
    story = STORIES[name]
    again = data.draw(st.lists(st.sampled_from(story), max_size=3))
    late = st.integers(100, 102).map(lambda day: _read_on(day, story))
    fresh = [word for words in data.draw(st.lists(late, max_size=2)) for word in words]
    words = data.draw(st.permutations([*story, *again, *fresh]))
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(words) - 1)), max_size=len(words))))
    parts = [words[start:end] for start, end in pairwise([0, *cuts, len(words)])]
    with database.begin() as transaction:
        expected = told_in(database, [story], began=began)
        assert told_in(database, parts, began=began) == expected
        transaction.rollback()


def _read_on(day: int, story: Sequence[Snapshot]) -> list[Snapshot]:
    """What a read of everything says at last."""
    last = {word.ref: word for word in sorted(story, key=lambda word: word.as_of.moment)}
    return [replace(word, as_of=AsOf(moment(day * _DAY), Source.READ)) for word in last.values()]


@pytest.mark.parametrize(
    ("name", "began", "expected"),
    [
        ("a refund is only ever read", 0, {"refund.failed"}),
        ("a refund is only ever read", 100, set()),
        ("a refund is read again and again", 100, {"refund.succeeded", "refund.failed"}),
        ("an old dispute is closed", 100, {"dispute.closed", "dispute.changed"}),
        ("an old dispute is of a payment heard of later", 100, {"dispute.changed"}),
        ("an old dispute is reopened", 100, {"dispute.closed", "dispute.changed"}),
        ("an old subscription goes on", 100, set()),
        ("an old subscription goes on", 0, {"subscription.started", "subscription.changed"}),
        ("an old subscription was given up", 100, set()),
        ("an old payment is found open, then canceled", 100, {"payment.canceled"}),
    ],
)
def test_what_came_about_before_our_eyes_is_news(
    database: Connection, name: str, began: int, expected: set[str]
) -> None:
    """However old the object: since the account is known, or since the object was seen not to be so."""
    with database.begin() as transaction:
        heard = told(database, STORIES[name], began=moment(began * _DAY))
        transaction.rollback()
    assert {row[1] for row in heard if row[0] == "everything"} == expected
