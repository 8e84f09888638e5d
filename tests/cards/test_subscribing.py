"""Changing subscriptions at the pages: what it means is said first, then what became of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from overseer_payment.provider import PriceScheme
from overseer_payment.schemas import SubscriptionItemRow
from overseer_payment.simulator import scenario as play
from tests.cards.desk import Desk
from tests.cards.fake_payments import FakePayments
from tests.cards.fakes import FakeHost
from tests.cards.rows import subscription

pytestmark = pytest.mark.anyio

LIST = "/payment/modal/subscriptions"


async def subscribed(desk: Desk, *, quantity: int = 1, trial_days: int | None = None) -> str:
    """A running subscription to a monthly plan of 12.00 USD; its address."""
    world = desk.shop.world
    price = play.offer(world, "Starter", 1200, interval="month")
    play.offer(world, "Team", 1900, interval="month")
    play.offer(world, "Poster", 4500)
    play.subscribe(world, price, quantity=quantity, email="ada@example.com", trial_days=trial_days)
    await desk.shop.settle()
    found = re.search(r"/payment/subscriptions/\d+", await desk.see(LIST))
    assert found
    return found[0]


def test_what_only_the_bill_tells_is_shown_as_that(client: TestClient, payments: FakePayments) -> None:
    """Half a cent for each unit used, and tiers: never as a sum of nothing."""
    each: dict[str, Any] = {"price_id": "price_1", "quantity": 1, "interval": "month"}
    used = SubscriptionItemRow(id="si_1", amount_decimal="0.5", scheme=PriceScheme.METERED, **each)
    tiered = SubscriptionItemRow(id="si_2", scheme=PriceScheme.TIERED, **each)
    payments.subs = [subscription(1, amount=0, items=[used, tiered])]
    for address in (LIST, "/payment/subscriptions/1"):
        html = client.get(address).text
        assert "Metered + tiered" in re.sub(r"<[^>]+>", "", html)
        assert "0.00 USD" not in html
    assert "0.005 USD / unit, metered" in html
    assert html.count("As billed") == 2


async def test_it_ends_with_its_period_and_goes_on_again(desk: Desk) -> None:
    """Each confirmation says when; the row says the same afterwards."""
    at = await subscribed(desk)
    assert "At the end of the period" in await desk.read(at)
    confirm = await desk.see(f"{at}/cancel?when=period_end")
    assert "is not renewed" in confirm
    told = await desk.send(confirm, f"{at}/cancel")
    assert "It ends on " in told
    assert "At the end of the period" not in told
    await desk.see(f"{at}/cancel?when=period_end", 409)
    confirm = await desk.see(f"{at}/resume")
    assert "The planned end is taken back" in confirm
    told = await desk.send(confirm, f"{at}/resume")
    assert "It goes on." in told
    assert "Resume…" not in told
    await desk.see(f"{at}/resume", 409)


async def test_it_ends_now_and_offers_nothing_afterwards(desk: Desk) -> None:
    """The consequence names what is not given back; what has ended can't be changed."""
    at = await subscribed(desk)
    confirm = await desk.see(f"{at}/cancel?when=now")
    assert "Nothing is given back" in confirm
    assert "op-danger" in confirm
    told = await desk.send(confirm, f"{at}/cancel")
    assert "It has ended." in told
    assert "op-deeds" not in await desk.see(at)
    for what in ("cancel", "pause", "resume", "plan", "change"):
        await desk.see(f"{at}/{what}", 409)
    await desk.see(f"{at}/cancel?when=sometime", 409)


@pytest.mark.parametrize(
    ("how", "says"),
    [("void", "pays nothing for this time"), ("keep_as_draft", "stay drafts"), ("stop", "stands still")],
)
async def test_a_pause_says_what_becomes_of_invoices(desk: Desk, how: str, says: str) -> None:
    """In each of its ways, until it is resumed."""
    at = await subscribed(desk)
    confirm = await desk.see(f"{at}/pause?how={how}")
    assert says in confirm
    told = await desk.send(confirm, f"{at}/pause")
    assert "It is paused." in told
    assert "Paused until resumed" in told
    await desk.see(f"{at}/pause?how=void", 409)
    assert "It goes on." in await desk.send(await desk.see(f"{at}/resume"), f"{at}/resume")


async def test_a_pause_ends_on_the_day_that_was_said(desk: Desk) -> None:
    """A day ahead, written as browsers do; another one is refused."""
    at = await subscribed(desk)
    day = (datetime.now(UTC) + timedelta(days=40)).date()
    told = await desk.send(await desk.see(f"{at}/pause?how=void&until={day}"), f"{at}/pause")
    assert f"Paused until {day.day} " in told
    other = await desk.read(f"{at}/pause?how=void&until=2020-01-01", 409)
    assert "paused already" in other


