"""Checkouts when something is wrong: time-outs, nobody there, nothing to sell, late money."""

from __future__ import annotations

import asyncio

import pytest

from overseer_payment import tables
from overseer_payment.errors import (
    ConfigurationError,
    IdempotencyConflict,
    Invalid,
    NotFound,
    OutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
)
from overseer_payment.ledger.accounts import Account
from overseer_payment.provider import Kind, Ref
from overseer_payment.reading import Reader
from overseer_payment.schemas import Viewer
from overseer_payment.simulator import World
from tests.service.opening import checkout_body, open_checkout
from tests.service.shop import OPERATOR, Shop, service, settings_of

pytestmark = pytest.mark.anyio


async def test_what_makes_no_sense_is_refused_before_anything_is_sent(shop: Shop) -> None:
    """No price, a trial of a one-off payment."""
    for wrong in ({"price_id": None}, {"trial_period_days": 7}):
        with pytest.raises(Invalid):
            await open_checkout(shop, **wrong)
    assert shop.requests("POST", "/v1/checkout") == []
    assert await shop.count(tables.operation) == 0


async def test_a_provider_that_is_not_installed_is_the_caller_s_mistake(shop: Shop) -> None:
    """Told with those that are; nothing is sent."""
    with pytest.raises(Invalid, match=r"no payment provider 'nope' \(installed: stripe\)"):
        await open_checkout(shop, provider="nope")
    with pytest.raises(Invalid, match="'nope'"):
        await shop.payments.catalog(OPERATOR, "nope")
    assert shop.requests("POST", "/v1/checkout") == []


async def test_one_key_is_one_session(shop: Shop) -> None:
    """The same key: the same session, also at the same moment; with other parameters: 409."""
    both = await asyncio.gather(open_checkout(shop, key="k"), open_checkout(shop, key="k"))
    again = await open_checkout(shop, key="k")
    assert {created.session_id for created in (*both, again)} == {again.session_id}
    assert shop.made("checkout.session") == 1
    with pytest.raises(IdempotencyConflict):
        await open_checkout(shop, key="k", quantity=2)
    other = await open_checkout(shop, Viewer.operator("cli:somebody-else"), key="k", quantity=2)
    assert other.session_id != again.session_id


@pytest.mark.parametrize("after_effect", [True, False])
async def test_a_time_out_makes_one_session(shop: Shop, after_effect: bool) -> None:
    """Unknown, then repeated by the caller under the same key: one session, and its address."""
    await checkout_body(shop)
    shop.world.faults.time_out("POST", "/v1/checkout/*", after_effect=after_effect, times=3)
    with pytest.raises(OutcomeUnknown):
        await open_checkout(shop, key="k")
    created = await open_checkout(shop, key="k")
    assert created.checkout_url.startswith("http")
    assert shop.made("checkout.session") == 1


async def test_an_unreachable_provider_is_said_and_forgotten(shop: Shop) -> None:
    """503 at once, and the key is free: nothing happened."""
    await checkout_body(shop)
    shop.wire.down = True
    with pytest.raises(ProviderUnavailable):
        await open_checkout(shop, key="k")
    shop.wire.down = False
    await open_checkout(shop, key="k")
    assert shop.made("checkout.session") == 1


async def test_an_unknown_price_is_the_caller_s_mistake(shop: Shop) -> None:
    """422 with the provider's sentence; repeated under its key without asking again."""
    for _ in range(2):
        with pytest.raises(ProviderRejected, match="price_gone") as refused:
            await open_checkout(shop, key="k", price_id="price_gone")
        assert refused.value.status == 422
    assert len(shop.requests("POST", "/v1/checkout")) == 1


async def test_without_a_provider_nothing_can_be_sold(shop: Shop, world: World) -> None:
    """No key set: one clear sentence; reading goes on."""
    bare = service(shop.wire, shop.engine, {"OVERSEER_SAFE_MODE": "1"})
    with pytest.raises(ConfigurationError, match="STRIPE_SECRET_KEY"):
        await bare.create_checkout(OPERATOR, await checkout_body(shop))
    assert (await bare.status(OPERATOR)).enabled is False
    await bare.aclose()
    assert "STRIPE_SECRET_KEY" in settings_of(world)


async def test_the_success_page_asks_the_provider_when_no_event_came(shop: Shop) -> None:
    """Webhooks lost or not set up: who comes back from paying still reads that it is paid."""
    shop.world.faults.drop("*", times=None)
    await shop.payments.start()
    session = await shop.buy(1000)
    landed = await shop.payments.landing(session)
    assert (landed.status, landed.payment_state, landed.amount_total) == ("complete", "paid", 1000)


async def test_the_success_page_answers_with_the_provider_away(shop: Shop) -> None:
    """It says what the ledger knows: still open. An unknown session: 404."""
    await shop.payments.start()
    created = await open_checkout(shop)
    shop.wire.down = True
    started = asyncio.get_running_loop().time()
    assert (await shop.payments.landing(created.session_id)).status == "open"
    assert asyncio.get_running_loop().time() - started < 10
    with pytest.raises(NotFound):
        await shop.payments.landing("cs_test_guessed")


async def test_a_success_page_that_many_ask_for_is_looked_up_twice_at_most(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strangers may call it: however many do at once, they cause no more than two looks at the session."""
    await shop.payments.start()
    created = await open_checkout(shop)
    want, wanted = Reader.want, list[Ref]()

    async def noted(reader: Reader, account: Account, ref: Ref) -> None:
        wanted.append(ref)
        await want(reader, account, ref)

    monkeypatch.setattr(Reader, "want", noted)
    landed = await asyncio.gather(*(shop.payments.landing(created.session_id) for _ in range(20)))
    assert {row.status for row in landed} == {"open"}
    assert set(wanted) == {Ref(Kind.CHECKOUT, created.session_id)}
    assert len(wanted) <= 2
