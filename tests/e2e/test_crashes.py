"""Real processes that die, race and share: nothing is lost, nothing happens twice."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from overseer_payment import tables
from overseer_payment.simulator import scenario
from tests.e2e.site import Site, opened

pytestmark = pytest.mark.slow

MANY, SOME = range(1000, 1040), range(1000, 1012)


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    """A business on each kind of database."""
    with opened(database_url, tmp_path) as site:
        yield site


@pytest.fixture
def shared(postgres_url: str, tmp_path: Path) -> Iterator[Site]:
    """A business whose database several processes share."""
    with opened(postgres_url, tmp_path) as site:
        yield site


def _sell(site: Site, amounts: Iterable[int]) -> None:
    for amount in amounts:
        scenario.charge_directly(site.world, amount)


def test_what_was_answered_survives_kill_9(site: Site) -> None:
    """A server killed twice amid concurrent deliveries: what was answered 200 is stored, and gets applied."""
    _sell(site, MANY)
    told = len(site.world.events)
    for part in (told // 3, told // 3):
        with site.serve() as server:
            asyncio.run(site.deliver(server, kill_after=part))
            server.kill()
        assert site.answered <= site.events().keys()
    assert len(site.answered) < told  # it died amid it, not after it
    with site.serve() as server:
        asyncio.run(site.deliver(server))
    assert len(site.answered) == told
    site.run("work", "--once")
    stored = site.events()
    assert {status for status, _ in stored.values()} <= {"applied", "ignored"}
    assert stored.keys() == {event["id"] for event in site.world.events}
    assert site.wrong_totals() == 0
    assert site.gross() == sum(MANY)


def test_an_event_delivered_to_two_servers_at_once_counts_once(shared: Site) -> None:
    """Every event four times, to two processes at the same moment: each is stored and applied once."""
    _sell(shared, SOME)
    told = [event["id"] for event in shared.world.events]

    async def everywhere() -> None:
        with shared.serve() as first, shared.serve() as second:
            for _ in range(2):
                shared.answered.clear()
                await asyncio.gather(shared.deliver(first), shared.deliver(second))

    asyncio.run(everywhere())
    shared.run("work", "--once")
    stored = shared.events()
    assert sorted(stored) == sorted(told)
    assert {attempts for _, attempts in stored.values()} == {1}
    assert shared.gross() == sum(SOME)
    assert shared.wrong_totals() == 0


def test_processes_refund_once_and_never_too_much(shared: Site) -> None:
    """One intent from three processes is one refund; two that exceed what was paid: one is refused."""
    intent = str(scenario.charge_directly(shared.world, 1000)["id"])
    shared.settle()
    once = ("refund", intent, "--amount", "2.00", "--idempotency-key", "once", "--yes", "--json")
    ends = shared.at_once(once, once, once)
    assert [code for code, _, _ in ends] == [0, 0, 0], ends
    assert len({json.loads(out)["id"] for _, out, _ in ends}) == 1
    assert [refund["amount"] for refund in shared.world.find("refund")] == [200]
    most = ("refund", intent, "--amount", "6.00", "--yes", "--json")
    ends = shared.at_once(most, most)
    assert sorted(code for code, _, _ in ends) == [0, 1], ends
    assert sorted(refund["amount"] for refund in shared.world.find("refund")) == [200, 600]
    (payment,) = shared.rows(select(tables.transaction).where(tables.transaction.c.type == "charge"))
    assert payment.amount_refunded == 800
    assert shared.wrong_totals() == 0


def test_workers_share_a_backlog_and_may_die(shared: Site) -> None:
    """Of three workers on one backlog one is killed: all is applied, each event once; SIGTERM ends with 0."""
    _sell(shared, MANY)
    told = len(shared.world.events)
    workers = [shared.begin("work") for _ in range(3)]
    try:
        # Not before it has begun: until then SIGTERM ends any process at once.
        assert all("Working" in str(worker.stderr and worker.stderr.readline()) for worker in workers)
        shared.settle(applying=False)
        workers[0].kill()
        shared.until_applied(told)
        for worker in workers[1:]:
            worker.send_signal(signal.SIGTERM)
        ends = [worker.communicate(timeout=30) for worker in workers[1:]]
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert [worker.returncode for worker in workers[1:]] == [0, 0], ends
    assert all("Traceback" not in error for _, error in ends)
    stored = shared.events()
    assert len(stored) == told
    assert {attempts for _, attempts in stored.values()} == {1}
    assert shared.gross() == sum(MANY)
    assert shared.wrong_totals() == 0
