"""The hosted pages: a person can pay, fail, try again and go back; nothing on them needs a script."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from overseer_payment.simulator import World, assert_contract, create_app, transport
from overseer_payment.simulator import scenario as play
from tests.simulator.resources_kit import DAY, booked, logged

SHOP = "https://shop.example.com"
ADA = {"email": "ada@example.com", "name": "Ada Lovelace"}
CARD = {"kind": "card", "number": "4242 4242 4242 4242", "expiry": "12 / 30", "cvc": "123"}


@pytest.fixture
async def browser_like(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key, at the address at which pages live."""
    async with httpx.AsyncClient(transport=transport(world), base_url=world.public_url) as client:
        yield client


def opened(world: World, amount: int = 2400, currency: str = "usd", **more: Any) -> dict[str, Any]:
    price = play.offer(world, "Poster <b>", amount, currency, interval=more.pop("interval", None))
    return play.open_checkout(world, price, **more)


def paying(**changes: str) -> dict[str, str]:
    return {**ADA, **CARD, **changes}


@pytest.mark.anyio
async def test_the_page_says_what_is_bought_from_whom(world: World, browser_like: httpx.AsyncClient) -> None:
    """Merchant, items, exact sums and the way back; names are escaped."""
    world.settings["merchant"] = "Poster Shop"
    answer = await browser_like.get(opened(world, quantity=2)["url"])
    assert answer.status_code == 200
    for text in (
        "Poster Shop",
        "Poster &lt;b&gt;",
        "× 2",
        "$24.00 each",
        "$48.00",
        f'href="{SHOP}/"',
        "Test mode",
    ):
        assert text in answer.text


@pytest.mark.anyio
async def test_pages_hold_no_script_and_forbid_it(world: World, browser_like: httpx.AsyncClient) -> None:
    """A strict policy that allows the redirect to the shop after the form, and nothing inline to break it."""
    answer = await browser_like.get(opened(world)["url"])
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert f"form-action 'self' {SHOP}" in policy
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", answer.text)
    sheet = re.search(r'href="([^"]+\.css)"', answer.text)
    assert sheet is not None
    assert (await browser_like.get(sheet[1])).headers["content-type"].startswith("text/css")


