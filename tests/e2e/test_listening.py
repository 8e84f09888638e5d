"""An application is told by real processes: access once, mail once, whatever comes how often and when."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import column, table, text

from overseer_payment import database, tables
from overseer_payment.simulator import scenario
from tests.e2e.site import Site, opened

pytestmark = pytest.mark.slow

APPLICATION = """
from pathlib import Path

from sqlalchemy import text

from overseer_payment import inside, on


@inside("checkout.paid")
async def grant(connection, news):
    row = {"session": news.checkout.session_id}
    await connection.execute(text("INSERT INTO app_access (session) VALUES (:session)"), row)


@on("checkout.paid")
def mail(news):
    with Path("mails").open("a") as file:
        file.write(f"{news.effect_id} {news.checkout.session_id}\\n")
"""


@pytest.fixture
def site(sqlite_url: str, tmp_path: Path) -> Iterator[Site]:
    """A business with an application that listens."""
    with opened(sqlite_url, tmp_path) as site:
        (tmp_path / "app_listens.py").write_text(APPLICATION)
        site.more = {"PAYMENT_LISTENERS": "app_listens", "OVERSEER_SAFE_MODE": "0"}
        asyncio.run(_create(site, "CREATE TABLE app_access (session VARCHAR(255))"))
        yield site


async def _create(site: Site, statement: str) -> None:
    engine = database.create_engine(site.url)
    async with database.write(engine) as connection:
        await connection.execute(text(statement))
    await engine.dispose()


def test_a_paid_checkout_grants_access_once_and_mails_once(site: Site) -> None:
    """Events out of order and twice each, some to a server and all to a command: one grant, one mail each."""
    price = scenario.offer(site.world, "Tea", 2000)
    bought = [scenario.buy(site.world, price)["id"] for _ in range(3)]
    order = random.Random(3)
    order.shuffle(site.world.events)
    every = [event["id"] for event in site.world.events]
    with site.serve() as server:
        for _ in range(2):
            site.answered = set(every[len(every) // 2 :])
            asyncio.run(site.deliver(server))
    site.settle(applying=False)
    site.run("work", "--once")
    granted = [row.session for row in site.rows(table("app_access", column("session")).select())]
    assert sorted(granted) == sorted(bought)
    mails = [line.split() for line in (site.folder / "mails").read_text().splitlines()]
    assert sorted(session for _, session in mails) == sorted(bought)
    assert len({id for id, _ in mails}) == len(bought)
    assert {row.status for row in site.rows(tables.effect.select())} == {"done"}
