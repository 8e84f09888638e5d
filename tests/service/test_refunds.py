"""Refunds: never more than remains, one at the provider for each intent, whatever breaks in between."""

from __future__ import annotations

import pytest

from tests.service.shop import Shop

pytestmark = pytest.mark.anyio


async def test_a_refund_gives_money_back_and_answers_its_row(shop: Shop) -> None:
    """In part and then all that remains; the sums and the payment's state follow at once."""
    intent = await shop.pay(1000)
    await shop.settle()
    first = await shop.refund(intent, 300)
    assert (first.type, first.status, first.amount) == ("refund", "succeeded", 300)
    payment = await shop.transaction(intent)
    assert (payment.status, payment.amount_refunded, payment.amount_refundable) == (
        "partially_refunded",
        300,
        700,
    )
    rest = await shop.refund(intent)
    assert (rest.amount, rest.parent_id) == (700, payment.id)
    assert (await shop.transaction(intent)).status == "refunded"
    await shop.settle()
    assert await shop.revenue() == {"usd": (1000, 1000, 0, 0)}
    assert shop.balance() == {}
    assert await shop.operations() == [("refund", "succeeded"), ("refund", "succeeded")]
