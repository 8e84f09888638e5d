"""Each provider method with the real SDK against the stateful simulator, in this process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from overseer_payment.errors import ObjectAbsent, OutcomeUnknown, ProviderAuthError, ProviderRejected
from overseer_payment.provider import (
    ChargeSnapshot,
    CheckoutMode,
    CheckoutPaymentState,
    CheckoutRequest,
    CheckoutSnapshot,
    CheckoutStatus,
    CustomerRequest,
    CustomerSnapshot,
    DisputeKind,
    DisputeSnapshot,
    InvoicePaymentSnapshot,
    InvoiceSnapshot,
    Kind,
    PaymentSnapshot,
    ProductSnapshot,
    Ref,
    RefundRequest,
    RefundSnapshot,
    Snapshot,
    SubscriptionSnapshot,
    SubscriptionStatus,
    TransactionStatus,
)
from overseer_payment.provider_plugins.stripe.provider import StripeProvider
from overseer_payment.provider_plugins.stripe.webhook import envelope
from overseer_payment.simulator import World, transport
from overseer_payment.simulator.cards import BY_NAME
from overseer_payment.simulator.resources.checkout_flow import Payer, submit
from overseer_payment.simulator.resources.disputes import open_dispute
from overseer_payment.simulator.resources.early_fraud_warnings import warn
from tests.provider_plugins.stripe.conftest import Naps
from tests.provider_plugins.stripe.payloads import settings

pytestmark = pytest.mark.anyio

ADA = Payer(email="ada@example.com", name="Ada", instrument=BY_NAME["pm_card_visa"])
URLS: dict[str, Any] = {"success_url": "https://app.example/ok", "cancel_url": "https://app.example/no"}


@pytest.fixture
def begins() -> datetime:
    """On a day that never changes."""
    return datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=transport(world)) as client:
        yield client


def _provider(http: httpx.AsyncClient, key: str, naps: Naps) -> StripeProvider:
    base = settings(STRIPE_SECRET_KEY=key, STRIPE_API_BASE="http://simulator.invalid")
    return StripeProvider(base, http, sleep=naps)


@pytest.fixture
def provider(world: World, http: httpx.AsyncClient, naps: Naps) -> StripeProvider:
    return _provider(http, world.secret_key, naps)


class Merchant:
    """What a merchant does at Stripe besides what we ask for."""

    def __init__(self, world: World, http: httpx.AsyncClient) -> None:
        self._world, self._http = world, http

    async def post(self, path: str, method: str = "POST", **params: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._world.secret_key}"}
        url = f"http://simulator/v1/{path}"
        answer = await self._http.request(method, url, data=params or None, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def price(self, amount: int = 2000, *, interval: str | None = None, currency: str = "usd") -> str:
        params = {"currency": currency, "unit_amount": str(amount), "product_data[name]": "Growth"}
        if interval:
            params["recurring[interval]"] = interval
        return str((await self.post("prices", **params))["id"])


@pytest.fixture
def merchant(world: World, http: httpx.AsyncClient) -> Merchant:
    return Merchant(world, http)


async def _bought(
    provider: StripeProvider, world: World, price: str, mode: CheckoutMode = CheckoutMode.PAYMENT, **more: Any
) -> str:
    """A session that somebody has just paid; its id."""
    request = CheckoutRequest(mode=mode, price=price, **URLS, **more)
    session = await provider.create_checkout(request, idempotency_key=f"buy-{price}")
    assert session.url
    assert session.status is CheckoutStatus.OPEN
    assert submit(world, world.get("checkout.session", session.id), ADA).kind == "done"
    return session.id


def _one(snapshots: Any, kind: type[Any]) -> Any:
    (found,) = [snapshot for snapshot in snapshots if isinstance(snapshot, kind)]
    return found


async def test_prices_are_listed(provider: StripeProvider, merchant: Merchant) -> None:
    """One-off and recurring prices, each with its product's name."""
    once, monthly = await merchant.price(), await merchant.price(500, interval="month", currency="eur")
    found = {price.id: price async for price in provider.list_prices()}
    assert found[once].product_name == "Growth"
    assert (found[monthly].amount, found[monthly].interval, found[monthly].currency) == (500, "month", "eur")


async def test_a_customer_lives_and_is_deleted(provider: StripeProvider, merchant: Merchant) -> None:
    """Made once per key, found again, and known to be deleted afterwards."""
    request = CustomerRequest(email="ada@example.com", name="Ada", metadata={"user": "7"})
    made = await provider.create_customer(request, idempotency_key="c-1")
    again = await provider.create_customer(request, idempotency_key="c-1")
    assert made.id == again.id
    (found,) = await provider.fetch(made.ref)
    assert isinstance(found, CustomerSnapshot)
    assert (found.email, found.metadata, found.deleted) == ("ada@example.com", {"user": "7"}, False)
    await merchant.post(f"customers/{made.id}", method="DELETE")
    (gone,) = await provider.fetch(made.ref)
    assert isinstance(gone, CustomerSnapshot)
    assert gone.deleted


