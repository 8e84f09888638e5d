"""Invoices, customers, portal, catalogue and checkouts over REST, on the real service and database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest

from overseer_payment.host_contract import PERMISSIONS
from tests.routes.fake_payments import TOKEN, FakeHost, FakePayments, application
from tests.service.shop import Shop

pytestmark = pytest.mark.anyio
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what no database decides: once is enough."""

API = "http://app.test/api/v1/payment"


@pytest.fixture
async def rest(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """The REST interface of the shop, as whoever `_as` says."""
    granted = {"looks": frozenset({"payment.view"}), "manages": frozenset(PERMISSIONS)}
    app = application(cast(FakePayments, shop.payments), FakeHost(granted=granted))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=API) as client:
        yield client


def _as(rest: httpx.AsyncClient, caller: str | None) -> httpx.AsyncClient:
    rest.headers.pop("Authorization", None)
    if caller is not None:
        token = TOKEN if caller == "admin" else f"user-{caller}"
        rest.headers["Authorization"] = f"Bearer {token}"
    return rest


async def _subscribed(shop: Shop, rest: httpx.AsyncClient) -> dict[str, str]:
    """What belongs to ada after she subscribed: ids for the paths."""
    price = await shop.price(1500, "usd", "month")
    opened = await _as(rest, "ada").post("/checkout", json={"mode": "subscription", "price_id": price})
    assert opened.status_code == 200, opened.text
    session = opened.json()["session_id"]
    shop.world.clock.advance(30)
    shop.fill_in(session)
    await shop.settle()
    return {
        "session": session,
        "customer": shop.world.find("customer")[0]["id"],
        "subscription": shop.world.find("subscription")[0]["id"],
        "invoice": shop.world.find("invoice")[0]["id"],
    }


# Path, body, and the status for: nobody, the owner, a stranger, who only looks, who manages, the token.
_MATRIX: tuple[tuple[str, str, dict[str, Any] | None, tuple[int, ...]], ...] = (
    ("GET", "/invoices", None, (401, 200, 200, 200, 200, 200)),
    ("GET", "/invoices/{invoice}", None, (401, 200, 404, 200, 200, 200)),
    ("GET", "/subscriptions/{subscription}/upcoming-invoice", None, (401, 200, 404, 200, 200, 200)),
    ("POST", "/customers/{customer}/portal", {}, (401, 200, 404, 403, 200, 200)),
    ("POST", "/customers/{customer}/link", {"user_id": "ada"}, (401, 403, 404, 403, 200, 200)),
    ("GET", "/catalog", None, (401, 403, 403, 200, 200, 200)),
    ("POST", "/checkouts/{session}/expire", None, (401, 409, 404, 403, 409, 409)),
    # What ends things comes last; after it the owner is none any more.
    ("POST", "/customers/{customer}/unlink", None, (401, 403, 404, 403, 200, 200)),
    ("POST", "/customers/{customer}/erase", {}, (401, 404, 404, 403, 200, 200)),
)
_CALLERS = (None, "ada", "ben", "looks", "manages", "admin")


async def test_who_may_call_what(shop: Shop, rest: httpx.AsyncClient) -> None:
    """Every operation as nobody, owner, stranger, staff of two kinds and a program."""
    ids = await _subscribed(shop, rest)
    for method, path, body, statuses in _MATRIX:
        for caller, wanted in zip(_CALLERS, statuses, strict=True):
            answer = await _as(rest, caller).request(method, path.format(**ids), json=body)
            assert answer.status_code == wanted, (caller, method, path, answer.text)
            if wanted >= 400:
                assert answer.headers["content-type"] == "application/problem+json"


@on_sqlite
async def test_invoices_are_listed_filtered_and_seen(shop: Shop, rest: httpx.AsyncClient) -> None:
    """The contract's shape: rows under `invoices`, a cursor; unknown values of a filter are 422."""
    ids = await _subscribed(shop, rest)
    listed = (await _as(rest, "admin").get("/invoices", params={"status": "paid"})).json()
    assert listed["next_cursor"] is None
    (row,) = listed["invoices"]
    assert (row["provider_invoice_id"], row["total"], row["currency"]) == (ids["invoice"], 1500, "usd")
    for name, id in (("subscription_id", ids["subscription"]), ("customer_id", ids["customer"])):
        assert (await rest.get("/invoices", params={name: id})).json()["invoices"] == [row]
    assert (await rest.get("/invoices?status=lost")).status_code == 422
    detail = (await rest.get(f"/invoices/{row['id']}")).json()
    assert [attempt["status"] for attempt in detail["attempts"]] == ["succeeded"]
    following = (await rest.get(f"/subscriptions/{ids['subscription']}/upcoming-invoice")).json()
    assert (following["amount_due"], len(following["lines"])) == (1500, 1)
    stranger = (await _as(rest, "ben").get("/invoices")).json()
    assert stranger == {"invoices": [], "next_cursor": None}


