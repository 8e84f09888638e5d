"""Checkouts: what is sold, to whom, where the buyer comes back to, and one session for each intent."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import database, tables
from overseer_payment.database import write
from overseer_payment.errors import (
    Forbidden,
    Invalid,
    NotFound,
    OutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
    Unauthenticated,
)
from overseer_payment.host_contract import User
from overseer_payment.provider import CheckoutMode
from overseer_payment.schemas import CheckoutBody, CheckoutCreated, Viewer
from overseer_payment.simulator import World
from overseer_payment.simulator.idempotency import IdempotencyKeys
from tests.service.opening import checkout_body, open_checkout
from tests.service.shop import OPERATOR, Shop

pytestmark = pytest.mark.anyio


def buyer(id: str = "7", name: str = "Ada") -> Viewer:
    return Viewer(f"user:{id}", User(id, name))


async def test_a_payment_from_the_first_click_to_the_success_page(shop: Shop) -> None:
    """Opened, paid, delivered: the session says paid with the true sum, and the payment is listed once."""
    created = await open_checkout(shop, quantity=3)
    assert (await shop.payments.checkout(OPERATOR, created.session_id)).status == "open"
    shop.world.clock.advance(60)
    shop.fill_in(created.session_id)
    await shop.settle()
    landed = await shop.payments.landing(created.session_id)
    assert (landed.status, landed.payment_state, landed.amount_total) == ("complete", "paid", 3000)
    payment = await shop.transaction(created.session_id)
    assert (payment.id, payment.type, payment.amount) == (landed.transaction_id, "charge", 3000)
    assert await shop.revenue() == {"usd": (3000, 0, 0, 3000)}


async def test_a_subscription_with_a_trial_is_listed_once_and_not_paid_yet(shop: Shop) -> None:
    """No money moves; the subscription is trialing and counts as active."""
    await shop.subscribe(1500, trial_period_days=14)
    await shop.settle()
    (row,) = await shop.rows(tables.subscription)
    assert (row["status"], row["amount"]) == ("trialing", 1500)
    status = await shop.payments.status(OPERATOR)
    assert (status.active_subscriptions, status.revenue) == (1, [])


async def test_setting_up_a_method_sells_nothing(shop: Shop) -> None:
    """Mode setup: needs a currency, takes no price, makes no payment."""
    for wrong in ({"price_id": None}, {"currency": "usd"}):
        with pytest.raises(Invalid):
            await open_checkout(shop, mode=CheckoutMode.SETUP, **wrong)
    created = await open_checkout(shop, mode=CheckoutMode.SETUP, price_id=None, currency="usd")
    shop.world.clock.advance(60)
    shop.fill_in(created.session_id)
    await shop.settle()
    assert (await shop.payments.landing(created.session_id)).status == "complete"
    assert await shop.count(tables.transaction) == 0


async def test_metadata_travels_to_what_is_sold(shop: Shop) -> None:
    """On the session and on the payment that it makes."""
    created = await open_checkout(shop, metadata={"order": "42"})
    shop.fill_in(created.session_id)
    session = shop.world.get("checkout.session", created.session_id)
    assert session["metadata"] == {"order": "42"}
    assert shop.world.get("payment_intent", session["payment_intent"])["metadata"] == {"order": "42"}


async def test_a_stranger_s_address_is_no_place_to_return_to(shop: Shop) -> None:
    """Refused with nothing made at the provider, not even the customer; our own address is fine."""
    for name in ("success_url", "cancel_url"):
        with pytest.raises(Invalid, match="PAYMENT_ALLOWED_REDIRECT_HOSTS"):
            await open_checkout(shop, buyer(), **{name: "https://evil.example/"})
    assert (shop.made("customer"), shop.made("checkout.session")) == (0, 0)
    created = await open_checkout(shop, success_url="http://127.0.0.1:8000/thanks")
    session = shop.world.get("checkout.session", created.session_id)
    assert session["success_url"] == "http://127.0.0.1:8000/thanks?session_id={CHECKOUT_SESSION_ID}"
    assert session["cancel_url"] == "http://127.0.0.1:8000/payment/cancel"


async def test_a_user_pays_as_their_own_one_customer(shop: Shop) -> None:
    """Made at the first checkout and used again; its payments are the user's to see, and nobody else's."""
    first, second = await open_checkout(shop, buyer()), await open_checkout(shop, buyer())
    assert shop.made("customer") == 1
    (customer,) = shop.world.find("customer")
    for created in (first, second):
        assert shop.world.get("checkout.session", created.session_id)["customer"] == customer["id"]
    assert (customer["name"], customer["metadata"]["overseer_user"]) == ("Ada", "7")
    shop.world.clock.advance(60)
    shop.fill_in(first.session_id)
    await shop.settle()
    assert (await shop.payments.transaction(buyer(), first.session_id)).amount == 1000
    assert (await shop.payments.customer(buyer(), customer["id"])).user_id == "7"
    for ask in (shop.payments.transaction, shop.payments.checkout):
        with pytest.raises(NotFound):
            await ask(buyer("8"), first.session_id)


async def test_eight_checkouts_at_once_make_one_customer(shop: Shop) -> None:
    """Of one user, in two processes: one customer, eight sessions."""
    body = await checkout_body(shop)
    async with shop.beside() as other:
        both = (shop.payments, other)
        created = await asyncio.gather(*(both[n % 2].create_checkout(buyer(), body) for n in range(8)))
    assert len({one.session_id for one in created}) == 8
    assert shop.made("customer") == 1


async def test_a_customer_who_was_deleted_gets_a_new_one(shop: Shop) -> None:
    """Deleted in the provider's dashboard: the next checkout makes another, although the key is young."""
    await open_checkout(shop, buyer())
    (first,) = shop.world.find("customer")
    await shop.settle()
    shop.world.clock.advance(5)
    await shop.delete(f"customers/{first['id']}")
    await shop.settle()
    await open_checkout(shop, buyer())
    (second,) = shop.world.find("customer")
    assert first["id"] != second["id"]


