"""What an application is told does not depend on the order, the repetition or the batching of events."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import count, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from overseer_payment import tables
from overseer_payment.ledger import accounts
from overseer_payment.ledger.accounts import Account
from overseer_payment.listening import TOPICS, Listener, on
from overseer_payment.provider import InvoiceStatus, Snapshot, SubscriptionStatus
from overseer_payment.recording import take
from overseer_payment.telling import outbox
from tests.ledger import books, properties
from tests.ledger.provider import Action
from tests.ledger.telling import FAILED, SUCCEEDED, charge, invoice, link, moment, payment, subscription
from tests.ledger.test_convergence import SHORT, scripts
from tests.ledger.world import World, batches

Told = set[tuple[str, ...]]
_numbers = count(1)


NAMES = ("everything", "history, too")


def _listeners() -> list[Listener]:
    return [on(*TOPICS, name=name, backfilled="history" in name)(lambda news: None) for name in NAMES]


def told(
    database: Connection, snapshots: Sequence[Snapshot], *, size: int = 1, before: Sequence[Snapshot] = ()
) -> Told:
    """Whom an account of its own tells what, after these snapshots in this order, and others `before`."""
    account = Account("stripe", f"acct_{next(_numbers)}", False)
    id = accounts.ensure(database, [account])[account]
    outbox.register(database, _listeners(), books.NOW)
    for some in [before, *batches(snapshots, size)]:
        take(database, id, some, now=books.NOW)
    effect, news = tables.effect, tables.news
    query = select(effect.c.listener, news.c.topic, news.c.provider_id, news.c.mark)
    query = query.join(news, news.c.id == effect.c.news_id).where(effect.c.account_id == id)
    rows = [tuple(row) for row in database.execute(query)]
    assert len(rows) == len(set(rows))
    return set(rows)


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


@pytest.mark.parametrize("name", SHORT)
def test_every_permutation_of_a_short_history_tells_the_same(database: Connection, name: str) -> None:
    """Not a sample: each order of the last four events, the first told again."""
    story = World().run(SHORT[name]).told
    before, last = story[:-4], story[-4:]
    with database.begin() as transaction:
        ends = [told(database, [*order, order[0]], before=before) for order in permutations(last)]
        transaction.rollback()
    assert len(ends) == 24
    assert ends[0]
    assert all(end == ends[0] for end in ends)


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
    story: tuple[Snapshot, ...] = (
        invoice(10, InvoiceStatus.PAID),
        payment(10, SUCCEEDED, "pi_1", made=10),
        charge(10, payment="pi_1", made=10),
        link(11),
    )
    with database.begin() as transaction:
        for order in permutations(story):
            heard = told(database, order)
            assert sorted(row[1] for row in heard if row[0] == "everything") == [
                "invoice.paid",
                "payment.succeeded",
            ]
        transaction.rollback()


def test_each_failed_attempt_is_told_though_a_later_one_succeeded(database: Connection) -> None:
    """In every order: two failures by their charges, and one success."""
    story: tuple[Snapshot, ...] = (
        charge(10, FAILED, "ch_1", made=10),
        payment(10, FAILED, latest_charge="ch_1"),
        charge(20, FAILED, "ch_2", made=20),
        charge(30, SUCCEEDED, "ch_3", made=30),
        payment(30, SUCCEEDED, latest_charge="ch_3"),
    )
    with database.begin() as transaction:
        for order in permutations(story):
            heard = {row[1:] for row in told(database, order) if row[0] == "everything"}
            assert heard == {
                ("payment.failed", "pi_1", "ch_1"),
                ("payment.failed", "pi_1", "ch_2"),
                ("payment.succeeded", "pi_1", ""),
            }
        transaction.rollback()


def test_what_was_said_in_its_time_is_news_however_late_it_comes(database: Connection) -> None:
    """Heard of first by a refund of 40 days later, a payment is history until its own event comes."""
    later = 40 * 86_400
    own = charge(5, SUCCEEDED, made=0)
    refunded = charge(later, SUCCEEDED, made=0, amount_refunded=500)
    with database.begin() as transaction:
        ends = [told(database, order) for order in permutations([own, refunded])]
        late = told(database, [refunded, refunded])
        transaction.rollback()
    assert ends[0] == ends[1] == {(name, "payment.succeeded", "pi_1", "") for name in NAMES}
    assert {row[0] for row in late} == {"history, too"}
