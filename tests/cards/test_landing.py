"""The landing pages say what is true of a checkout, to whoever knows its id, and nothing about anybody."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from overseer_payment.errors import DatabaseError
from tests.cards.fake_payments import FakePayments
from tests.cards.fakes import FakeHost
from tests.cards.rows import SESSION, XSS, checkout

SUCCESS = f"/payment/success?session_id={SESSION}"


def test_a_paid_checkout_is_called_paid_with_its_sum(client: TestClient, host: FakeHost) -> None:
    """Paid, how much, and that it was a test; without signing in."""
    host.signed_in = False
    answer = client.get(SUCCESS)
    assert answer.status_code == 200
    for said in (">Paid<", "49.00 USD", "No real money moves"):
        assert said in answer.text
    assert "refresh" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "title", "waits"),
    [
        ({"payment_state": "unpaid"}, "Payment processing", True),
        ({"payment_state": "unpaid", "status": "open"}, "Waiting for your payment", True),
        ({"payment_state": "unpaid", "status": "expired"}, "Checkout expired", False),
        ({"payment_state": "failed"}, "Payment failed", False),
        ({"payment_state": "not_required", "mode": "subscription"}, "All set", False),
        ({"payment_state": "not_required", "mode": "setup", "amount_total": None}, "All set", False),
        ({"payment_state": "not_required", "status": "open"}, "Waiting for your payment", True),
    ],
)
def test_what_is_not_paid_is_never_called_paid(
    client: TestClient, payments: FakePayments, changes: dict[str, object], title: str, waits: bool
) -> None:
    """Each state has its own words, and only what may change soon looks again."""
    payments.checkouts[SESSION] = checkout(**changes)
    answer = client.get(SUCCESS)
    assert f">{title}<" in answer.text
    assert ">Paid<" not in answer.text
    assert "has arrived" not in answer.text
    assert ("refresh" in answer.headers) is waits


def test_looking_again_ends(client: TestClient, payments: FakePayments) -> None:
    """The page refreshes itself a bounded number of times, ever slower, then offers a link."""
    payments.checkouts[SESSION] = checkout(payment_state="unpaid")
    path, looks, seconds = SUCCESS, 0, []
    while (answer := client.get(path)).headers.get("refresh") and looks < 50:
        wait, _, path = answer.headers["refresh"].partition("; url=")
        seconds.append(int(wait))
        looks += 1
    assert 5 < looks < 50
    assert seconds == sorted(seconds)
    assert "Look again" in answer.text


@pytest.mark.parametrize("session", ["", "cs_unknown_1", "x", "a b", "x" * 300, XSS])
def test_an_unknown_id_finds_nothing(client: TestClient, session: str) -> None:
    """404, no sum, no echo, and no claim of a payment."""
    answer = client.get("/payment/success", params={"session_id": session})
    assert answer.status_code == 404
    assert "No such checkout" in answer.text
    assert "alert(1)" not in answer.text
    assert not re.search(r"\d+\.\d\d [A-Z]{3}", answer.text)


def test_a_broken_database_claims_nothing(client: TestClient, payments: FakePayments) -> None:
    """503, told not to pay again, and it looks again by itself."""
    payments.failing = DatabaseError("The database can't be reached.")
    answer = client.get(SUCCESS)
    assert answer.status_code == 503
    assert "do not pay again" in answer.text
    assert "refresh" in answer.headers


def test_cancelled_is_not_charged(client: TestClient, host: FakeHost) -> None:
    """Public, and says that nothing was taken."""
    host.signed_in = False
    answer = client.get("/payment/cancel")
    assert answer.status_code == 200
    assert "Not charged" in answer.text


@pytest.mark.parametrize("path", [SUCCESS, "/payment/cancel", "/payment/success"])
def test_only_who_may_see_the_dashboard_is_led_there(client: TestClient, host: FakeHost, path: str) -> None:
    """A buyer gets no link into a place that is closed to them, or that this host may not have."""
    assert 'href="/payment/modal"' in client.get(path).text
    host.signed_in = False
    assert not re.search(r"<a\s", client.get(path).text)


def test_a_host_that_fails_costs_a_buyer_nothing(
    client: TestClient, host: FakeHost, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Who can't be asked about is a stranger; the page stands, and the log says what failed."""

    async def failing(*_: object) -> bool:
        raise OSError("sessions are down")

    monkeypatch.setattr(FakeHost, "authorize", failing)
    answer = client.get(SUCCESS)
    assert (answer.status_code, "/payment/modal" in answer.text) == (200, False)
    assert "OSError" in caplog.text


def test_the_address_stays_here(client: TestClient) -> None:
    """The session id is neither cached, indexed nor told to the next site."""
    headers = client.get(SUCCESS).headers
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["x-robots-tag"] == "noindex"


def test_a_resumable_checkout_is_a_web_address(client: TestClient, payments: FakePayments) -> None:
    """An open checkout can be continued, but only at an address that is a web page."""
    for url, offered in (("https://checkout.example.test/1", True), ("javascript:alert(1)", False)):
        payments.checkouts[SESSION] = checkout(payment_state="unpaid", status="open", checkout_url=url)
        assert ("Continue to checkout" in client.get(SUCCESS).text) is offered
