"""What an open dashboard asks every few seconds: different after every change, equal without one."""

from __future__ import annotations

import pytest

from overseer_payment.errors import DatabaseError, Forbidden
from overseer_payment.schemas import Viewer
from overseer_payment.shown import pulse
from tests.service.shop import OPERATOR, Shop

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _each_question_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the second during which a process answers what it knows."""
    monkeypatch.setattr(pulse, "_SECOND", 0.0)


async def beat(shop: Shop) -> str:
    return await pulse.pulse(shop.payments, OPERATOR)


async def test_every_news_changes_the_pulse(shop: Shop) -> None:
    """A payment, a refund, a subscription and its end, a dispute: stored and applied."""
    heard = [await beat(shop)]
    session = await shop.buy(5000)
    await shop.settle()
    heard.append(await beat(shop))
    await shop.refund(session, 700)
    heard.append(await beat(shop))
    await shop.settle()
    await shop.subscribe()
    await shop.settle()
    heard.append(await beat(shop))
    await shop.advance(31)
    heard.append(await beat(shop))
    await shop.pay(2500, card="pm_card_createDispute")
    await shop.settle()
    heard.append(await beat(shop))
    assert len(set(heard)) == len(heard)


async def test_without_news_the_pulse_stays(shop: Shop) -> None:
    """Also in another process: whichever replica answers, nothing is redrawn for nothing."""
    await shop.buy()
    await shop.settle()
    async with shop.beside() as other:
        assert await beat(shop) == await beat(shop) == await pulse.pulse(other, OPERATOR)


async def test_an_event_that_waits_changes_the_pulse(shop: Shop) -> None:
    """The inbox is shown too: storing an event counts before it is applied."""
    before = await beat(shop)
    await shop.pay()
    await shop.deliverer.deliver_due()
    assert await beat(shop) != before


async def test_strangers_feel_no_pulse(shop: Shop) -> None:
    """Whoever may not look doesn't learn either that something has changed."""
    with pytest.raises(Forbidden):
        await pulse.pulse(shop.payments, Viewer("user:7"))


async def test_a_process_asks_the_database_once_a_second(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many dashboards are open; the next second sees what happened in between."""
    monkeypatch.setattr(pulse, "_SECOND", 60.0)
    first = await beat(shop)
    await shop.buy()
    await shop.settle()
    assert await beat(shop) == first
    monkeypatch.setattr(pulse, "_SECOND", 0.0)
    assert await beat(shop) != first


async def test_a_database_that_is_gone_is_said(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """An open dashboard must not take an outage for silence."""

    async def fails(*_: object) -> None:
        raise DatabaseError("The database can't be reached.")

    monkeypatch.setattr(shop.payments, "ask", fails)
    with pytest.raises(DatabaseError):
        await beat(shop)
