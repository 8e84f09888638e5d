"""Changing subscriptions over REST, on the real service and database: what is answered, and to whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest

from tests.routes.fake_payments import TOKEN, FakeHost, FakePayments, application
from tests.service.shop import OPERATOR, Shop

pytestmark = pytest.mark.anyio

WRITES: dict[str, dict[str, Any]] = {
    "cancel": {},
    "resume": {},
    "pause": {"behavior": "keep_as_draft"},
    "change-plan": {"quantity": 3},
    "change-plan/preview": {"quantity": 3},
}


@pytest.fixture
async def rest(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """The REST interface of the shop for anybody; `user-staff` may look at everything and change nothing."""
    host = FakeHost(granted={"staff": frozenset({"payment.view"})})
    app = application(cast(FakePayments, shop.payments), host)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://app.test/api/v1/payment/subscriptions"
    ) as client:
        yield client


async def _post(rest: httpx.AsyncClient, path: str, who: str = TOKEN, **body: Any) -> httpx.Response:
    return await rest.post(path, json=body, headers={"Authorization": f"Bearer {who}"} if who else {})


async def _row(rest: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    answer = await _post(rest, path, **body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_each_really_changes_the_provider_and_answers_the_row(
    shop: Shop, rest: httpx.AsyncClient, sub: str
) -> None:
    """Preview, change, pause, resume, cancel, cancel now: then the provider holds what was answered."""
    id = (await shop.payments.subscription(OPERATOR, sub)).id
    price = await shop.price(3000, "usd", "month")
    preview = await _row(rest, f"/{id}/change-plan/preview", new_price_id=price, quantity=2)
    assert (preview["due_now"], preview["currency"]) == (0, "usd")
    assert preview["next_invoice"]["amount_due"] == 6000 + 4500
    row = await _row(rest, f"/{id}/change-plan", new_price_id=price, quantity=2)
    assert (row["amount"], row["quantity"], row["plan_name"]) == (6000, 2, "Growth")
    assert (await _row(rest, f"/{sub}/pause", behavior="void"))["collection_paused"]
    assert not (await _row(rest, f"/{sub}/resume"))["collection_paused"]
    assert (await _row(rest, f"/{sub}/cancel"))["cancel_at_period_end"]
    row = await _row(rest, f"/{sub}/cancel", at_period_end=False)
    assert row["status"] == shop.world.get("subscription", sub)["status"] == "canceled"
    again = await _post(rest, f"/{sub}/cancel")
    assert (again.status_code, again.headers["content-type"]) == (409, "application/problem+json")


async def test_a_key_makes_it_once(shop: Shop, rest: httpx.AsyncClient, sub: str) -> None:
    """The header is honoured: the same answer again, one request to the provider."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": "once"}
    answers = [
        (await rest.post(f"/{sub}/cancel", json={"at_period_end": False}, headers=headers)).json()
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert len(shop.requests("DELETE", "/v1/subscriptions")) == 1


async def test_who_may(shop: Shop, rest: httpx.AsyncClient, sub: str) -> None:
    """Nobody signed in 401, a stranger 404, staff without the permission 403; nothing is sent for them."""
    sent = len(shop.world.requests)
    for path, body in WRITES.items():
        for who, status in (("", 401), ("user-8", 404), ("user-staff", 403)):
            assert (await _post(rest, f"/{sub}/{path}", who, **body)).status_code == status, (path, who)
        assert (await _post(rest, f"/sub_none/{path}", **body)).status_code == 404
    assert len(shop.world.requests) == sent


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("cancel", {"when": "now"}),
    ("pause", {"behavior": "forget"}),
    ("pause", {"kind": "subscription", "behavior": "void"}),
    ("pause", {"resumes_at": "2026-12-20T00:00:00"}),
    ("change-plan", {}),
    ("change-plan", {"quantity": 0}),
    ("change-plan", {"quantity": 2, "proration_behavior": "always"}),
    ("change-plan/preview", {"quantity": 1}),
]


async def test_what_makes_no_sense_is_refused(rest: httpx.AsyncClient, sub: str) -> None:
    """Unknown fields and values, a moment without a zone, nothing to change: 422, in one sentence."""
    for path, body in REFUSED:
        answer = await _post(rest, f"/{sub}/{path}", **body)
        assert (answer.status_code, bool(answer.json()["detail"])) == (422, True), (path, body)
