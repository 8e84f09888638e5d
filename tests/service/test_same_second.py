"""Two processes change one subscription within a second: the later stands, whatever their clocks say."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from overseer_payment.asking import subscriptions as asking
from overseer_payment.provider_plugins.stripe.provider import StripeProvider
from overseer_payment.schemas import ChangePlanBody
from overseer_payment.service import Payments
from tests.service.shop import OPERATOR, Shop, of_type

pytestmark = pytest.mark.anyio

ALIKE, APART = (0.5, 0.5), (0.2, -0.3)
"""By how much the two clocks differ from the last `Date`, in seconds."""


def _off(payments: Payments, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let a process's clock differ from the provider's by less than a `Date` header can contradict."""
    provider = payments.registry.get("stripe")
    assert isinstance(provider, StripeProvider)

    def began(_: datetime, date: str | None) -> datetime:
        assert date is not None
        return parsedate_to_datetime(date) + timedelta(seconds=seconds)

    monkeypatch.setattr(provider._client.clock, "began", began)


@pytest.mark.parametrize(
    ("clocks", "told"),
    [(ALIKE, ()), (APART, ()), (APART, (1, 0))],
    ids=["clocks alike", "clocks apart", "clocks apart, events reversed"],
)
async def test_the_later_change_stands(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, clocks: tuple[float, float], told: tuple[int, ...]
) -> None:
    """Also where no event of either ever comes."""
    await shop.subscribe()
    await shop.settle()
    (id,) = (subscription["id"] for subscription in shop.world.find("subscription"))
    before = len(list(of_type(shop.world, "customer.subscription.updated")))
    async with shop.beside() as other:
        with monkeypatch.context() as patched:
            for payments, seconds, quantity in zip((shop.payments, other), clocks, (2, 3), strict=True):
                _off(payments, patched, seconds)
                body = ChangePlanBody(quantity=quantity)
                await asking.change_plan(payments, OPERATOR, id, body)
    events = list(of_type(shop.world, "customer.subscription.updated"))[before:]
    assert [event["data"]["object"]["items"]["data"][0]["quantity"] for event in events] == [2, 3]
    for number in told:
        await shop.receive(events[number])
    await shop.drain()
    assert (await shop.payments.subscription(OPERATOR, id)).items[0].quantity == 3
