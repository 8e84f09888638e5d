"""What is sent to Stripe when something is asked of it: parameters and headers."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from pytest_httpx import HTTPXMock

from overseer_payment.errors import Invalid
from overseer_payment.provider import (
    CheckoutMode,
    CheckoutRequest,
    CheckoutStatus,
    CustomerRequest,
    RefundRequest,
    Source,
)
from overseer_payment.provider_plugins.stripe.provider import StripeProvider
from overseer_payment.provider_plugins.stripe.requests import with_session_id
from overseer_payment.provider_plugins.stripe.settings import API_VERSION
from tests.provider_plugins.stripe import payloads as p

pytestmark = pytest.mark.anyio

URLS: dict[str, Any] = {"success_url": "https://app.example/ok", "cancel_url": "https://app.example/no"}


def _form(request: httpx.Request | None) -> dict[str, str]:
    assert request is not None
    return {key: value[0] for key, value in parse_qs(request.content.decode()).items()}


def _page(*items: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return p.listed(*items, has_more=more)


async def test_a_payment_checkout(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """Price, quantity, buyer and metadata are sent; the metadata for the payment, too."""
    httpx_mock.add_response(
        url="https://api.stripe.com/v1/checkout/sessions",
        json=p.checkout(status="open", payment_status="unpaid", url="https://pay.example/1"),
    )
    session = await provider.create_checkout(
        CheckoutRequest(
            mode=CheckoutMode.PAYMENT,
            price="price_1",
            quantity=2,
            email="ada@example.com",
            client_reference="user-7",
            metadata={"order": "7"},
            **URLS,
        ),
        idempotency_key="op-9",
    )
    assert (session.url, session.status) == ("https://pay.example/1", CheckoutStatus.OPEN)
    request = httpx_mock.get_request()
    assert _form(request) == {
        "mode": "payment",
        "success_url": "https://app.example/ok?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://app.example/no",
        "line_items[0][price]": "price_1",
        "line_items[0][quantity]": "2",
        "customer_email": "ada@example.com",
        "client_reference_id": "user-7",
        "metadata[order]": "7",
        "payment_intent_data[metadata][order]": "7",
    }
    assert request is not None
    assert request.headers["idempotency-key"] == "op-9"
    assert request.headers["stripe-version"] == API_VERSION
    assert request.headers["authorization"] == f"Bearer {p.KEY}"


async def test_a_subscription_checkout_with_a_trial(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """Trial and metadata go to the subscription that will be made."""
    httpx_mock.add_response(json=p.checkout(mode="subscription"))
    await provider.create_checkout(
        CheckoutRequest(
            mode=CheckoutMode.SUBSCRIPTION,
            price="price_1",
            customer="cus_1",
            trial_period_days=14,
            metadata={"a": "b"},
            **URLS,
        ),
        idempotency_key="op-1",
    )
    form = _form(httpx_mock.get_request())
    assert form["subscription_data[trial_period_days]"] == "14"
    assert form["subscription_data[metadata][a]"] == "b"
    assert form["customer"] == "cus_1"
    assert "payment_intent_data[metadata][a]" not in form


async def test_a_setup_checkout(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """Saving a card sells nothing but needs a currency."""
    httpx_mock.add_response(json=p.checkout(mode="setup"))
    await provider.create_checkout(
        CheckoutRequest(mode=CheckoutMode.SETUP, currency="EUR", **URLS), idempotency_key="op-1"
    )
    form = _form(httpx_mock.get_request())
    assert (form["mode"], form["currency"]) == ("setup", "eur")
    assert not any(key.startswith(("line_items", "payment_method_types")) for key in form)


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": CheckoutMode.PAYMENT},
        {"mode": CheckoutMode.SETUP},
        {"mode": CheckoutMode.SETUP, "currency": "usd", "price": "price_1"},
        {"mode": CheckoutMode.PAYMENT, "price": "price_1", "trial_period_days": 3},
        {"mode": CheckoutMode.PAYMENT, "price": "price_1", "quantity": 0},
        {"mode": CheckoutMode.PAYMENT, "price": "price_1", "customer": "cus_1", "email": "a@b.c"},
    ],
)
async def test_a_checkout_that_makes_no_sense_is_not_sent(provider: StripeProvider, changes: Any) -> None:
    """Refused here, in words that say why."""
    with pytest.raises(Invalid):
        await provider.create_checkout(CheckoutRequest(**URLS, **changes), idempotency_key="op-1")


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("https://a/ok", "https://a/ok?session_id={CHECKOUT_SESSION_ID}"),
        ("https://a/ok?x=1#f", "https://a/ok?x=1&session_id={CHECKOUT_SESSION_ID}#f"),
        ("https://a/{CHECKOUT_SESSION_ID}", "https://a/{CHECKOUT_SESSION_ID}"),
        ("https://a/ok?session_id=mine", "https://a/ok?session_id=mine"),
    ],
)
def test_the_success_page_learns_the_session(given: str, sent: str) -> None:
    """Stripe's placeholder is added unless the caller put one."""
    assert with_session_id(given) == sent


async def test_a_refund(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """The refund comes first; the charge it came with carries all its refunds."""
    charge = p.charge(refunds=_page(p.refund(), p.refund(id="re_0", amount=1)))
    httpx_mock.add_response(json=p.refund(charge=charge))
    found = await provider.refund(
        RefundRequest(amount=500, currency="usd", payment="pi_1", reason="duplicate", metadata={"by": "7"}),
        idempotency_key="op-1",
    )
    assert [snapshot.id for snapshot in found] == ["re_1", "ch_1", "re_0"]
    assert {snapshot.as_of.source for snapshot in found} == {Source.READ}
    assert _form(httpx_mock.get_request()) == {
        "payment_intent": "pi_1",
        "amount": "500",
        "reason": "duplicate",
        "metadata[by]": "7",
        "expand[0]": "charge.refunds",
    }


async def test_a_reason_in_own_words_goes_into_the_metadata(
    provider: StripeProvider, httpx_mock: HTTPXMock
) -> None:
    """Stripe takes three reasons; others would be refused."""
    httpx_mock.add_response(json=p.refund())
    await provider.refund(
        RefundRequest(amount=5, currency="usd", charge="ch_1", reason="arrived late"), idempotency_key="k"
    )
    form = _form(httpx_mock.get_request())
    assert (form["metadata[reason]"], form["charge"]) == ("arrived late", "ch_1")
    assert "reason" not in form


async def test_a_refund_of_nothing_in_particular_is_not_sent(provider: StripeProvider) -> None:
    """Exactly one of payment and charge."""
    with pytest.raises(Invalid):
        await provider.refund(RefundRequest(amount=5, currency="usd"), idempotency_key="k")


async def test_a_customer(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """Made with what is known of them."""
    httpx_mock.add_response(json=p.customer())
    made = await provider.create_customer(
        CustomerRequest(email="ada@example.com", name="Ada", metadata={"user": "7"}), idempotency_key="k"
    )
    assert (made.id, made.email) == ("cus_1", "ada@example.com")
    assert _form(httpx_mock.get_request()) == {
        "email": "ada@example.com",
        "name": "Ada",
        "metadata[user]": "7",
    }
