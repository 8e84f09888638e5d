"""One provider customer for each user of the host, also among processes on one PostgreSQL database."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from overseer_payment import database, tables
from overseer_payment.host_contract import User
from overseer_payment.provider import CheckoutMode
from overseer_payment.schemas import CheckoutBody, Viewer
from overseer_payment.simulator import World
from tests.service.shop import Shop, Wire, service, settings_of

_PROCESSES, _EACH = 4, 3


def _process(url: str, world: World, price: str, start: threading.Barrier) -> list[str]:
    """What a process of its own does: its own event loop, engine and service; answers its sessions."""

    async def work() -> list[str]:
        engine = database.create_engine(url)
        payments = service(Wire(world), engine, settings_of(world))
        ada, body = (
            Viewer("user:7", User("7", "Ada")),
            CheckoutBody(price_id=price, mode=CheckoutMode.PAYMENT),
        )
        await asyncio.to_thread(start.wait, 30)
        opened = await asyncio.gather(*(payments.create_checkout(ada, body) for _ in range(_EACH)))
        await payments.aclose()
        await engine.dispose()
        return [one.session_id for one in opened]

    return asyncio.run(work())


@pytest.mark.anyio
async def test_processes_at_the_same_moment_make_one_customer(world: World, postgres_url: str) -> None:
    """Twelve first checkouts of one user in four event loops: one customer, twelve sessions of it."""
    engine = database.create_engine(postgres_url)
    async with Shop.opened(world, engine) as shop:
        price = await shop.price()
        start = threading.Barrier(_PROCESSES)
        with ThreadPoolExecutor(_PROCESSES) as pool:
            jobs = [pool.submit(_process, postgres_url, world, price, start) for _ in range(_PROCESSES)]
            found = await asyncio.gather(*map(asyncio.wrap_future, jobs))
        sessions = [session for opened in found for session in opened]
        assert len(set(sessions)) == _PROCESSES * _EACH
        (customer,) = world.find("customer")
        assert {world.get("checkout.session", id)["customer"] for id in sessions} == {customer["id"]}
        rows = await shop.rows(select(tables.customer.c.user_id))
        assert [row["user_id"] for row in rows] == ["7"]
    await engine.dispose()
