"""Payment intents and charges: what each test card does, and where the money is afterwards."""

from __future__ import annotations

import pytest
import stripe

from overseer_payment.simulator import World
from tests.simulator.resources_kit import DAY, assert_conserved, booked, logged, refusal

pytestmark = pytest.mark.anyio

Params = stripe.params.PaymentIntentCreateParams


def paying(method: str, amount: int = 1000, currency: str = "usd") -> Params:
    return {"amount": amount, "currency": currency, "payment_method": method, "confirm": True}


async def test_a_good_card_pays_at_once(world: World, sdk: stripe.StripeClient) -> None:
    """Charge and intent succeed, in that order, and the balance holds the sum."""
    with logged(world) as log:
        intent = await sdk.v1.payment_intents.create_async(
            {**paying("pm_card_visa"), "expand": ["latest_charge.balance_transaction"]}
        )
    assert log == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
    assert (intent.status, intent.amount_received) == ("succeeded", 1000)
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert (charge.payment_intent, charge.captured, charge.amount_captured) == (intent.id, True, 1000)
    assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
    assert (charge.balance_transaction.net, charge.balance_transaction.fee) == (1000, 0)
    assert booked(world) == 1000


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_radarBlock", "card_declined", "fraudulent"),
    ],
)
async def test_a_declined_card_is_a_card_error_and_a_failed_charge(
    world: World, sdk: stripe.StripeClient, method: str, code: str, decline_code: str
) -> None:
    """The error names code and decline code; charge and intent tell of it; no money moves."""
    with logged(world) as log, pytest.raises(stripe.CardError) as caught:
        await sdk.v1.payment_intents.create_async(paying(method))
    error = caught.value.error
    assert error is not None
    assert (caught.value.http_status, caught.value.code, error.decline_code) == (402, code, decline_code)
    assert log == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
    intent = log.of("payment_intent.payment_failed")[0]
    assert intent["status"] == "requires_payment_method"
    assert intent["last_payment_error"]["charge"] == intent["latest_charge"]
    assert booked(world) == 0


async def test_another_card_can_pay_after_a_decline(world: World, sdk: stripe.StripeClient) -> None:
    """One intent holds both attempts as charges, newest first."""
    with pytest.raises(stripe.CardError):
        await sdk.v1.payment_intents.create_async(paying("pm_card_chargeDeclined"))
    id = world.find("payment_intent")[0]["id"]
    await sdk.v1.payment_intents.confirm_async(id, {"payment_method": "pm_card_visa"})
    charges = await sdk.v1.charges.list_async({"payment_intent": id})
    assert sorted(charge.status for charge in charges.data) == ["failed", "succeeded"]
    assert booked(world) == 1000


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (49, "usd", "amount_too_small"),
        (49, "jpy", "amount_too_small"),
        (29, "gbp", "amount_too_small"),
        (100_000_000, "usd", "amount_too_large"),
        (5125, "kwd", "invalid_charge_amount_no_decimal_compatible"),
        (1050, "isk", "invalid_charge_amount_no_decimal_compatible"),
    ],
)
async def test_sums_that_nobody_can_charge_are_refused(
    world: World, sdk: stripe.StripeClient, amount: int, currency: str, code: str
) -> None:
    """Minimum, maximum and the step of a currency are Stripe's; nothing is stored."""
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.payment_intents.create_async(paying("pm_card_visa", amount, currency))
    assert refusal(caught) == (code, "amount")
    assert world.events == []


async def test_an_authorization_is_captured_in_part(world: World, sdk: stripe.StripeClient) -> None:
    """Only what is captured reaches the balance; the rest can't be captured later."""
    with logged(world) as log:
        intent = await sdk.v1.payment_intents.create_async(
            {**paying("pm_card_visa"), "capture_method": "manual"}
        )
        assert (intent.status, intent.amount_capturable, booked(world)) == ("requires_capture", 1000, 0)
        await sdk.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 600})
    assert log[2:] == [
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
    ]
    assert booked(world) == 600
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.payment_intents.capture_async(intent.id)
    assert refusal(caught)[0] == "payment_intent_unexpected_state"


async def test_canceling_releases_an_authorization(world: World, sdk: stripe.StripeClient) -> None:
    """The charge is shown as refunded although it was never captured, and nothing was ever booked."""
    intent = await sdk.v1.payment_intents.create_async({**paying("pm_card_visa"), "capture_method": "manual"})
    with logged(world) as log:
        canceled = await sdk.v1.payment_intents.cancel_async(
            intent.id, {"cancellation_reason": "requested_by_customer"}
        )
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "requested_by_customer")
    assert log == ["charge.refunded", "payment_intent.canceled"]
    assert log.of("charge.refunded")[0]["captured"] is False
    assert booked(world) == 0


