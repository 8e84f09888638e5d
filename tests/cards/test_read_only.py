"""A database that takes no writes: everything can still be read, nothing is sent, and the cure is said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import twins
from overseer_payment.shown import pulse
from tests.cards.desk import Desk
from tests.service.shop import OPERATOR

pytestmark = pytest.mark.anyio

TABS = ("", "/transactions", "/subscriptions", "/customers", "/disputes", "/events", "/actions", "/settings")
BANNER = "The database is read-only"


@contextmanager
def taking_no_writes(engine: AsyncEngine) -> Iterator[None]:
    """SQLite refuses every write meanwhile, as it does on a disk that is mounted read-only."""

    taken = False

    def tell(connection: Any) -> None:
        connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if taken else 'ON'}")

    for each in twins.engines(engine):
        event.listen(each, "engine_connect", tell)
    yield
    taken = True


async def test_everything_can_be_read_and_says_what_is_wrong(desk: Desk) -> None:
    """Each tab, a row and a confirmation answer, below one sentence with the cure; open pages learn of it."""
    payment = await desk.shop.pay(4500, "usd")
    await desk.shop.settle()
    at = f"/payment/transactions/{payment}"
    before = (await desk.http.get("/payment/pulse")).headers["etag"]
    assert BANNER not in await desk.read("/payment/modal")
    with taking_no_writes(desk.shop.engine):
        for path in (*(f"/payment/modal{tab}" for tab in TABS), at, f"{at}/refund?amount=1.00"):
            shown = await desk.read(path)
            assert BANNER in shown
            assert "OVERSEER_DATABASE_URL" in shown
        for path, button in ((at, "Refund…"), (f"{at}/refund?amount=1.00", "Refund 1.00 USD")):
            html = await desk.see(path)
            assert re.search(rf"<button[^>]* disabled[^>]*>{button}<", html)
            assert "Not now: the database is read-only." in html
        card = (await desk.http.get("/payment/card.json")).json()
        assert (card["health"], card["health_word"]) == ("error", "Read-only")
        findings = await desk.shop.payments.doctor()
        assert any(one.id == "database" and "read-only" in one.title and one.cure for one in findings)
        pulse._known.clear()  # the answer is kept for a second
        assert (await desk.http.get("/payment/pulse")).headers["etag"] != before


async def test_a_refund_is_not_sent_and_can_be_once_it_may(desk: Desk) -> None:
    """Refused before anything left, in words that say so; the same form then makes it, once."""
    paid = await desk.shop.pay(4500, "usd")
    await desk.shop.settle()
    action = f"/payment/transactions/{(await desk.shop.payments.transaction(OPERATOR, paid)).id}/refund"
    confirm = await desk.see(f"{action}?amount=10.00")
    with taking_no_writes(desk.shop.engine):
        told = await desk.send(confirm, action, status=503)
        assert "Nothing was refunded" in told
        assert "write access" in told
        # Of a second try it is not known what the first one did.
        told = await desk.send(confirm, action, {"again": "1"}, status=503)
        assert "We don’t know yet" in told
        assert desk.shop.world.find("refund") == []
    assert "10.00 USD" in await desk.send(confirm, action)
    assert "10.00 USD" in await desk.send(confirm, action)
    assert len(desk.shop.world.find("refund")) == 1
