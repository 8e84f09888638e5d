"""Who may call what: every operation of REST on real rows, for everybody there is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import pytest
from sqlalchemy import select

from overseer_payment import tables
from overseer_payment.host_contract import PERMISSIONS
from overseer_payment.listening import Listener, News, on
from overseer_payment.routes.table import OPS
from overseer_payment.simulator import scenario as play
from tests.routes.fake_payments import TOKEN, FakeHost, FakePayments, application
from tests.service.application import Open
from tests.service.shop import Shop

pytestmark = pytest.mark.anyio
# No database has a say in this.
on_one = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

VIEW, REFUND, MANAGE = "payment.view", "payment.refund", "payment.manage"
DISPUTES, ADMIN = "payment.disputes", "payment.admin"

CALLERS = ("nobody", "eve", "ben", "ada", VIEW, REFUND, MANAGE, DISPUTES, ADMIN)
"""Nobody; users: without rows, with rows of his own, the owner; holders of one permission and no rows."""

ALL = (401, 200, 200, 200, 200, 200, 200, 200, 200)
OWN = (401, 404, 404, 200, 200, 404, 404, 404, 404)  # a row is there for its owner and who sees all
HIS = (401, 404, 404, 200, 403, 404, 404, 404, 404)  # done by its owner, seen by who sees all
SEES = (401, 403, 403, 403, 200, 403, 403, 403, 403)  # nobody's row in particular
RUNS = (401, 403, 403, 403, 403, 403, 403, 403, 200)
DOES = (401, 404, 404, 403, 403, 404, 404, 404, 404)  # nothing is done to a row that one doesn't see

# Operation, what each caller gets, the permission that suffices beside `payment.view` (and without which
# all others don't), body, and what is answered when it was done already by whoever came first.
# In this order, because what ends things comes last.
TABLE: tuple[tuple[str, tuple[int, ...], str | None, dict[str, Any] | None, int], ...] = (
    ("POST /checkout", ALL, None, {"mode": "payment", "price_id": "{price}"}, 200),
    ("GET /checkouts/{session}", OWN, None, None, 200),
    ("POST /checkouts/{open}/expire", HIS, MANAGE, None, 200),
    ("GET /catalog", SEES, VIEW, None, 200),
    ("GET /transactions", ALL, None, None, 200),
    ("GET /transactions/{payment}", OWN, None, None, 200),
    ("POST /refund/{payment}", DOES, REFUND, {}, 409),
    ("GET /subscriptions", ALL, None, None, 200),
    ("GET /subscriptions/{subscription}", OWN, None, None, 200),
    ("GET /subscriptions/{subscription}/upcoming-invoice", OWN, None, None, 200),
    ("POST /subscriptions/{subscription}/change-plan/preview", DOES, MANAGE, {"quantity": 2}, 200),
    ("POST /subscriptions/{subscription}/change-plan", DOES, MANAGE, {"quantity": 2}, 422),
    ("POST /subscriptions/{subscription}/pause", DOES, MANAGE, {}, 409),
    ("POST /subscriptions/{subscription}/resume", DOES, MANAGE, None, 409),
    ("POST /subscriptions/{subscription}/cancel", DOES, MANAGE, {}, 409),
    ("GET /invoices", ALL, None, None, 200),
    ("GET /invoices/{invoice}", OWN, None, None, 200),
    ("GET /disputes", ALL, None, None, 200),
    ("GET /disputes/{dispute}", OWN, None, None, 200),
    ("POST /disputes/{dispute}/files", DOES, DISPUTES, None, 200),
    ("POST /disputes/{dispute}/evidence", DOES, DISPUTES, {"evidence": {"customer_name": "Ada"}}, 200),
    ("POST /disputes/{dispute}/accept", DOES, DISPUTES, None, 409),
    ("GET /customers", ALL, None, None, 200),
    ("GET /customers/{customer}", OWN, None, None, 200),
    ("POST /customers/{customer}/portal", HIS, MANAGE, {}, 200),
    ("GET /status", SEES, VIEW, None, 200),
    ("GET /revenue-timeseries", SEES, VIEW, None, 200),
    ("GET /metrics-summary", SEES, VIEW, None, 200),
    ("GET /metrics-timeseries", SEES, VIEW, None, 200),
    ("GET /mrr-timeseries", SEES, VIEW, None, 200),
    ("GET /export/transactions", ALL, None, None, 200),
    ("GET /export/customers", ALL, None, None, 200),
    ("GET /export/subscriptions", ALL, None, None, 200),
    ("GET /export/invoices", ALL, None, None, 200),
    ("GET /export/disputes", ALL, None, None, 200),
    ("GET /events", SEES, VIEW, None, 200),
    ("GET /events/{event}", RUNS, ADMIN, None, 200),
    ("POST /events/{event}/replay", RUNS, ADMIN, None, 200),
    ("POST /events/{event}/ignore", RUNS, ADMIN, None, 200),
    ("POST /events/replay", RUNS, ADMIN, None, 200),
    ("GET /effects", SEES, VIEW, None, 200),
    ("POST /effects/{effect}/replay", RUNS, ADMIN, None, 200),
    ("GET /operations", SEES, VIEW, None, 200),
    ("GET /webhook-endpoints", RUNS, ADMIN, None, 200),
    ("POST /webhook-endpoints", RUNS, ADMIN, {"url": "https://shop.example/hook"}, 409),
    ("POST /webhook-endpoints/{endpoint}/update", RUNS, ADMIN, None, 200),
    ("POST /webhook-endpoints/{endpoint}/rotate", RUNS, ADMIN, {}, 409),
    ("POST /webhook-endpoints/{endpoint}/delete", RUNS, ADMIN, None, 404),
    ("POST /customers/{customer}/link", DOES, MANAGE, {"user_id": "ada"}, 200),
    ("POST /customers/{customer}/unlink", DOES, MANAGE, None, 200),
    # She is nobody's any more: to her as to every stranger it isn't there.
    ("POST /customers/{customer}/erase", (401, 404, 404, 404, 403, 404, 404, 404, 404), MANAGE, {}, 200),
)
LISTS = ("transactions", "subscriptions", "invoices", "disputes", "customers")
PDF = b"%PDF-1.7\n" + b"." * 100


def test_no_operation_is_left_out() -> None:
    """The table has each operation once, by its path's shape."""
    shaped = sorted((row[0].split()[0], _shape(row[0].split()[1])) for row in TABLE)
    assert shaped == sorted((op.method, _shape(op.path)) for op in OPS)


