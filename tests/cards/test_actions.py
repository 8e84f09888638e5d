"""A checkout in two clicks: opened once per click, and never left by a redirect."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from overseer_payment.errors import ProviderUnavailable
from tests.cards.fake_payments import FakePayments
from tests.cards.fakes import TOKEN
from tests.cards.rows import status

CHECKOUT = "/payment/actions/checkout"


def form(client: TestClient, price: str = "price_3") -> dict[str, str]:
    page = client.get("/payment/modal/actions").text
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key
    return {"csrf_token": TOKEN, "key": key[1], "price_id": price}


def test_a_click_leads_to_the_hosted_page_by_a_link(client: TestClient, payments: FakePayments) -> None:
    """200 with a link: a redirect to another site would be refused by `form-action 'self'`."""
    answer = client.post(CHECKOUT, data=form(client))
    assert answer.status_code == 200
    assert f'href="{payments.hosted}" data-op-go' in answer.text


def test_a_double_click_opens_one_checkout(client: TestClient, payments: FakePayments) -> None:
    """The same button of the same page is the same checkout; another price is another."""
    fields = form(client)
    client.post(CHECKOUT, data=fields)
    client.post(CHECKOUT, data=fields)
    assert len(payments.opened) == 1
    client.post(CHECKOUT, data={**fields, "price_id": "price_1"})
    assert len(payments.opened) == 2


def test_only_prices_of_the_catalogue_are_sold(client: TestClient, payments: FakePayments) -> None:
    """A made-up price is refused before the provider is asked."""
    assert client.post(CHECKOUT, data=form(client, "price_made_up")).status_code == 422
    assert not payments.opened


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "/relative", "https://"])
def test_only_web_addresses_are_followed(client: TestClient, payments: FakePayments, url: str) -> None:
    """Nothing that runs in our page, whatever the provider answered."""
    payments.hosted = url
    answer = client.post(CHECKOUT, data=form(client))
    assert answer.status_code == 422
    assert "data-op-go" not in answer.text


def test_a_forged_checkout_does_nothing(client: TestClient, payments: FakePayments) -> None:
    """With a cookie, a write needs the page's token."""
    assert client.post(CHECKOUT, data={**form(client), "csrf_token": "x"}).status_code == 403
    assert not payments.opened


def test_a_provider_that_is_down_is_a_sentence(client: TestClient, payments: FakePayments) -> None:
    """The provider's failure is told with its status."""
    fields = form(client)
    payments.refusing = ProviderUnavailable("Stripe can't be reached. Try again in a minute.")
    answer = client.post(CHECKOUT, data=fields)
    assert answer.status_code == 503
    assert "be reached. Try again in a minute." in answer.text


def test_live_checkouts_are_called_live(client: TestClient, payments: FakePayments) -> None:
    """The tab says whose money it is before anything is opened."""
    assert "Open a test checkout" in client.get("/payment/modal/actions").text
    payments.state = status(livemode=True, is_test_mode=False)
    html = client.get("/payment/modal/actions").text
    assert "Open a test checkout" not in html
    assert "This is live" in html