@pytest.mark.parametrize("asked", ["how=never", "how=void&until=2020-01-01", "how=void&until=soon"])
async def test_a_pause_that_makes_no_sense_is_refused(desk: Desk, asked: str) -> None:
    """422 with a sentence, nothing changed."""
    await desk.see(f"{await subscribed(desk)}/pause?{asked}", 422)


async def test_another_plan_costs_what_was_shown(desk: Desk) -> None:
    """The preview's sum is the provider's; what is then asked for is exactly that."""
    at = await subscribed(desk, quantity=2)
    world = desk.shop.world
    form = await desk.see(f"{at}/plan")
    assert "Team, 19.00 USD per month" in form
    assert "Poster" not in form
    team = world.find("price", unit_amount=1900)[0]["id"]
    confirm = await desk.see(f"{at}/change?new_price_id={team}&proration=always_invoice")
    due = re.search(r"Change it and ask for ([\d.]+) USD now\?", confirm)
    assert due
    assert "2 × Starter, 12.00 USD per month" in confirm
    assert "2 × Team, 19.00 USD per month" in confirm
    told = await desk.send(confirm, f"{at}/change")
    assert "It is Team now: 38.00 USD per month." in told
    asked = {invoice["total"] for invoice in world.find("invoice", billing_reason="subscription_update")}
    assert asked == {round(float(due[1]) * 100)}


async def test_what_can_t_be_changed_comes_back_in_the_form(desk: Desk) -> None:
    """The same plan, no number, a price that isn't there: beside the form, with what was typed."""
    at = await subscribed(desk)
    assert "already" in await desk.read(f"{at}/change?quantity=1", 422)
    assert "whole number" in await desk.read(f"{at}/change?quantity=many", 422)
    assert 'value="many"' in await desk.see(f"{at}/change?quantity=many", 422)
    assert "No such price" in await desk.read(f"{at}/change?new_price_id=price_unknown", 422)


async def test_the_next_invoice_is_the_providers_preview(desk: Desk) -> None:
    """With its lines and its day; one that ends has none, and the page says so."""
    at = await subscribed(desk, quantity=3)
    assert "36.00 USD" in await desk.read(f"{at}/upcoming")
    await desk.send(await desk.see(f"{at}/cancel?when=now"), f"{at}/cancel")
    assert "nothing more will be billed" in await desk.read(f"{at}/upcoming")


async def test_a_provider_that_is_down_changes_nothing(desk: Desk) -> None:
    """503, what did not happen, and the same request again once it answers."""
    at = await subscribed(desk)
    confirm = await desk.see(f"{at}/cancel?when=now")
    desk.shop.wire.down = True
    told = await desk.send(confirm, f"{at}/cancel", status=503)
    assert "again" in told
    assert desk.shop.world.find("subscription")[0]["status"] == "active"


def test_who_may_not_manage_is_offered_no_change(client: TestClient, host: FakeHost) -> None:
    """The subscription and its next invoice are seen; the addresses of changes refuse."""
    host.permissions -= {"payment.manage"}
    seen = client.get("/payment/subscriptions/1").text
    assert "Next invoice…" in seen
    assert "Cancel…" not in seen
    for what in ("cancel", "pause", "resume", "plan", "change"):
        assert client.get(f"/payment/subscriptions/1/{what}").status_code == 403


def test_undeclared_capabilities_are_not_offered(client: TestClient, payments: FakePayments) -> None:
    """Without pauses no pause, without changes none at all."""
    stripe = payments.plugins[0]
    no_pause = [one for one in stripe.capabilities if one != "subscription_pause"]
    payments.plugins[0] = stripe.model_copy(update={"capabilities": no_pause})
    seen = client.get("/payment/subscriptions/1").text
    assert "Pause…" not in seen
    assert "Cancel…" in seen
    payments.plugins[0] = stripe.model_copy(update={"capabilities": []})
    assert "op-deeds" not in client.get("/payment/subscriptions/1").text


def test_example_data_offers_nothing(client: TestClient, payments: FakePayments) -> None:
    """No account stands behind it: whatever was sent would be refused."""
    payments.state = payments.state.model_copy(update={"account": "example"})
    assert "op-deeds" not in client.get("/payment/subscriptions/1").text


def test_invoices_say_what_comes_next(client: TestClient) -> None:
    """Paid when, or tried again when; linked to the provider's page."""
    seen = client.get("/payment/subscriptions/1").text
    assert "https://invoices.example.test/1" in seen
    assert "Tried again" in seen