@on_sqlite
async def test_a_portal_leads_where_it_may(shop: Shop, rest: httpx.AsyncClient) -> None:
    """Without a body to our own page; a foreign host is 422."""
    ids = await _subscribed(shop, rest)
    path = f"/customers/{ids['customer']}/portal"
    assert (await rest.post(path)).json()["url"].startswith("http")
    refused = await rest.post(path, json={"return_url": "https://evil.example/"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")


@on_sqlite
async def test_a_provider_that_is_away_is_503_with_when_to_ask_again(
    shop: Shop, rest: httpx.AsyncClient
) -> None:
    """A problem with `Retry-After`, for portal, checkout and refund: ours, or as the provider says."""
    ids = await _subscribed(shop, rest)
    writes: dict[str, dict[str, str]] = {
        f"/customers/{ids['customer']}/portal": {},
        "/checkout": {"mode": "payment", "price_id": await shop.price()},
        f"/refund/{ids['session']}": {},
    }

    async def told() -> set[tuple[int, str, str, str]]:
        answers = [await _as(rest, "manages").post(path, json=body) for path, body in writes.items()]
        heads = [(a.headers["content-type"], a.headers["retry-after"]) for a in answers]
        return {(a.status_code, a.json()["code"], *head) for a, head in zip(answers, heads, strict=True)}

    shop.wire.down = True
    assert await told() == {(503, "provider_unavailable", "application/problem+json", "10")}
    shop.wire.down = False
    shop.world.faults.answer(429, "POST", "*", times=None, headers={"Retry-After": "77"})
    assert await told() == {(503, "provider_rate_limited", "application/problem+json", "77")}
    assert shop.made("refund") == shop.made("billing_portal.session") == 0


async def test_a_key_refunds_once_and_for_one_amount(shop: Shop, rest: httpx.AsyncClient) -> None:
    """The same key again: the same row, one refund at the provider; with another amount 409, nothing sent."""
    intent, key = await shop.pay(1000), {"Idempotency-Key": "k"}
    await shop.settle()
    path = f"/refund/{intent}"
    _as(rest, "manages")
    first = await rest.post(path, json={"amount": 400}, headers=key)
    again = await rest.post(path, json={"amount": 400}, headers=key)
    assert (first.status_code, first.json()["amount"]) == (200, 400)
    assert (again.status_code, again.json()) == (200, first.json())
    other = await rest.post(path, json={"amount": 500}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    assert [refund["amount"] for refund in shop.world.find("refund")] == [400]
    assert len(shop.requests("POST", "/v1/refunds")) == 1
    assert (await rest.get(f"/transactions/{intent}")).json()["amount_refunded"] == 400
    # Without it, or under another, it is another refund.
    assert (await rest.post(path, json={"amount": 400})).json()["id"] != first.json()["id"]


@on_sqlite
async def test_a_key_erases_once_and_for_one_thing(shop: Shop, rest: httpx.AsyncClient) -> None:
    """The same key again answers the same; with another wish it is 409."""
    ids = await _subscribed(shop, rest)
    path, key = f"/customers/{ids['customer']}/erase", {"Idempotency-Key": "k"}
    _as(rest, "manages")
    first = await rest.post(path, json={}, headers=key)
    again = await rest.post(path, json={}, headers=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["customer"] == again.json()["customer"]
    assert first.json()["customer"]["email"] is None
    other = await rest.post(path, json={"at_provider": True}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


@on_sqlite
async def test_a_checkout_with_terms_is_opened_replayed_and_closed(
    shop: Shop, rest: httpx.AsyncClient
) -> None:
    """Codes, an end and metadata over REST; the replay after payment is 200 with the first answer."""
    body = {
        "mode": "payment",
        "price_id": await shop.price(),
        "allow_promotion_codes": True,
        "collect_tax_id": True,
        "metadata": {"order": "7"},
    }
    _as(rest, "ada")
    first = await rest.post("/checkout", json=body, headers={"Idempotency-Key": "k"})
    session = first.json()["session_id"]
    shop.world.clock.advance(30)
    shop.fill_in(session)
    await shop.settle()
    again = await rest.post("/checkout", json=body, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()) == (200, first.json())
    second = (await rest.post("/checkout", json=body)).json()["session_id"]
    shop.world.clock.advance(5)
    closed = await rest.post(f"/checkouts/{second}/expire")
    assert (closed.status_code, closed.json()["status"]) == (200, "expired")
    for wrong in ({"expires_at": "soon"}, {"customer_email": "nobody"}, {"discount": ""}):
        assert (await rest.post("/checkout", json={**body, **wrong})).status_code == 422


@on_sqlite
async def test_a_second_subscription_is_409(shop: Shop, rest: httpx.AsyncClient) -> None:
    """With its own code, and the way around it in the sentence."""
    await _subscribed(shop, rest)
    body = {"mode": "subscription", "price_id": await shop.price(1500, "usd", "month")}
    refused = await _as(rest, "ada").post("/checkout", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "already_subscribed")
    assert "allow_second" in refused.json()["detail"]
    assert (await rest.post("/checkout", json={**body, "allow_second": True})).status_code == 200


@on_sqlite
async def test_the_catalogue_is_paged_over_rest(shop: Shop, rest: httpx.AsyncClient) -> None:
    """`limit`, `cursor` and `product_id`; products beside prices; a page as the contract has it."""
    for amount in (100, 200, 300):
        shop.world.clock.advance(1)
        await shop.price(amount, "jpy")
    first = (await _as(rest, "admin").get("/catalog?limit=2")).json()
    rest_of = (await rest.get("/catalog", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [price["amount"] for price in (*first["prices"], *rest_of["prices"])] == [300, 200, 100]
    assert first["products"][0]["name"] == "Growth"
    product = first["prices"][0]["product_id"]
    assert len((await rest.get("/catalog", params={"product_id": product})).json()["prices"]) == 1
    assert (await rest.get("/catalog?limit=0")).status_code == 422