@pytest.mark.parametrize("by", ["pi", "ch", "cs"])
async def test_a_payment_is_one_by_any_of_its_ids(
    provider: StripeProvider, world: World, merchant: Merchant, by: str
) -> None:
    """Session, payment intent and charge lead to the same payment, with its metadata."""
    session = await _bought(provider, world, await merchant.price(), metadata={"order": "7"})
    told = await provider.fetch(Ref(Kind.CHECKOUT, session))
    checkout = told[0]
    assert isinstance(checkout, CheckoutSnapshot)
    assert checkout.payment_state is CheckoutPaymentState.PAID
    ids = {"cs": session, "pi": checkout.payment, "ch": _one(told, ChargeSnapshot).id}
    payment = _one(await provider.get_transaction(str(ids[by])), PaymentSnapshot)
    assert (payment.id, payment.amount_received) == (checkout.payment, 2000)
    assert payment.status is TransactionStatus.SUCCEEDED
    assert payment.metadata == {"order": "7"}


async def test_refunds_add_up(provider: StripeProvider, world: World, merchant: Merchant) -> None:
    """Two partial refunds are two rows; the third, beyond what is left, is refused and changes nothing."""
    session = await _bought(provider, world, await merchant.price())
    payment = str(_one(await provider.get_transaction(session), PaymentSnapshot).id)
    for number, amount in enumerate((600, 1400)):
        request = RefundRequest(amount=amount, currency="usd", payment=payment, reason="too many")
        snapshots = await provider.refund(request, idempotency_key=f"r-{number}")
        assert isinstance(snapshots[0], RefundSnapshot)
        assert (snapshots[0].amount, snapshots[0].metadata) == (amount, {"reason": "too many"})
    charge = _one(snapshots, ChargeSnapshot)
    assert charge.amount_refunded == 2000
    with pytest.raises(ProviderRejected) as caught:
        await provider.refund(replace(request, amount=1), idempotency_key="r-9")
    assert caught.value.code == "charge_already_refunded"
    rows = [s for s in await provider.fetch(charge.ref) if isinstance(s, RefundSnapshot)]
    assert sorted(row.amount for row in rows) == [600, 1400]


async def test_a_lost_answer_is_found_again_under_the_same_key(
    provider: StripeProvider, world: World, merchant: Merchant
) -> None:
    """However often the answer is lost, Stripe refunds once; until it is heard the outcome is unknown."""
    session = await _bought(provider, world, await merchant.price())
    payment = str(_one(await provider.get_transaction(session), PaymentSnapshot).id)
    request = RefundRequest(amount=500, currency="usd", payment=payment)
    world.faults.time_out("POST", "/v1/refunds", after_effect=True, times=None)
    with pytest.raises(OutcomeUnknown):
        await provider.refund(request, idempotency_key="r-1")
    world.faults.clear()
    world.clock.advance(3600)
    refund = (await provider.refund(request, idempotency_key="r-1"))[0]
    assert [row["id"] for row in world.find("refund")] == [refund.id]
    assert refund.as_of.moment == refund.occurred_at  # a replay tells nothing newer than itself


async def test_a_subscription_and_its_invoice(
    provider: StripeProvider, world: World, merchant: Merchant
) -> None:
    """A subscription checkout leads to a subscription, an invoice and the payment that paid it."""
    price = await merchant.price(interval="month")
    session = await _bought(provider, world, price, CheckoutMode.SUBSCRIPTION, metadata={"seat": "x"})
    told = await provider.get_transaction(session)
    subscription, payment = _one(told, SubscriptionSnapshot), _one(told, PaymentSnapshot)
    assert (subscription.status, subscription.metadata) == (SubscriptionStatus.ACTIVE, {"seat": "x"})
    assert payment.amount_received == 2000
    (fetched, *rest) = await provider.fetch(subscription.ref)
    assert isinstance(fetched, SubscriptionSnapshot)
    assert (fetched.items[0].price, fetched.items[0].interval) == (price, "month")
    product = _one(rest, ProductSnapshot)
    assert (product.id, product.name) == (fetched.items[0].product, "Growth")
    assert fetched.current_period_start is not None
    assert fetched.current_period_end is not None
    invoice = _one(rest, InvoiceSnapshot)
    for id in (invoice.id, payment.id):
        link = _one(await provider.get_transaction(id), InvoicePaymentSnapshot)
        assert (link.invoice, link.payment, link.status, link.amount_paid) == (
            invoice.id,
            payment.id,
            "paid",
            2000,
        )
        assert (await provider.fetch(link.ref))[0].id == link.id


