"""On which terms a checkout sells: discounts, tax, currency, how long, and no second one by mistake."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from overseer_payment import tables
from overseer_payment.asking import checkouts, customers
from overseer_payment.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    ProviderRejected,
    ProviderUnavailable,
)
from overseer_payment.host_contract import User
from overseer_payment.provider import CheckoutMode
from overseer_payment.schemas import CheckoutBody, CheckoutCreated, Viewer
from overseer_payment.settings import Settings
from tests.service.shop import OPERATOR, Shop

pytestmark = pytest.mark.anyio
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what no database decides: once is enough."""

ADA = Viewer("user:7", User("7", "Ada"))
BEN = Viewer("user:8", User("8", "Ben"))
LOOKING = Viewer("user:9", User("9", "Cy"), frozenset({"payment.view"}))


async def _open(
    shop: Shop, viewer: Viewer = OPERATOR, key: str | None = None, **more: Any
) -> CheckoutCreated:
    if "price_id" not in more:
        more["price_id"] = await shop.price()
    body = CheckoutBody(**{"mode": CheckoutMode.PAYMENT, **more})
    return await shop.payments.create_checkout(viewer, body, idempotency_key=key)


async def _subscribe(shop: Shop, viewer: Viewer = ADA, amount: int = 1500, **more: Any) -> CheckoutCreated:
    """A checkout of a monthly price, as Ada would open it."""
    price = await shop.price(amount, "usd", "month")
    return await _open(shop, viewer, mode=CheckoutMode.SUBSCRIPTION, price_id=price, **more)


def _configure(shop: Shop, **variables: Any) -> None:
    shop.payments.settings = Settings(**variables)


async def _paid(shop: Shop, created: CheckoutCreated) -> None:
    shop.world.clock.advance(30)
    shop.fill_in(created.session_id)
    await shop.settle()


# -- discounts, tax, currency --------------------------------------------------------------------------


@on_sqlite
async def test_a_coupon_and_a_code_take_off_what_they_say(shop: Shop) -> None:
    """A quarter by coupon, a sum by code; what is paid and recorded is the rest."""
    quarter = await shop.post("coupons", percent_off="25")
    sum_ = await shop.post("coupons", amount_off="300", currency="usd")
    code = await shop.post(
        "promotion_codes", **{"promotion[type]": "coupon", "promotion[coupon]": sum_["id"]}
    )
    for terms, left in (({"discount": quarter["id"]}, 750), ({"promotion_code": code["id"]}, 700)):
        created = await _open(shop, **terms)
        await _paid(shop, created)
        assert (await shop.transaction(created.session_id)).amount == left
    assert await shop.revenue() == {"usd": (1450, 0, 0, 1450)}


@on_sqlite
async def test_a_discount_on_a_subscription_lasts_for_its_first_payment(shop: Shop) -> None:
    """The first invoice is less, the row says what it costs."""
    coupon = await shop.post("coupons", percent_off="50")
    created = await _subscribe(shop, OPERATOR, 1500, discount=coupon["id"])
    await _paid(shop, created)
    assert (await shop.transaction(created.session_id)).amount == 750
    (row,) = await shop.rows(tables.subscription)
    assert row["amount"] == 1500


@on_sqlite
async def test_the_buyer_may_type_a_code(shop: Shop) -> None:
    """The page is told so; beside a discount that makes no sense."""
    created = await _open(shop, ADA, allow_promotion_codes=True)
    assert shop.world.get("checkout.session", created.session_id)["allow_promotion_codes"] is True
    with pytest.raises(Invalid):
        await _open(shop, allow_promotion_codes=True, discount="x")
    with pytest.raises(ProviderRejected, match="No such coupon"):
        await _open(shop, discount="unheard-of")


@on_sqlite
async def test_terms_are_the_sellers(shop: Shop) -> None:
    """A buyer gives themselves neither a coupon nor freedom from tax."""
    with pytest.raises(Forbidden, match="discount"):
        await _open(shop, ADA, discount="x")
    _configure(shop, PAYMENT_AUTOMATIC_TAX="1")
    with pytest.raises(Forbidden, match="tax"):
        await _open(shop, ADA, automatic_tax=False)
    created = await _open(shop, ADA, automatic_tax=True)
    assert shop.world.get("checkout.session", created.session_id)["automatic_tax"]["enabled"] is True