@pytest.mark.parametrize(
    ("method", "currency", "end", "last"),
    [
        ("pm_usBankAccount_success", "usd", "succeeded", "payment_intent.succeeded"),
        (
            "pm_usBankAccount_insufficientFunds",
            "usd",
            "requires_payment_method",
            "payment_intent.payment_failed",
        ),
        ("pm_sepa_settles", "eur", "succeeded", "payment_intent.succeeded"),
        ("pm_sepa_fails", "eur", "requires_payment_method", "payment_intent.payment_failed"),
    ],
)
async def test_a_bank_debit_is_decided_three_days_later(
    world: World, sdk: stripe.StripeClient, method: str, currency: str, end: str, last: str
) -> None:
    """Meanwhile intent and charge are pending and no money is booked."""
    with logged(world) as log:
        intent = await sdk.v1.payment_intents.create_async(paying(method, 1000, currency))
    assert log == ["payment_intent.created", "charge.pending", "payment_intent.processing"]
    assert (intent.status, booked(world, currency)) == ("processing", 0)
    world.clock.advance(3 * DAY - 1)
    assert (await sdk.v1.payment_intents.retrieve_async(intent.id)).status == "processing"
    world.clock.advance(1)
    assert (await sdk.v1.payment_intents.retrieve_async(intent.id)).status == end
    assert world.events[-1]["type"] == last
    assert_conserved(world)


async def test_a_card_that_asks_back_waits_for_the_payer(world: World, sdk: stripe.StripeClient) -> None:
    """3-D Secure: no charge until it is passed; the next action names the page."""
    intent = await sdk.v1.payment_intents.create_async(
        {**paying("pm_card_threeDSecure2Required"), "return_url": "https://shop.example.com/back"}
    )
    assert (intent.status, intent.latest_charge) == ("requires_action", None)
    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    assert intent.next_action.redirect_to_url.url == f"{world.public_url}/3ds/{intent.id}"


async def test_off_session_attempts_meet_what_renewals_meet(world: World, sdk: stripe.StripeClient) -> None:
    """A card that fails on renewal and one that always asks back are declined when nobody is there."""
    for method, decline in (
        ("pm_card_chargeCustomerFail", "generic_decline"),
        ("pm_card_authenticationRequired", "authentication_required"),
    ):
        with pytest.raises(stripe.CardError) as caught:
            await sdk.v1.payment_intents.create_async({**paying(method), "off_session": True})
        assert caught.value.error is not None
        assert caught.value.error.decline_code == decline


async def test_a_paid_intent_is_not_confirmed_again(world: World, sdk: stripe.StripeClient) -> None:
    """Confirming, canceling and changing the sum of a paid intent are refused; the error holds the intent."""
    intent = await sdk.v1.payment_intents.create_async(paying("pm_card_visa"))
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.payment_intents.confirm_async(intent.id)
    assert refusal(caught)[0] == "payment_intent_unexpected_state"
    with pytest.raises(stripe.InvalidRequestError):
        await sdk.v1.payment_intents.cancel_async(intent.id)
    with pytest.raises(stripe.InvalidRequestError):
        await sdk.v1.payment_intents.update_async(intent.id, {"amount": 5})


async def test_the_balance_is_pending_first_and_per_currency(world: World, sdk: stripe.StripeClient) -> None:
    """Two days later it is available; currencies are never summed."""
    await sdk.v1.payment_intents.create_async(paying("pm_card_visa", 1000, "usd"))
    await sdk.v1.payment_intents.create_async(paying("pm_card_visa", 500000, "jpy"))
    balance = await sdk.v1.balance.retrieve_async()
    assert {(f.currency, f.amount) for f in balance.pending} == {("usd", 1000), ("jpy", 500000)}
    world.clock.advance(2 * DAY)
    balance = await sdk.v1.balance.retrieve_async()
    assert {(f.currency, f.amount) for f in balance.available} == {("usd", 1000), ("jpy", 500000)}
    assert {f.amount for f in balance.pending} == {0}


async def test_setting_up_saves_a_card_for_later(world: World, sdk: stripe.StripeClient) -> None:
    """A setup intent takes no money; a declined card can't be saved."""
    customer = await sdk.v1.customers.create_async({"email": "ada@example.com"})
    setup = await sdk.v1.setup_intents.create_async(
        {"customer": customer.id, "payment_method": "pm_card_visa", "confirm": True}
    )
    assert setup.status == "succeeded"
    with pytest.raises(stripe.CardError):
        await sdk.v1.payment_methods.attach_async("pm_card_chargeDeclined", {"customer": customer.id})
    assert booked(world) == 0
