"""Portals, previews and ends at Stripe: what is asked, and what an answer that can't be used becomes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from pytest_httpx import HTTPXMock

from overseer_payment.errors import OutcomeUnknown, PayloadInvalid, ProviderUnavailable
from overseer_payment.provider import PortalRequest
from overseer_payment.provider_plugins.stripe.provider import StripeProvider
from overseer_payment.provider_plugins.stripe.translate.preview import preview

pytestmark = pytest.mark.anyio

REQUEST = PortalRequest(customer="cus_1", return_url="https://shop.example/account")


def _form(httpx_mock: HTTPXMock) -> dict[str, list[str]]:
    (request,) = httpx_mock.get_requests()
    return parse_qs(request.content.decode())


async def test_a_portal_is_opened_for_one_customer(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """The customer and the way back are sent; the link is in no repr."""
    httpx_mock.add_response(json={"id": "bps_1", "object": "x", "url": "https://billing.example/p/1"})
    opened = await provider.open_portal(REQUEST)
    assert opened.url == "https://billing.example/p/1"
    assert opened.url not in repr(opened)
    assert _form(httpx_mock) == {"customer": ["cus_1"], "return_url": ["https://shop.example/account"]}


async def test_a_portal_without_a_link_is_none(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """An answer that leads nowhere is said to be one, not handed on."""
    httpx_mock.add_response(json={"id": "bps_1", "object": "x", "url": None})
    with pytest.raises(ProviderUnavailable):
        await provider.open_portal(REQUEST)


async def test_a_deletion_that_does_not_say_so_is_unknown(
    provider: StripeProvider, httpx_mock: HTTPXMock
) -> None:
    """It may have happened: never taken for done, nor for not done."""
    httpx_mock.add_response(json={"id": "cus_1", "object": "customer"})
    with pytest.raises(OutcomeUnknown):
        await provider.delete_customer("cus_1", idempotency_key="k")


def _line(amount: int, start: int, **more: Any) -> dict[str, Any]:
    return {"amount": amount, "description": "Team", "period": {"start": start, "end": start + 60}, **more}


def test_a_preview_tells_sum_lines_and_period() -> None:
    """Credit lines are negative and marked; the period is that of what is bought."""
    parent = {"type": "x", "subscription_item_details": {"proration": True}}
    told = preview(
        {
            "currency": "JPY",
            "total": 700,
            "amount_due": 0,
            "next_payment_attempt": 2000,
            "lines": {"data": [_line(-300, 1000, parent=parent), _line(1000, 2000, quantity=2)]},
        }
    )
    assert (told.currency, told.total, told.amount_due) == ("jpy", 700, 0)
    assert [(line.amount, line.proration, line.quantity) for line in told.lines] == [
        (-300, True, None),
        (1000, False, 2),
    ]
    assert told.due_at == datetime.fromtimestamp(2000, UTC)
    assert (told.period_start, told.period_end) == (
        datetime.fromtimestamp(1000, UTC),
        datetime.fromtimestamp(2060, UTC),
    )


def test_a_preview_without_a_sum_is_refused() -> None:
    """No sum is made up."""
    with pytest.raises(PayloadInvalid):
        preview({"currency": "usd", "lines": {"data": []}})