def _shape(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


@pytest.fixture
def begins() -> datetime:
    """Two days ago: deadlines of disputes are still to come."""
    return datetime.now(UTC) - timedelta(days=2)


@pytest.fixture
async def shop(opened: Open) -> AsyncIterator[Shop]:
    """An application listens that can't take what it is told; nobody does two things within one second."""

    async def tick(_: httpx.Request) -> None:
        made.world.clock.advance(1)

    async with opened(_deaf()) as made:
        made.wire.before = tick
        yield made


def _deaf() -> Listener:
    @on("payment.succeeded", name="deaf")
    async def listen(news: News) -> None:
        raise ValueError("as asked")

    return listen


@pytest.fixture
async def rest(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """The interface; users named after permissions hold those."""
    granted = {name: frozenset({name}) for name in PERMISSIONS}
    granted |= {f"with-{name}": frozenset({name, VIEW}) for name in PERMISSIONS}
    granted |= {f"without-{name}": frozenset(PERMISSIONS) - {name} for name in PERMISSIONS}
    app = application(cast(FakePayments, shop.payments), FakeHost(granted=granted))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://app.test/api/v1/payment") as client:
        yield client


async def ask(
    rest: httpx.AsyncClient, who: str, operation: str, ids: dict[str, str], body: dict[str, Any] | None = None
) -> httpx.Response:
    method, path = operation.split()
    headers = (
        {} if who == "nobody" else {"Authorization": f"Bearer {TOKEN if who == 'token' else 'user-' + who}"}
    )
    if path.endswith("/files"):
        return await rest.request(method, path.format(**ids), headers=headers, content=PDF)
    sent = {name: ids["price"] if value == "{price}" else value for name, value in (body or {}).items()}
    return await rest.request(
        method, path.format(**ids), headers=headers, json=None if body is None else sent
    )


async def bought(shop: Shop, rest: httpx.AsyncClient, who: str, price: str) -> dict[str, str]:
    """A user subscribes, pays something else, and has that disputed; ids of it all."""
    body = {"mode": "subscription", "price_id": price}
    session = (await ask(rest, who, "POST /checkout", {"price": price}, body)).json()["session_id"]
    shop.world.clock.advance(30)
    shop.fill_in(session, email=f"{who}@example.com")
    await shop.settle()
    subscription = shop.world.get("checkout.session", session)["subscription"]
    customer = shop.world.get("subscription", subscription)["customer"]
    form = {"amount": "1000", "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
    form |= {"customer": customer, "return_url": "https://app.example/back"}
    payment, other = [str((await shop.post("payment_intents", **form))["id"]) for _ in range(2)]
    open_ = (await ask(rest, who, "POST /checkout", {"price": price}, body | {"allow_second": True})).json()
    dispute = play.dispute(shop.world, other)["id"]
    await shop.settle()
    invoice = shop.world.get("subscription", subscription)["latest_invoice"]
    return {
        "session": session, "open": open_["session_id"], "subscription": subscription, "customer": customer,
        "payment": payment, "dispute": dispute, "invoice": invoice,
    }  # fmt: skip


@pytest.fixture
async def ids(shop: Shop, rest: httpx.AsyncClient) -> dict[str, str]:
    """What is ada's, beside the same of ben's; an event and an effect that could not be taken."""
    price = await shop.price(1500, "usd", "month")
    ids = await bought(shop, rest, "ada", price)
    await bought(shop, rest, "ben", price)
    poison = {**shop.world.events[-1], "id": "evt_poison", "type": "charge.succeeded", "data": {"object": {}}}
    await shop.receive(poison)
    await shop.drain()
    [event] = await shop.rows(select(tables.event).where(tables.event.c.provider_event_id == "evt_poison"))
    effect = (await shop.rows(tables.effect))[0]
    assert (event["status"], effect["status"]) == ("failed", "failed")
    endpoint = shop.world.find("webhook_endpoint")[0]["id"]
    more = {"event": str(event["id"]), "effect": str(effect["id"]), "endpoint": endpoint}
    return {**ids, **more, "price": await shop.price(900)}


async def test_who_may_call_what(rest: httpx.AsyncClient, ids: dict[str, str]) -> None:
    """Each operation for each caller; then with all but the permission, with just enough, and with all."""
    for operation, expected, permission, body, again in TABLE:
        wanted = dict(zip(CALLERS, expected, strict=True))
        if permission is not None:
            refused = 404 if permission == VIEW and "{" in operation else 403
            wanted |= {f"without-{permission}": refused, f"with-{permission}": 200}
        allowed = 200
        for who, status in {**wanted, "token": 200}.items():
            answer = await ask(rest, who, operation, ids, body)
            said = (operation, who, answer.text[:300])
            assert answer.status_code == (allowed if status == 200 else status), said
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json", said
            if status == 200:
                allowed = again


async def test_lists_hold_what_one_may_see(rest: httpx.AsyncClient, ids: dict[str, str]) -> None:
    """Two users see their own rows, who sees all the rows of both, everybody else nothing; exports alike."""
    for plural in LISTS:
        seen = {}
        for who in ("eve", "ben", "ada", *PERMISSIONS, "token"):
            rows = (await ask(rest, who, f"GET /{plural}", ids)).json()[plural]
            exported = (await ask(rest, who, f"GET /export/{plural}?format=jsonl", ids)).text
            assert len(exported.splitlines()) == len(rows), (plural, who)
            seen[who] = {row["id"] for row in rows}
        assert seen["ada"], plural
        assert seen["ben"], plural
        assert not seen["ada"] & seen["ben"], plural
        assert seen[VIEW] == seen["token"] == seen["ada"] | seen["ben"], plural
        assert not any(seen[who] for who in ("eve", REFUND, MANAGE, DISPUTES, ADMIN)), plural