async def test_a_trial_costs_nothing_yet(provider: StripeProvider, world: World, merchant: Merchant) -> None:
    """A session that needs no payment says so, and the subscription is trialing."""
    price = await merchant.price(interval="month")
    session = await _bought(provider, world, price, CheckoutMode.SUBSCRIPTION, trial_period_days=14)
    told = await provider.fetch(Ref(Kind.CHECKOUT, session))
    assert _one(told, CheckoutSnapshot).payment_state is not CheckoutPaymentState.UNPAID
    assert _one(told, SubscriptionSnapshot).status is SubscriptionStatus.TRIALING


async def test_a_card_can_be_saved(provider: StripeProvider, world: World) -> None:
    """Setup mode moves no money."""
    request = CheckoutRequest(mode=CheckoutMode.SETUP, currency="usd", **URLS)
    session = await provider.create_checkout(request, idempotency_key="s-1")
    assert submit(world, world.get("checkout.session", session.id), ADA).kind == "done"
    (found, *_) = await provider.fetch(session.ref)
    assert isinstance(found, CheckoutSnapshot)
    assert (found.mode, found.status, found.payment) == (CheckoutMode.SETUP, CheckoutStatus.COMPLETE, None)


async def test_disputes_and_warnings(provider: StripeProvider, world: World, merchant: Merchant) -> None:
    """Both name the charge and come with it; the warning takes its currency from there."""
    session = await _bought(provider, world, await merchant.price())
    charge = _one(await provider.get_transaction(session), ChargeSnapshot)
    warning, dispute = warn(world, charge.id), open_dispute(world, charge.id)
    found = await provider.fetch(Ref(Kind.DISPUTE, str(warning["id"])))
    assert _one(found, DisputeSnapshot).dispute_kind is DisputeKind.FRAUD_WARNING
    assert _one(found, DisputeSnapshot).currency == "usd"
    found = await provider.fetch(Ref(Kind.DISPUTE, str(dispute["id"])))
    assert _one(found, DisputeSnapshot).funds_withdrawn == 2000
    assert _one(found, ChargeSnapshot).disputed


async def test_events_and_reads_say_the_same(
    provider: StripeProvider, world: World, merchant: Merchant
) -> None:
    """The last event about an object and a read of it give equal snapshots, and the read is the newer."""
    session = await _bought(provider, world, await merchant.price())
    payment = str(_one(await provider.get_transaction(session), PaymentSnapshot).id)
    await provider.refund(RefundRequest(amount=500, currency="usd", payment=payment), idempotency_key="r-1")
    world.clock.advance(1)
    await _bought(provider, world, await merchant.price(interval="month"), CheckoutMode.SUBSCRIPTION)
    told: dict[Ref, Snapshot] = {}
    for event in world.events:
        for snapshot in provider.parse(envelope(json.loads(json.dumps(event)))).snapshots:
            told[snapshot.ref] = snapshot
    kinds = {ref.kind for ref in told}
    # No event tells all of a price: each is read.
    assert kinds >= set(Kind) - {Kind.DISPUTE, Kind.PRICE}
    for ref, by_event in told.items():
        by_read = (await provider.fetch(ref))[0]
        assert by_read.as_of.version > by_event.as_of.version, ref
        assert _comparable(by_read) == _comparable(by_event), ref


def _comparable(snapshot: Snapshot) -> Snapshot:
    moment = replace(snapshot, raw={}, as_of=replace(snapshot.as_of, moment=snapshot.occurred_at))
    return replace(moment, as_of=None)  # type: ignore[arg-type]  # left out of the comparison


async def test_what_is_not_there_is_absent(provider: StripeProvider) -> None:
    """For every kind."""
    ids = {Kind.CHECKOUT: "cs_test_no", Kind.DISPUTE: "dp_no", Kind.INVOICE_PAYMENT: "inpay_no"}
    for kind in Kind:
        with pytest.raises(ObjectAbsent):
            await provider.fetch(Ref(kind, ids.get(kind, "no_such")))
    with pytest.raises(ProviderRejected, match="price_no"):
        await provider.create_checkout(
            CheckoutRequest(mode=CheckoutMode.PAYMENT, price="price_no", **URLS), idempotency_key="x"
        )


async def test_health(provider: StripeProvider, world: World, http: httpx.AsyncClient, naps: Naps) -> None:
    """With the right key it names the account; with a wrong one it says so, and reads are refused."""
    health = await provider.health_check()
    assert (health.healthy, health.account) == (True, world.account)
    stranger = _provider(http, "sk_test_stranger", naps)
    assert not (await stranger.health_check()).healthy
    with pytest.raises(ProviderAuthError):
        await stranger.fetch(Ref(Kind.CUSTOMER, "cus_1"))
