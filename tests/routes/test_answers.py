"""What a good request is answered, and what of it reaches the façade."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from overseer_payment.routes.op import PREFIX
from overseer_payment.schemas import RefundBody, RevenueQuery, TransactionQuery, TransactionState
from tests.routes.fake_payments import FakePayments


@pytest.mark.parametrize("plural", ["transactions", "subscriptions", "customers"])
def test_list_is_under_its_plural(admin: TestClient, plural: str) -> None:
    """A list has exactly its rows and the cursor."""
    answer = admin.get(f"{PREFIX}/{plural}").json()
    assert set(answer) == {plural, "next_cursor"}
    assert len(answer[plural]) == 1


def test_cursor_leads_to_the_last_page(admin: TestClient) -> None:
    """The cursor of one page is handed to the façade for the next, which ends with null."""
    first = admin.get(f"{PREFIX}/transactions").json()["next_cursor"]
    assert first == "more"
    assert admin.get(f"{PREFIX}/transactions", params={"cursor": first}).json()["next_cursor"] is None


def test_row_has_the_documented_fields(admin: TestClient) -> None:
    """A transaction has every field that users script against, and moments end in Z."""
    row = admin.get(f"{PREFIX}/transactions").json()["transactions"][0]
    assert set(row) >= {
        "id", "provider", "livemode", "provider_transaction_id", "type", "status", "amount",
        "amount_refunded", "amount_disputed", "currency", "customer_id", "subscription_id", "invoice_id",
        "parent_id", "description", "occurred_at", "created_at",
    }  # fmt: skip
    assert row["occurred_at"] == "2026-11-02T09:30:00Z"


def test_detail_has_refunds_disputes_and_timeline(admin: TestClient) -> None:
    """One transaction is its row plus what hangs on it."""
    detail = admin.get(f"{PREFIX}/transactions/pi_1").json()
    assert {"refunds", "disputes", "timeline"} <= set(detail)


def test_filters_reach_the_facade(admin: TestClient, payments: FakePayments) -> None:
    """Filters are typed, a currency in lower case, and defaults are the documented ones."""
    params = {"status": "succeeded", "currency": "EUR", "q": "ada", "customer_id": "cus_1", "limit": "5"}
    assert admin.get(f"{PREFIX}/transactions", params=params).status_code == 200
    wanted = TransactionQuery(
        status=TransactionState.SUCCEEDED, currency="eur", q="ada", customer_id="cus_1", limit=5
    )
    admin.get(f"{PREFIX}/revenue-timeseries?days=30&currency=")
    assert payments.calls == [("transactions", wanted), ("revenue", RevenueQuery(days=30))]


@pytest.mark.parametrize(
    "text", ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05", "2026-01-02T05:04:05+02:00", "1767323045"]
)
def test_moments_are_utc(admin: TestClient, payments: FakePayments, text: str) -> None:
    """Whatever form a moment has, the façade gets it in UTC; without an offset it is UTC already."""
    admin.get(f"{PREFIX}/transactions", params={"occurred_after": text})
    moment = payments.calls[-1][1].occurred_after
    assert moment == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert moment.tzinfo is UTC or moment.utcoffset().total_seconds() == 0


def test_checkout_answers_session_and_url(admin: TestClient, payments: FakePayments) -> None:
    """A checkout is answered with 200 and exactly the two documented fields."""
    body = {"mode": "subscription", "price_id": "price_1", "quantity": 2, "metadata": {"order": "1"}}
    response = admin.post(f"{PREFIX}/checkout", json=body, headers={"Idempotency-Key": "k 1"})
    assert response.status_code == 200
    assert set(response.json()) == {"session_id", "checkout_url"}
    _, given, key = payments.calls[-1][1]
    assert given.model_dump(exclude_unset=True) == {**body, "mode": given.mode}
    assert key == "k 1"


@pytest.mark.parametrize(("given", "taken"), [(3, "3"), ("3", "3"), ("cus_1", "cus_1")])
def test_a_checkout_takes_the_customer_that_a_row_names(
    admin: TestClient, payments: FakePayments, given: int | str, taken: str
) -> None:
    """Rows tell `customer_id` as a number, and that number is taken; so are text and the provider's id."""
    body = {"mode": "payment", "price_id": "price_1", "customer_id": given}
    assert admin.post(f"{PREFIX}/checkout", json=body).status_code == 200
    assert payments.calls[-1][1][1].customer_id == taken


@pytest.mark.parametrize("content", [b"", b"{}"])
def test_refund_without_a_body_is_of_all_that_remains(
    admin: TestClient, payments: FakePayments, content: bytes
) -> None:
    """An empty body and an empty object both leave the amount to the façade."""
    headers = {"Content-Type": "application/json"} if content else {}
    response = admin.post(f"{PREFIX}/refund/7", content=content, headers=headers)
    assert response.json()["amount"] == 1000
    assert payments.calls[-1] == ("refund", ("token", RefundBody.model_validate({}), None))


def test_refund_outcomes(admin: TestClient) -> None:
    """The row, then 422 for more than remains, then 409 when nothing is left; one key, one refund."""
    url = f"{PREFIX}/refund/7"
    once = {"Idempotency-Key": "a"}
    row = admin.post(url, json={"amount": 400}, headers=once).json()
    assert (row["type"], row["amount"], row["parent_id"]) == ("refund", 400, 7)
    assert admin.post(url, json={"amount": 400}, headers=once).json() == row
    assert admin.post(url, json={"amount": 700}).json()["code"] == "more_than_remains"
    assert admin.post(url, json={"amount": 600}).status_code == 200
    assert admin.post(url, json={}).status_code == 409


def test_integral_number_is_an_integer(admin: TestClient, payments: FakePayments) -> None:
    """JSON knows one kind of number: 400.0 is 400."""
    response = admin.post(
        f"{PREFIX}/refund/7", content=b'{"amount": 400.0}', headers={"Content-Type": "application/json"}
    )
    assert response.json()["amount"] == 400
    assert type(payments.calls[-1][1][1].amount) is int