async def test_a_customer_who_could_not_be_made_is_made_at_the_next_try(shop: Shop) -> None:
    """The provider was away, or refused: the user is not locked out."""
    shop.wire.down = True
    with pytest.raises(ProviderUnavailable):
        await _open_with_known_price(shop)
    shop.wire.down = False
    shop.world.faults.answer(400, "POST", "/v1/customers")
    with pytest.raises((ProviderRejected, ProviderUnavailable, OutcomeUnknown)):
        await _open_with_known_price(shop)
    shop.later(10)
    await shop.payments.worker.drain()
    await open_checkout(shop, buyer())
    assert shop.made("customer") == 1


async def _open_with_known_price(shop: Shop) -> CheckoutCreated:
    body = CheckoutBody(price_id="price_any", mode=CheckoutMode.PAYMENT)
    return await shop.payments.create_checkout(buyer(), body)


@pytest.mark.parametrize("happened", [True, False])
async def test_days_later_a_customer_is_looked_for_before_one_is_made(shop: Shop, happened: bool) -> None:
    """The answer was lost and its key is forgotten since: what was made is found, else one is made now."""
    shop.world.faults.time_out("POST", "/v1/customers", after_effect=happened, times=3)
    shop.world.faults.drop("*", times=None)
    with pytest.raises(OutcomeUnknown):
        await open_checkout(shop, buyer())
    shop.world.idempotency = IdempotencyKeys()
    async with write(shop.engine) as connection:
        past = datetime.now(UTC) - timedelta(days=100)  # before the account's clock, which stands still
        await connection.execute(update(tables.operation).values(created_at=past))
    created = await open_checkout(shop, buyer())
    (customer,) = shop.world.find("customer")
    assert shop.world.get("checkout.session", created.session_id)["customer"] == customer["id"]
    assert (await shop.payments.customer(buyer(), customer["id"])).user_id == "7"
    kinds = [(kind, status) for kind, status in await shop.operations() if kind == "customer"]
    assert kinds == (
        [("customer", "succeeded")] if happened else [("customer", "failed"), ("customer", "succeeded")]
    )


async def test_two_installations_with_one_account_share_no_customer(
    shop: Shop, world: World, tmp_path: Any
) -> None:
    """User 7 of one application is not user 7 of another: keys differ between databases."""
    await open_checkout(shop, buyer())
    elsewhere: AsyncEngine = database.create_engine(f"sqlite:///{tmp_path}/elsewhere.db")
    await database.upgrade(elsewhere)
    async with Shop.opened(world, elsewhere) as other:
        await open_checkout(other, buyer())
    await elsewhere.dispose()
    assert shop.made("customer") == 2


async def test_who_may_open_a_checkout_for_whom(shop: Shop) -> None:
    """Nobody: 401. A token without a user pays as a guest. A user may not name another's customer: 404."""
    with pytest.raises(Unauthenticated):
        await open_checkout(shop, Viewer("anonymous"))
    await open_checkout(shop, OPERATOR)
    assert shop.made("customer") == 0
    await open_checkout(shop, buyer("1"))
    (customer,) = shop.world.find("customer")
    with pytest.raises(NotFound):
        await open_checkout(shop, buyer("2"), customer_id=customer["id"])
    with pytest.raises(Forbidden):
        await open_checkout(
            shop, Viewer("token", None, frozenset({"payment.view"})), customer_id=customer["id"]
        )
    created = await open_checkout(shop, OPERATOR, customer_id=customer["id"])
    assert shop.world.get("checkout.session", created.session_id)["customer"] == customer["id"]


async def test_staff_who_may_only_look_open_no_checkout_for_others(shop: Shop) -> None:
    """Seeing every customer is not managing them: a session could show their cards."""
    await open_checkout(shop, buyer("1"))
    (customer,) = shop.world.find("customer")
    looking = Viewer("user:9", User("9", "Bo"), frozenset({"payment.view"}))
    with pytest.raises(Forbidden, match="yourself"):
        await open_checkout(shop, looking, customer_id=customer["id"])
    assert (await open_checkout(shop, buyer("1"), customer_id=customer["id"])).checkout_url


async def test_terms_are_the_sellers(shop: Shop) -> None:
    """A buyer gives themselves no trial, and nobody uses the metadata names that we find things by."""
    price = await shop.price(interval="month")
    terms: dict[str, Any] = {"price_id": price, "mode": CheckoutMode.SUBSCRIPTION, "trial_period_days": 730}
    with pytest.raises(Forbidden, match="trial"):
        await open_checkout(shop, buyer(), **terms)
    assert (await open_checkout(shop, OPERATOR, **terms)).checkout_url
    with pytest.raises(Invalid, match="overseer_user"):
        await open_checkout(shop, OPERATOR, metadata={"overseer_user": "2"})


async def test_a_bank_debit_is_pending_then_decided(shop: Shop) -> None:
    """Complete but unpaid: no revenue. Days later paid: revenue. Another fails: none."""
    good = await shop.buy(2000, "eur", card="pm_sepa_settles")
    bad = await shop.buy(3000, "eur", card="pm_sepa_fails")
    await shop.settle()
    assert await shop.revenue() == {}
    assert (await shop.payments.landing(good)).payment_state == "unpaid"
    await shop.advance(5)
    assert (await shop.transaction(good)).status == "succeeded"
    assert (await shop.transaction(bad)).status == "failed"
    assert await shop.revenue() == {"eur": (2000, 0, 0, 2000)}
