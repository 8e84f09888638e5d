"""Who may change a subscription, and as what it is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from overseer_payment import tables
from overseer_payment.asking import subscriptions
from overseer_payment.errors import (
    Conflict,
    Forbidden,
    NotFound,
    PaymentError,
)
from overseer_payment.host_contract import User
from overseer_payment.provider import PauseKind
from overseer_payment.schemas import (
    ChangePlanBody,
    PauseBody,
    Viewer,
)
from tests.service.shop import OPERATOR, Shop, of_type
from tests.service.subscriptions.changing import AT_END, DAY, WISHES, effects, shown, subscribed

pytestmark = pytest.mark.anyio


async def test_only_those_who_may_manage_change_anything(shop: Shop, sub: str) -> None:
    """Staff without the permission and the buyer are refused; to a stranger there is no such row."""
    customer = shop.world.get("subscription", sub)["customer"]
    own = tables.customer.update().where(tables.customer.c.provider_customer_id == customer)
    async with shop.engine.begin() as connection:
        await connection.execute(own.values(user_id="7"))
    viewers: list[tuple[Viewer, type[PaymentError]]] = [
        (Viewer("staff", None, frozenset({"payment.view", "payment.refund"})), Forbidden),
        (Viewer("user:7", User("7", "Ada")), Forbidden),
        (Viewer("user:8", User("8", "Bob")), NotFound),
    ]
    body = ChangePlanBody(quantity=2)
    for viewer, error in viewers:
        with pytest.raises(error):
            await subscriptions.cancel(shop.payments, viewer, sub, AT_END)
        with pytest.raises(error):
            await subscriptions.resume(shop.payments, viewer, sub)
        with pytest.raises(error):
            await subscriptions.pause(shop.payments, viewer, sub, PauseBody())
        with pytest.raises(error):
            await subscriptions.change_plan(shop.payments, viewer, sub, body)
        with pytest.raises(error):
            await subscriptions.preview_change(shop.payments, viewer, sub, body)
    assert effects(shop) == []


async def test_example_data_is_not_changed(shop: Shop, sub: str) -> None:
    """The key's own account doesn't know what was made up: said before anything is sent."""
    made_up = tables.provider.update().where(tables.provider.c.account == "default")
    async with shop.engine.begin() as connection:
        await connection.execute(made_up.values(account="example"))
    for wish, _ in WISHES.values():
        with pytest.raises(Conflict) as refused:
            await wish(shop, sub)
        assert refused.value.code == "other_account"
    assert effects(shop) == []


async def test_states_are_shown_as_what_they_are(shop: Shop) -> None:
    """A trial, one that can't be paid, one that was never paid: each by its own word."""
    shop.world.settings["after_last_retry"] = "mark_unpaid"
    trial = await shop.subscribe(1500, trial_period_days=14)
    failing = await subscribed(shop)
    customer = shop.world.get("subscription", failing)["customer"]
    declining = await shop.post("payment_methods/pm_card_chargeCustomerFail/attach", customer=customer)
    await shop.post(f"subscriptions/{failing}", default_payment_method=declining["id"])
    await shop.settle()
    assert (await shown(shop, shop.world.get("checkout.session", trial)["subscription"])).status == "trialing"
    await shop.advance(32)
    assert (await shown(shop, failing)).status == "past_due"
    await shop.advance(40)
    assert (await shown(shop, failing)).status == "unpaid"


async def test_a_trial_that_will_end_is_shown_with_its_end(shop: Shop) -> None:
    """The warning three days ahead tells how the trial stands now, also where no other event came."""
    session = await shop.subscribe(1500, trial_period_days=14)
    await shop.settle()
    sub = shop.world.get("checkout.session", session)["subscription"]
    first = shop.world.get("subscription", sub)["trial_end"]
    assert (await shown(shop, sub)).trial_end == datetime.fromtimestamp(first, UTC)
    shop.world.faults.drop("customer.subscription.updated", times=None)
    await shop.post(f"subscriptions/{sub}", trial_end=str(first + 6 * DAY), proration_behavior="none")
    await shop.advance(16.5)
    assert (await shown(shop, sub)).trial_end == datetime.fromtimestamp(first, UTC)
    await shop.advance(1)
    row = await shown(shop, sub)
    assert of_type(shop.world, "customer.subscription.trial_will_end")
    assert (row.status, row.trial_end) == ("trialing", datetime.fromtimestamp(first + 6 * DAY, UTC))
    assert (row.current_period_end, row.cancel_at_period_end) == (row.trial_end, False)
    assert await shop.revenue() == {}


async def test_what_was_never_paid_and_what_waits_for_a_card(shop: Shop) -> None:
    """`incomplete` until its day is over, then `incomplete_expired`; a trial without a card ends `paused`."""
    customer = (await shop.post("customers", email="ada@example.com"))["id"]
    price = await shop.price(1500, "usd", "month")
    base = {"customer": customer, "items[0][price]": price}
    unpaid = (await shop.post("subscriptions", **base, payment_behavior="default_incomplete"))["id"]
    end = {"trial_settings[end_behavior][missing_payment_method]": "pause"}
    trial = (await shop.post("subscriptions", **base, **end, trial_period_days="2"))["id"]
    await shop.settle()
    assert [(await shown(shop, id)).status for id in (unpaid, trial)] == ["incomplete", "trialing"]
    with pytest.raises(Conflict) as refused:
        await subscriptions.pause(shop.payments, OPERATOR, unpaid, PauseBody(kind=PauseKind.SUBSCRIPTION))
    assert refused.value.code == "not_pausable"
    await shop.advance(3)
    assert [(await shown(shop, id)).status for id in (unpaid, trial)] == ["incomplete_expired", "paused"]


async def test_a_product_that_no_event_told_of_is_read_once(shop: Shop) -> None:
    """Two subscriptions name it by its id: one read names both, and an event renames both."""
    (endpoint,) = shop.world.find("webhook_endpoint")
    everything = endpoint["enabled_events"]
    endpoint["enabled_events"] = ["customer.created", "customer.subscription.created"]
    sessions = [await shop.subscribe(1500), await shop.subscribe(1500)]
    await shop.settle()
    subs = [shop.world.get("checkout.session", session)["subscription"] for session in sessions]
    assert [(await shown(shop, id)).plan_name for id in subs] == ["Growth", "Growth"]
    (path,) = shop.requests("GET", "/v1/products/")
    endpoint["enabled_events"] = everything
    shop.world.clock.advance(5)  # news of the very second of a read would be asked about once more
    await shop.post(path.removeprefix("/v1/"), name="Crew")
    await shop.settle()
    assert [(await shown(shop, id)).plan_name for id in subs] == ["Crew", "Crew"]
    assert len(shop.requests("GET", "/v1/products/")) == 1


def test_a_body_that_asks_for_nothing_is_refused() -> None:
    """No price, no quantity, no trial; or a pause with what only the other kind takes."""
    with pytest.raises(ValueError, match="new_price_id"):
        ChangePlanBody()
    with pytest.raises(ValueError, match="paused collection"):
        PauseBody(kind=PauseKind.SUBSCRIPTION, resumes_at=datetime.now(UTC) + timedelta(days=1))
