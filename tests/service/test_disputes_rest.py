"""Disputes over REST, on the real service and database: what is answered, and to whom."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import pytest
from sqlalchemy import update

from overseer_payment import tables
from overseer_payment.database import write
from overseer_payment.simulator import scenario as play
from tests.routes.fake_payments import TOKEN, FakeHost, FakePayments, application
from tests.service.shop import Shop

pytestmark = pytest.mark.anyio

PDF = b"%PDF-1.7\n" + b"." * 100
# What no database has a say in is proved on one of them.
on_one = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def begins() -> datetime:
    """Two days ago: deadlines of disputes are still to come."""
    return datetime.now(UTC) - timedelta(days=2)


@pytest.fixture
async def rest(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """The REST interface of the shop for anybody; `user-staff` may look at everything and answer nothing."""
    host = FakeHost(granted={"staff": frozenset({"payment.view", "payment.refund"})})
    app = application(cast(FakePayments, shop.payments), host)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://app.test/api/v1/payment"
    ) as client:
        yield client


async def disputed(shop: Shop, **more: Any) -> str:
    opened = play.dispute(shop.world, await shop.pay(1000), **more)
    await shop.settle()
    return str(opened["id"])


async def get(rest: httpx.AsyncClient, path: str, who: str = TOKEN) -> httpx.Response:
    return await rest.get(path, headers={"Authorization": f"Bearer {who}"} if who else {})


async def post(rest: httpx.AsyncClient, path: str, who: str = TOKEN, **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {who}"} if who else {}
    return await rest.post(path, **{**more, "headers": {**headers, **more.get("headers", {})}})


async def test_a_dispute_is_found_answered_and_won(shop: Shop, rest: httpx.AsyncClient) -> None:
    """List, look, upload, stage, submit: each answers what the provider then holds."""
    id = await disputed(shop, reason="product_not_received")
    (row,) = (await get(rest, "/disputes?status=open&kind=chargeback&currency=USD")).json()["disputes"]
    assert (row["provider_dispute_id"], row["deadline"], row["can_respond"]) == (id, "open", True)
    assert (await get(rest, "/disputes?due_soon=true")).json() == {"disputes": [], "next_cursor": None}
    detail = (await get(rest, f"/disputes/{row['id']}")).json()
    assert {"receipt", "customer_name"} <= {field["name"] for field in detail["form"]["fields"]}
    file = await post(rest, f"/disputes/{id}/files?name=receipt.pdf", content=PDF)
    assert (file.json()["media_type"], file.json()["name"]) == ("application/pdf", "receipt.pdf")
    told = {"receipt": file.json()["id"], "uncategorized_text": "winning_evidence"}
    staged = await post(rest, f"/disputes/{id}/evidence", json={"evidence": told})
    assert (staged.json()["evidence"], staged.json()["status"]) == (told, "needs_response")
    submitted = await post(rest, f"/disputes/{id}/evidence", json={"submit": True})
    assert submitted.status_code == 200
    await shop.settle()
    assert (await get(rest, f"/disputes/{id}")).json()["status"] == "won"
    payment = (await get(rest, f"/transactions/{row['transaction_id']}")).json()
    assert [(one["id"], one["status"]) for one in payment["disputes"]] == [(row["id"], "won")]
    titles = {entry["title"] for entry in payment["timeline"]}
    assert titles >= {"Evidence staged", "Evidence submitted", "Evidence file uploaded"}


async def test_accepting_is_final_and_refunds_are_told(shop: Shop, rest: httpx.AsyncClient) -> None:
    """409 with a code that says what to do instead; an inquiry is refunded in the end."""
    id = await disputed(shop)
    lost = await post(rest, f"/disputes/{id}/accept", headers={"Idempotency-Key": "once"})
    again = await post(rest, f"/disputes/{id}/accept", headers={"Idempotency-Key": "once"})
    assert lost.json()["status"] == again.json()["status"] == "lost"
    over = await post(rest, f"/disputes/{id}/accept")
    assert (over.status_code, over.json()["code"]) == (409, "dispute_closed")
    inquiry = await disputed(shop, kind="inquiry")
    instead = await post(rest, f"/disputes/{inquiry}/accept")
    assert (instead.status_code, instead.json()["code"]) == (409, "refund_instead")
    row = (await get(rest, f"/disputes/{inquiry}")).json()
    assert (await post(rest, f"/refund/{row['transaction_id']}")).status_code == 200
    await shop.settle()
    assert (await get(rest, f"/disputes/{inquiry}")).json()["status"] == "closed"


@on_one
async def test_requests_are_read_strictly_and_whole(shop: Shop, rest: httpx.AsyncClient) -> None:
    """Long evidence is read; too much is 413, another type 415, unknown names 422, each as a problem."""
    id = await disputed(shop)
    long = dict.fromkeys(("customer_name", "billing_address", "access_activity_log"), "é" * 19000)
    assert len(json.dumps({"evidence": long})) > 300_000
    assert (await post(rest, f"/disputes/{id}/evidence", json={"evidence": long})).status_code == 200
    wrong = [
        (await post(rest, f"/disputes/{id}/evidence", content=b"x" * (2 * 1024 * 1024 + 1)), 413),
        (await post(rest, f"/disputes/{id}/files", content=PDF + b"." * 5 * 1024 * 1024), 413),
        (await post(rest, f"/disputes/{id}/files", content=b"GIF89a"), 415),
        (await post(rest, f"/disputes/{id}/files", content=b""), 422),
        (await post(rest, f"/disputes/{id}/files?name=../etc/passwd", content=PDF), 422),
        (await post(rest, f"/disputes/{id}/evidence", json={"evidence": {"nonsense": "x"}}), 422),
        (await post(rest, f"/disputes/{id}/evidence", json={"evidence": {"receipt": 7}}), 422),
        (await post(rest, f"/disputes/{id}/evidence", json={"submitted": True}), 422),
        (await get(rest, "/disputes?status=waiting"), 422),
        (await get(rest, "/disputes?currency=xyz"), 422),
        (await get(rest, "/disputes?cursor=nonsense"), 422),
    ]
    for answer, status in wrong:
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert shop.world.find("file") == []


async def test_who_may_see_and_do_what(shop: Shop, rest: httpx.AsyncClient) -> None:
    """Nobody 401; staff without the permission 403; owners see their own and answer nothing; others 404."""
    customer = (await shop.post("customers", name="Ada"))["id"]
    form = {"amount": "1000", "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
    form |= {"customer": customer, "return_url": "https://app.example/back"}
    intent = (await shop.post("payment_intents", **form))["id"]
    warning = play.warn_of_fraud(shop.world, intent)["id"]
    own = play.dispute(shop.world, intent)["id"]
    other = await disputed(shop)
    async with write(shop.engine) as connection:
        await connection.execute(update(tables.customer).values(user_id="ada"))
    paths = [f"/disputes/{own}/accept", f"/disputes/{own}/evidence", f"/disputes/{own}/files"]
    for path in (*paths, "/disputes/du_absent/accept"):
        assert (await post(rest, path, "")).status_code == 401
    for path in paths:
        assert (await post(rest, path, "user-staff")).status_code == 403
        assert (await post(rest, path, "user-ada")).status_code == 403
        assert (await post(rest, path, "user-eve")).status_code == 404
    assert (await post(rest, f"/disputes/{warning}/accept", "user-ada")).status_code == 404
    assert (await get(rest, "/disputes", "")).status_code == 401
    seen = (await get(rest, "/disputes", "user-ada")).json()["disputes"]
    assert [row["provider_dispute_id"] for row in seen] == [own]
    assert len((await get(rest, "/disputes", "user-staff")).json()["disputes"]) == 3
    assert (await get(rest, "/disputes", "user-eve")).json()["disputes"] == []
    for hidden in (warning, other):
        assert (await get(rest, f"/disputes/{hidden}", "user-ada")).status_code == 404
    assert shop.requests("POST", "/v1/disputes") == []