@pytest.mark.anyio
async def test_paying_leads_back_to_the_shop(world: World, browser_like: httpx.AsyncClient) -> None:
    """303 to the success address with the session's id in it; the payment carries what was written."""
    session = opened(world)
    with logged(world) as log:
        answer = await browser_like.post(session["url"], data=paying(country="GB", postal_code="N1"))
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{SHOP}/thanks?session_id={session['id']}"
    assert log[-1] == "checkout.session.completed"
    details = log.of("charge.succeeded")[0]["billing_details"]
    assert (details["email"], details["name"], details["address"]["country"]) == (*ADA.values(), "GB")
    assert booked(world) == 2400


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("4000 0000 0000 0002", "Your card was declined."),
        ("4000000000009995", "Your card has insufficient funds."),
    ],
)
async def test_a_decline_says_why_and_keeps_what_was_written(
    world: World, browser_like: httpx.AsyncClient, number: str, reason: str
) -> None:
    """Nothing is lost but the attempt; the next one can succeed."""
    session = opened(world)
    answer = await browser_like.post(session["url"], data=paying(number=number))
    assert 'role="alert"' in answer.text
    assert reason in answer.text
    assert 'value="ada@example.com"' in answer.text
    assert session["status"] == "open"
    assert (await browser_like.post(session["url"], data=paying())).status_code == 303


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "ada"}, "email"),
        ({"name": ""}, "name"),
        ({"number": ""}, "number"),
        ({"number": "4111 1111 1111 1111"}, "number"),
        ({"expiry": "13 / 30"}, "expiry"),
        ({"expiry": "01 / 20"}, "expiry"),
        ({"cvc": "1"}, "cvc"),
        ({"kind": "us_bank_account", "account": "1"}, "account"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_tried(
    world: World, browser_like: httpx.AsyncClient, change: dict[str, str], field: str
) -> None:
    """The field is marked and described by its problem; no charge was attempted."""
    session = opened(world)
    with logged(world) as log:
        answer = await browser_like.post(session["url"], data=paying(**change))
    assert f'aria-describedby="{field}-problem"' in answer.text
    assert answer.text.count('aria-invalid="true"') == 1
    assert log == []


@pytest.mark.anyio
async def test_a_test_card_fills_the_form(world: World, browser_like: httpx.AsyncClient) -> None:
    """Its button writes number, date and code into the page, keeps what is there, and pays nothing."""
    session = opened(world)
    with logged(world) as log:
        answer = await browser_like.post(session["url"], data={**ADA, "use": "4000000000009995"})
    assert 'value="4000 0000 0000 9995"' in answer.text
    assert 'value="Ada Lovelace"' in answer.text
    assert "Ada Example" not in answer.text
    assert log == []


@pytest.mark.anyio
@pytest.mark.parametrize("number", ["4242424242424242", "000123456789"])
async def test_a_test_card_leaves_nothing_to_type(
    world: World, browser_like: httpx.AsyncClient, number: str
) -> None:
    """Pressed in an empty form it names a payer too: what the page then holds can be sent as it is."""
    session = opened(world)
    filled = (await browser_like.post(session["url"], data={"country": "US", "use": number})).text
    fields = dict(re.findall(r'<input id="(\w+)" name="\w+"[^>]* value="([^"]+)"', filled))
    assert (fields["email"], fields["name"]) == ("ada@example.com", "Ada Example")
    assert fields["postal_code"]
    kind = "card" if "number" in fields else "us_bank_account"
    assert (await browser_like.post(session["url"], data={**fields, "kind": kind})).status_code == 303


@pytest.mark.anyio
@pytest.mark.parametrize(("outcome", "paid"), [("complete", True), ("fail", False)])
async def test_the_bank_asks_back_on_a_second_page(
    world: World, browser_like: httpx.AsyncClient, outcome: str, paid: bool
) -> None:
    """Passed: back to the shop. Failed: back to the form with the reason, to try again."""
    session = opened(world)
    asked = await browser_like.post(session["url"], data=paying(number="4000002500003155"))
    assert (asked.status_code, asked.headers["location"]) == (303, f"/c/pay/{session['id']}/3ds")
    assert (await browser_like.get(session["url"])).headers["location"] == asked.headers["location"]
    page = await browser_like.get(asked.headers["location"])
    assert "$24.00" in page.text
    answer = await browser_like.post(asked.headers["location"], data={"outcome": outcome})
    assert (answer.status_code == 303) is paid
    assert ("unable to authenticate" in answer.text) is not paid
    assert booked(world) == (2400 if paid else 0)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("currency", "account", "last"),
    [
        ("eur", "AT61 1904 3002 3457 3201", "checkout.session.async_payment_succeeded"),
        ("eur", "AT861904300235473202", "checkout.session.async_payment_failed"),
        ("usd", "000123456789", "checkout.session.async_payment_succeeded"),
    ],
)
async def test_a_bank_account_pays_days_later(
    world: World, browser_like: httpx.AsyncClient, currency: str, account: str, last: str
) -> None:
    """The shop gets its payer back at once and the money, or not, in three days."""
    session = opened(world, 2400, currency)
    kind = {"eur": "sepa_debit", "usd": "us_bank_account"}[currency]
    answer = await browser_like.post(session["url"], data={**ADA, "kind": kind, "account": account})
    assert answer.status_code == 303
    assert (session["status"], session["payment_status"]) == ("complete", "unpaid")
    with logged(world) as log:
        world.clock.advance(3 * DAY)
    assert log[-1] == last


@pytest.mark.anyio
async def test_closed_checkouts_say_so(world: World, browser_like: httpx.AsyncClient) -> None:
    """Complete, expired and unknown ones each have their page; posting to one charges nothing."""
    done, over = opened(world), opened(world)
    done_url, over_url = done["url"], over["url"]
    await browser_like.post(done_url, data=paying())
    world.clock.advance(DAY)
    assert "is complete" in (await browser_like.get(done_url)).text
    assert "has expired" in (await browser_like.get(over_url)).text
    with logged(world) as log:
        await browser_like.post(done_url, data=paying())
        await browser_like.post(over_url, data=paying())
    assert log == []
    assert (await browser_like.get(f"{world.public_url}/c/pay/cs_test_none")).status_code == 404


