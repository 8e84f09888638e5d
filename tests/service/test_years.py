"""A year beside the year before: dense, per currency, for those who may see revenue."""

from __future__ import annotations

from datetime import timedelta

import pytest

from overseer_payment.database import utcnow
from overseer_payment.errors import Forbidden
from overseer_payment.schemas import Viewer
from overseer_payment.shown import revenue
from tests.service.shop import OPERATOR, Shop

pytestmark = pytest.mark.anyio


async def test_two_years_have_a_point_for_each_day(shop: Shop) -> None:
    """Today is the last one; what was paid is in it once."""
    await shop.pay(1000)
    await shop.pay(500, "jpy")
    await shop.settle()
    found = {series.currency: series.points for series in await revenue.daily(shop.payments, OPERATOR, 730)}
    assert sorted(found) == ["jpy", "usd"]
    today = utcnow().date()
    for points, amount in ((found["usd"], 1000), (found["jpy"], 500)):
        assert [point.date for point in points] == [today - timedelta(days=n) for n in range(729, -1, -1)]
        assert sum(point.gross for point in points) == amount


async def test_revenue_is_not_for_everybody(shop: Shop) -> None:
    """A buyer sees their own payments, never what the business earns."""
    with pytest.raises(Forbidden):
        await revenue.daily(shop.payments, Viewer("user:7"), 30)