@on_sqlite
async def test_tax_is_computed_where_the_operator_says_so(shop: Shop) -> None:
    """By setting for all, by staff for one; a known customer's tax id is asked for, too."""
    created = await _open(shop)
    assert shop.world.get("checkout.session", created.session_id)["automatic_tax"]["enabled"] is False
    _configure(shop, PAYMENT_AUTOMATIC_TAX="1")
    created = await _open(shop, ADA, collect_tax_id=True)
    session = shop.world.get("checkout.session", created.session_id)
    assert session["automatic_tax"]["enabled"] is True
    assert session["tax_id_collection"]["enabled"] is True
    created = await _open(shop, automatic_tax=False)
    assert shop.world.get("checkout.session", created.session_id)["automatic_tax"]["enabled"] is False


@on_sqlite
@pytest.mark.parametrize(("currency", "amount"), [("jpy", 1600), ("kwd", 3410)])
async def test_the_buyer_pays_in_another_of_the_price_s_currencies(
    shop: Shop, currency: str, amount: int
) -> None:
    """Yen and dinars in their own minor units; a currency that the price doesn't have is refused."""
    options = {f"currency_options[{currency}][unit_amount]": str(amount)}
    price = await shop.post(
        "prices", currency="usd", unit_amount="1000", **options, **{"product_data[name]": "Tea"}
    )
    created = await _open(shop, ADA, price_id=price["id"], currency=currency, quantity=2)
    await _paid(shop, created)
    row = await shop.payments.landing(created.session_id)
    assert (row.currency, row.amount_total) == (currency, 2 * amount)
    assert await shop.revenue() == {currency: (2 * amount, 0, 0, 2 * amount)}
    with pytest.raises(ProviderRejected, match="currency"):
        await _open(shop, ADA, price_id=price["id"], currency="gbp")


@on_sqlite
async def test_a_guest_may_become_a_customer(shop: Shop) -> None:
    """With an address filled in; one who has a customer takes no address besides."""
    created = await _open(shop, customer_email="guest@example.com", create_customer=True)
    session = shop.world.get("checkout.session", created.session_id)
    assert (session["customer_email"], session["customer_creation"]) == ("guest@example.com", "always")
    with pytest.raises(Invalid, match="not both"):
        await _open(shop, ADA, customer_email="ada@example.com")


# -- how long ----------------------------------------------------------------------------------------


@on_sqlite
async def test_a_checkout_closes_when_it_is_said_to(shop: Shop) -> None:
    """`expires_at` reaches the provider, without an offset it is UTC; what is over is refused here."""
    at = datetime.fromtimestamp(shop.world.now(), UTC) + timedelta(hours=2)
    with pytest.raises(Invalid, match="over"):
        await _open(shop, expires_at=at)  # the simulated account lives in the past
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    shop.world.clock.advance(
        (datetime.now(UTC) - datetime.fromtimestamp(shop.world.now(), UTC)).total_seconds()
    )
    created = await _open(shop, expires_at=soon.replace(tzinfo=None))
    assert shop.world.get("checkout.session", created.session_id)["expires_at"] == int(soon.timestamp())
    assert (await shop.payments.checkout(OPERATOR, created.session_id)).expires_at == soon


@on_sqlite
async def test_an_open_checkout_is_closed_once(shop: Shop) -> None:
    """Closed at the provider; again, and after it ran out, is no error and asks nobody."""
    created = await _open(shop, ADA)
    shop.world.clock.advance(5)
    for _ in range(2):
        row = await checkouts.expire(shop.payments, ADA, created.session_id)
        assert (row.status, row.checkout_url) == ("expired", None)
    assert shop.world.get("checkout.session", created.session_id)["status"] == "expired"
    assert len(shop.requests("POST", f"/v1/checkout/sessions/{created.session_id}/expire")) == 1
    assert ("checkout_expiry", "succeeded") in await shop.operations()


@on_sqlite
async def test_a_paid_checkout_stays_paid(shop: Shop) -> None:
    """409 when we know of it, and when the payment overtook us."""
    known, unknown = await _open(shop, ADA), await _open(shop, ADA)
    await _paid(shop, known)
    shop.world.clock.advance(30)
    shop.fill_in(unknown.session_id)
    for created in (known, unknown):
        with pytest.raises(Conflict) as refused:
            await checkouts.expire(shop.payments, ADA, created.session_id)
        assert refused.value.code == "checkout_complete"
    assert (await shop.payments.checkout(ADA, unknown.session_id)).status == "complete"