@pytest.mark.anyio
async def test_a_trial_is_worded_as_one(world: World, browser_like: httpx.AsyncClient) -> None:
    """Free days first, the price after them, and nothing due today."""
    answer = await browser_like.get(opened(world, 2000, interval="month", trial_days=14)["url"])
    for text in ("14 days free", "Then $20.00 per month", "$0.00", "Start trial"):
        assert text in answer.text


@pytest.mark.anyio
async def test_an_api_payment_is_confirmed_on_its_own_page(
    world: World, browser_like: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    """The next action's address asks, and leads back to the given one."""
    body = "amount=1000&currency=usd&confirm=true&payment_method=pm_card_threeDSecure2Required"
    intent = (await http.post("/v1/payment_intents", content=f"{body}&return_url={SHOP}/back")).json()
    url = intent["next_action"]["redirect_to_url"]["url"]
    assert "$10.00" in (await browser_like.get(url)).text
    answer = await browser_like.post(url, data={"outcome": "complete"})
    assert answer.headers["location"] == f"{SHOP}/back?payment_intent={intent['id']}"
    assert booked(world) == 1000


@pytest.mark.anyio
async def test_an_invoice_is_paid_on_its_page(world: World, browser_like: httpx.AsyncClient) -> None:
    """Due, declined, then paid; the page always says which."""
    from overseer_payment.simulator.resources.customers import new_customer

    invoice = play.send_invoice(world, new_customer(world, email="ada@example.com")["id"], 9000)
    url = invoice["hosted_invoice_url"]
    assert "is due" in (await browser_like.get(url)).text
    declined = await browser_like.post(url, data=paying(number="4000000000000002"))
    assert "Your card was declined." in declined.text
    assert (await browser_like.post(url, data=paying())).status_code == 303
    assert "is paid" in (await browser_like.get(url)).text
    charge = play.charge_of(world, invoice)
    assert "$90.00" in (await browser_like.get(charge["receipt_url"])).text


@pytest.mark.anyio
async def test_the_portal_ends_and_keeps_own_subscriptions_only(
    world: World, browser_like: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    """Cancel at the period's end and take it back; another customer's subscription is out of reach."""
    mine = play.subscribe(world, play.offer(world, "Pro", 2000, interval="month"))
    other = play.subscribe(world, play.offer(world, "Max", 9000, interval="month"))
    body = f"customer={mine['customer']}&return_url={SHOP}"
    url = (await http.post("/v1/billing_portal/sessions", content=body)).json()["url"]
    shown = (await browser_like.get(url)).text
    assert "Pro" in shown
    assert "Max" not in shown
    await browser_like.post(url, data={"subscription": mine["id"], "action": "cancel"})
    assert mine["cancel_at_period_end"] is True
    assert "Ends on" in (await browser_like.get(url)).text
    await browser_like.post(url, data={"subscription": mine["id"], "action": "keep"})
    await browser_like.post(url, data={"subscription": other["id"], "action": "cancel"})
    assert (mine["cancel_at_period_end"], other["cancel_at_period_end"]) == (False, False)


@pytest.mark.anyio
async def test_the_pages_can_live_below_a_path() -> None:
    """Mounted under `/_stripe`, every link, form and redirect stays there."""
    world = World(public_url="http://host/_stripe")
    app = Starlette(routes=[Mount("/_stripe", app=create_app(world))])
    session = opened(world)
    path = f"/_stripe/c/pay/{session['id']}"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://host") as client:
        shown = await client.get(session["url"])
        assert f'action="{path}"' in shown.text
        assert (await client.get("/_stripe/hosted/hosted.css")).status_code == 200
        asked = await client.post(session["url"], data=paying(number="4000002500003155"))
        assert asked.headers["location"] == f"{path}/3ds"
        assert f'action="{path}/3ds"' in (await client.get(f"{path}/3ds")).text
    assert_contract(world)
