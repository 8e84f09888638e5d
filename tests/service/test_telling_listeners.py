"""Whatever listeners do, raise and are called: it is theirs alone, and nothing gets lost in silence."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection, select

from overseer_payment import tables
from overseer_payment.asking import effects
from overseer_payment.errors import ConfigurationError
from overseer_payment.listening import Listener, News, inside, on
from tests.service.application import Ears, Open, on_one_database
from tests.service.shop import OPERATOR, service, settings_of

pytestmark = [pytest.mark.anyio, on_one_database]

RAISED = (SystemExit, KeyboardInterrupt, StopIteration, GeneratorExit, asyncio.CancelledError)
AWAITED = (SystemExit, GeneratorExit, asyncio.CancelledError)


def _raising(error: type[BaseException], *, awaited: bool) -> Listener:
    def plain(news: News) -> None:
        raise error

    async def asynchronous(news: News) -> None:
        raise error

    name = f"{'async' if awaited else 'plain'} {error.__name__}"
    return on("payment.succeeded", name=name)(asynchronous if awaited else plain)


async def test_whatever_is_raised_fails_its_own_delivery_only(opened: Open, ears: Ears) -> None:
    """Also what is no Exception: the process and its loop live on, and everybody else hears."""
    broken = [_raising(error, awaited=False) for error in RAISED]
    broken += [_raising(error, awaited=True) for error in AWAITED]
    async with opened(*broken, ears("payment.succeeded")) as shop:
        await shop.pay(100)
        await shop.deliverer.deliver_due()
        await shop.drain()
        assert ears.topics == ["payment.succeeded"]
        failed = await shop.rows(select(tables.effect).where(tables.effect.c.status == "failed"))
        assert {row["listener"]: row["last_error"].split()[3].rstrip(".") for row in failed} == {
            one.name: one.name.partition(" ")[2] for one in broken
        }


async def test_whatever_is_raised_inside_fails_its_own_event_only(opened: Open) -> None:
    """Nothing of it is recorded until it is mended; then it is, once."""
    broken = [True]

    @inside("payment.succeeded", name="ends")
    def ends(connection: Connection, news: News) -> None:
        if broken:
            raise SystemExit

    async with opened(ends) as shop:
        await shop.pay(100)
        await shop.settle()
        assert await shop.count(tables.news, topic="payment.succeeded") == 0
        broken.clear()
        shop.later(3600)
        await shop.drain()
        assert await shop.count(tables.news, topic="payment.succeeded") == 1
        assert await shop.count(tables.event, status="failed") == 0


async def test_two_of_one_name_are_refused(opened: Open) -> None:
    """One of them would be told in the other's place."""
    one, other = (on("payment.succeeded", name="same")(lambda news: None) for _ in range(2))
    async with opened() as shop:
        with pytest.raises(ConfigurationError, match="Two listeners are called 'same'"):
            service(shop.wire, shop.engine, settings_of(shop.world), listeners=[one, other])


async def test_what_a_removed_listener_was_to_hear_is_given_up_and_can_be_told_again(opened: Open) -> None:
    """Renamed, it is another who hears only what is new; what was left for the old name ends, and is seen."""
    ears = Ears()

    def fails(news: News) -> None:
        raise OSError

    async with opened(on("payment.succeeded", name="old name")(fails)) as shop:
        await shop.pay(100)
        await shop.settle()
    async with opened(ears("payment.succeeded", name="new name")) as shop:
        await shop.drain()
        assert ears.heard == []
        for days, status in ((29, "failed"), (31, "dead")):
            shop.later(days * 86_400)
            await shop.drain()
            [left] = await shop.rows(tables.effect)
            assert (left["listener"], left["status"]) == ("old name", status)
        assert left["last_error"] == "Nobody listens by this name any more."
    async with opened(ears("payment.succeeded", name="old name")) as shop:
        await effects.replay(shop.payments, OPERATOR, str(left["id"]))
        await shop.drain()
        assert ears.topics == ["payment.succeeded"]
