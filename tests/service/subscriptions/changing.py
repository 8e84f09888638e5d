"""What the tests of changing subscriptions share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from overseer_payment.asking import subscriptions
from overseer_payment.schemas import (
    CancelBody,
    ChangePlanBody,
    PauseBody,
    SubscriptionRow,
)
from tests.service.shop import OPERATOR, Shop

NOW = CancelBody(at_period_end=False)
AT_END = CancelBody()
DAY = 86_400


async def subscribed(shop: Shop, amount: int = 1500) -> str:
    session = await shop.subscribe(amount)
    await shop.settle()
    return str(shop.world.get("checkout.session", session)["subscription"])


async def shown(shop: Shop, id: str) -> SubscriptionRow:
    return await shop.payments.subscription(OPERATOR, id)


async def agrees(shop: Shop, row: SubscriptionRow) -> None:
    """The provider's events and reads say what was answered, and what was sent has its outcome."""
    await shop.settle()
    assert await shown(shop, str(row.id)) == row
    stands = shop.world.get("subscription", row.provider_subscription_id)
    assert (stands["status"], stands["cancel_at_period_end"]) == (row.status, row.cancel_at_period_end)
    assert bool(stands["pause_collection"]) == row.collection_paused
    assert {status for kind, status in await shop.operations() if kind.startswith("subscription")} <= {
        "succeeded"
    }


def effects(shop: Shop) -> list[str]:
    return [
        r.path for r in shop.world.requests if r.method in {"POST", "DELETE"} and "subscriptions" in r.path
    ]


Wish = Callable[[Shop, str], Awaitable[SubscriptionRow]]
WISHES: dict[str, tuple[Wish, dict[str, Any]]] = {
    "cancel": (
        lambda shop, sub: subscriptions.cancel(shop.payments, OPERATOR, sub, AT_END),
        {"cancel_at_period_end": True},
    ),
    "cancel now": (
        lambda shop, sub: subscriptions.cancel(shop.payments, OPERATOR, sub, NOW),
        {"status": "canceled"},
    ),
    "pause": (
        lambda shop, sub: subscriptions.pause(shop.payments, OPERATOR, sub, PauseBody()),
        {"collection_paused": True},
    ),
    "change": (
        lambda shop, sub: subscriptions.change_plan(shop.payments, OPERATOR, sub, ChangePlanBody(quantity=2)),
        {"quantity": 2},
    ),
}
