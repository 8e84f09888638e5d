"""Giving money back: the exact sum is stated first, sent once, and its true result shown."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from overseer_payment.errors import (
    Conflict,
    OutcomeUnknown,
    PaymentError,
    ProviderRejected,
    ProviderUnavailable,
)
from overseer_payment.schemas import TransactionState
from tests.cards.fake_payments import FakePayments
from tests.cards.fakes import TOKEN, FakeHost
from tests.cards.rows import transaction

REFUND = "/payment/transactions/2/refund"
FORM = {"csrf_token": TOKEN, "key": "ui-0123456789abcdefghij", "amount": "5.00", "reason": "duplicate"}


def key_of(html: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', html)
    assert found
    return found[1]


def test_the_confirmation_states_the_sum_and_changes_nothing(
    client: TestClient, payments: FakePayments
) -> None:
    """What goes back, what stays, for what and why, before anything is sent."""
    html = client.get(f"{REFUND}?amount=5&reason=duplicate").text
    for said in (
        "Refund 5.00 USD?",
        "31.50 USD of this payment can still",
        "Grace Hopper",
        "Duplicate payment",
    ):
        assert said in html
    assert not payments.refunds


def test_a_refund_is_sent_and_the_payment_tells_its_state(client: TestClient, payments: FakePayments) -> None:
    """303 to the payment, which then says what is true."""
    sent = client.post(REFUND, data=FORM)
    assert sent.status_code == 303
    assert (payments.bodies[0].amount, payments.bodies[0].reason) == (500, "duplicate")
    page = client.get(sent.headers["location"]).text
    assert "5.00 USD refunded." in page
    assert "31.50 USD" in page


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("pending", "has not confirmed it yet"),
        ("failed", "did not go through"),
        ("succeeded", "1.00 USD refunded."),
    ],
)
def test_the_result_is_the_refunds_own_state(
    client: TestClient, payments: FakePayments, state: str, says: str
) -> None:
    """A pending or failed refund is never called refunded."""
    made = transaction(77, type="refund", parent_id=2, amount=100, status=TransactionState(state))
    payments.payments[1] = payments.payments[1].model_copy(update={"refunds": [made]})
    assert says in client.get("/payment/transactions/2?refund=77").text


def test_two_clicks_are_one_refund(client: TestClient, payments: FakePayments) -> None:
    """The form's key goes with every click, also when the first one took all that remained."""
    whole = {**FORM, "amount": "36.50"}
    first, second = client.post(REFUND, data=whole), client.post(REFUND, data=whole)
    assert first.headers["location"] == second.headers["location"]
    assert len(payments.refunds) == 1


def test_every_form_has_a_key_of_its_own(client: TestClient) -> None:
    """A second intent is a second key."""
    assert key_of(client.get(REFUND).text) != key_of(client.get(REFUND).text)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("36.51", "more than remains: 36.50 USD"),
        ("5,00", "Write it like 12.50"),
        ("-1", "Write it like 12.50"),
        ("1e3", "Write it like 12.50"),
        ("0", "above zero"),
        ("1.005", "2 decimals"),
    ],
)
def test_amounts_are_read_exactly_or_refused(client: TestClient, typed: str, says: str) -> None:
    """422 beside the field, with what was typed still in it."""
    answer = client.get(REFUND, params={"amount": typed})
    assert answer.status_code == 422
    assert says in answer.text
    assert f'value="{typed}"' in answer.text


def test_an_amount_follows_its_currencys_rule(client: TestClient) -> None:
    """Dinars have three decimals and go in steps of ten fils at this provider."""
    assert "1.230 KWD" in client.get("/payment/transactions/7/refund?amount=1.23").text
    assert client.get("/payment/transactions/7/refund?amount=1.234").status_code == 422


def test_an_empty_amount_is_all_that_remains(client: TestClient) -> None:
    """No amount means the remainder, and the page says which sum that is."""
    assert "Refund 36.50 USD?" in client.get(REFUND).text


@pytest.mark.parametrize("token", [None, "", "forged"])
def test_a_forged_form_does_nothing(client: TestClient, payments: FakePayments, token: str | None) -> None:
    """With a cookie, a write needs the page's token."""
    form = {name: value for name, value in {**FORM, "csrf_token": token}.items() if value is not None}
    answer = client.post(REFUND, data=form)
    assert answer.status_code == 403
    assert "Nothing was done" in answer.text
    assert not payments.refunds


def test_a_program_with_a_token_needs_no_csrf(
    client: TestClient, payments: FakePayments, host: FakeHost
) -> None:
    """What no browser sends by itself can't be forged."""
    host.by_cookie = False
    assert client.post(REFUND, data={**FORM, "csrf_token": ""}).status_code == 303


@pytest.mark.parametrize("key", ["", "short", "spaces are not allowed here", "x" * 200])
def test_a_form_without_its_key_is_refused(client: TestClient, payments: FakePayments, key: str) -> None:
    """No key, no write: nothing could tell a second click from a second intent."""
    assert client.post(REFUND, data={**FORM, "key": key}).status_code == 422
    assert not payments.refunds


def test_large_and_foreign_bodies_are_refused(client: TestClient, payments: FakePayments) -> None:
    """A form is small and urlencoded; anything else is not ours."""
    assert client.post(REFUND, data={**FORM, "reason": "x" * 20_000}).status_code == 413
    assert client.post(REFUND, json=FORM).status_code == 422
    assert not payments.refunds


@pytest.mark.parametrize(
    ("error", "status", "says", "again"),
    [
        (ProviderRejected("The bank refused the refund."), 422, "Nothing was refunded", False),
        (Conflict("Nothing is left to refund."), 409, "Nothing was refunded", False),
        (ProviderUnavailable("Stripe can't be reached."), 503, "Nothing was refunded", True),
        (OutcomeUnknown("Stripe did not answer in time."), 503, "know yet whether", True),
    ],
)
def test_a_refusal_is_told_as_it_is(
    client: TestClient, payments: FakePayments, error: PaymentError, status: int, says: str, again: bool
) -> None:
    """The provider's sentence, whether money moved, and the same key again where that settles it."""
    payments.refusing = error
    answer = client.post(REFUND, data=FORM)
    assert answer.status_code == status
    assert says in answer.text
    assert error.detail.replace("'", "&#39;") in answer.text
    assert (f'value="{FORM["key"]}"' in answer.text) is again


def test_live_refunds_say_that_money_moves(client: TestClient, payments: FakePayments) -> None:
    """Live and not live read differently where it counts."""
    assert "no real money moves" in client.get(REFUND).text
    payments.payments[1] = payments.payments[1].model_copy(update={"livemode": True})
    assert "This is live: real money moves." in client.get(REFUND).text