@on_sqlite
async def test_what_is_refused_of_an_open_checkout_is_told_as_it_is(shop: Shop) -> None:
    """No refusal is taken for a payment: it stays open, and is closed when the provider does."""
    created = await _open(shop, ADA)
    shop.world.faults.answer(400, "POST", "*/expire")
    with pytest.raises(ProviderRejected):
        await checkouts.expire(shop.payments, ADA, created.session_id)
    shop.world.clock.advance(5)
    assert (await checkouts.expire(shop.payments, ADA, created.session_id)).status == "expired"


@on_sqlite
async def test_who_may_close_whose_checkout(shop: Shop) -> None:
    """Its buyer and who manages; a stranger is told 404, who only looks 403; the provider away: 503."""
    created = await _open(shop, ADA)
    with pytest.raises(NotFound):
        await checkouts.expire(shop.payments, BEN, created.session_id)
    with pytest.raises(Forbidden):
        await checkouts.expire(shop.payments, LOOKING, created.session_id)
    shop.wire.down = True
    with pytest.raises(ProviderUnavailable):
        await checkouts.expire(shop.payments, OPERATOR, created.session_id)
    shop.wire.down = False
    shop.world.clock.advance(5)
    assert (await checkouts.expire(shop.payments, OPERATOR, created.session_id)).status == "expired"


# -- twice ---------------------------------------------------------------------------------------------


async def test_a_replay_answers_as_at_first_whatever_became_of_it(shop: Shop) -> None:
    """Paid meanwhile, or expired: the same session and page under the same key, and nothing is sent."""
    first = await _subscribe(shop, key="k")
    await _paid(shop, first)
    sent = len(shop.requests("POST", "/v1/checkout"))
    assert await _subscribe(shop, key="k") == first
    second = await _open(shop, ADA, key="other")
    shop.world.clock.advance(5)
    await checkouts.expire(shop.payments, ADA, second.session_id)
    assert await _open(shop, ADA, key="other") == second
    assert len(shop.requests("POST", "/v1/checkout/sessions")) == sent + 2


async def test_nobody_subscribes_twice_by_mistake(shop: Shop) -> None:
    """To another price of the same product, neither; on purpose one may, and another product is free."""
    await _paid(shop, await _subscribe(shop))
    (subscription,) = shop.world.find("subscription")
    product = subscription["items"]["data"][0]["price"]["product"]
    yearly = await shop.post(
        "prices",
        currency="usd",
        unit_amount="15000",
        product=product,
        **{"recurring[interval]": "year"},
    )
    sent = len(shop.requests("POST", "/v1/checkout"))
    for price in (None, yearly["id"]):
        more = {} if price is None else {"price_id": price, "mode": CheckoutMode.SUBSCRIPTION}
        with pytest.raises(Conflict) as refused:
            await (_open(shop, ADA, **more) if more else _subscribe(shop))
        assert refused.value.code == "already_subscribed"
    assert len(shop.requests("POST", "/v1/checkout")) == sent
    assert (await _subscribe(shop, allow_second=True)).checkout_url
    assert (await _subscribe(shop, amount=900)).checkout_url
    assert (await _open(shop, ADA)).checkout_url


@on_sqlite
async def test_the_guard_is_the_operator_s_choice(shop: Shop) -> None:
    """`any`: not even another product. `off`: everything goes."""
    await _paid(shop, await _subscribe(shop))
    _configure(shop, PAYMENT_ONE_SUBSCRIPTION="any")
    with pytest.raises(Conflict):
        await _subscribe(shop, amount=900)
    _configure(shop, PAYMENT_ONE_SUBSCRIPTION="off")
    assert (await _subscribe(shop)).checkout_url


async def test_it_looks_at_all_customers_of_one_user(shop: Shop) -> None:
    """A subscription of a customer that was linked counts; an ended one doesn't."""
    created = await _subscribe(shop, OPERATOR)
    await _paid(shop, created)
    (subscription,) = shop.world.find("subscription")
    assert (await _subscribe(shop)).checkout_url
    await customers.link(shop.payments, OPERATOR, subscription["customer"], "7")
    with pytest.raises(Conflict):
        await _subscribe(shop)
    shop.world.clock.advance(5)
    await shop.delete(f"subscriptions/{subscription['id']}")
    await shop.settle()
    assert (await _subscribe(shop)).checkout_url
