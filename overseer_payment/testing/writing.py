"""Writes: checkouts, customers and refunds, each under an idempotency key."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from overseer_payment.errors import ProviderRejected
from overseer_payment.provider import (
    Capability,
    CheckoutMode,
    CheckoutStatus,
    CustomerRequest,
    Kind,
    Provider,
    ProviderSpec,
    RefundSnapshot,
    Source,
    TransactionStatus,
)
from overseer_payment.testing.case import ConformanceCase, Pay, needs, refund_of
from overseer_payment.testing.declaration import checkout
from overseer_payment.testing.snapshots import check_snapshot

Key = Callable[[], str]
_ALIVE = {TransactionStatus.SUCCEEDED, TransactionStatus.PENDING}


class CheckoutTests(ConformanceCase):
    """Opening a hosted checkout."""

    @needs(Capability.CHECKOUT_PAYMENT)
    async def test_a_checkout_has_a_page_to_send_the_buyer_to(
        self, provider: Provider, spec: ProviderSpec, price: str, key: Key
    ) -> None:
        """It is open, unpaid, in the provider's mode, and its page is an absolute URL."""
        made = await provider.create_checkout(checkout(CheckoutMode.PAYMENT, price), idempotency_key=key())
        check_snapshot(made, spec)
        assert (made.status, made.mode) == (CheckoutStatus.OPEN, CheckoutMode.PAYMENT)
        assert made.livemode == provider.livemode
        assert made.as_of.source is Source.READ
        assert made.url
        assert urlsplit(made.url).scheme in {"http", "https"}
        assert urlsplit(made.url).hostname

    @needs(Capability.CHECKOUT_PAYMENT)
    async def test_one_key_opens_one_checkout(self, provider: Provider, price: str, key: Key) -> None:
        """The same key again answers the same session, another key opens another."""
        request, once = checkout(CheckoutMode.PAYMENT, price), key()
        first = await provider.create_checkout(request, idempotency_key=once)
        again = await provider.create_checkout(request, idempotency_key=once)
        other = await provider.create_checkout(request, idempotency_key=key())
        assert again.id == first.id != other.id

    @needs(Capability.CHECKOUT_SUBSCRIPTION)
    async def test_a_subscription_checkout_is_one(
        self, provider: Provider, recurring_price: str, key: Key
    ) -> None:
        """It says that it sells a subscription."""
        request = checkout(CheckoutMode.SUBSCRIPTION, recurring_price)
        assert (
            await provider.create_checkout(request, idempotency_key=key())
        ).mode is CheckoutMode.SUBSCRIPTION

    @needs(Capability.CHECKOUT_PAYMENT)
    async def test_an_unknown_price_is_rejected(self, provider: Provider, key: Key) -> None:
        """A price that the provider doesn't have is a definite no."""
        request = checkout(CheckoutMode.PAYMENT, "price_absent_0000")
        with pytest.raises(ProviderRejected):
            await provider.create_checkout(request, idempotency_key=key())


class CustomerTests(ConformanceCase):
    """Creating customers."""

    @needs(Capability.CUSTOMERS)
    async def test_one_key_creates_one_customer(
        self, provider: Provider, spec: ProviderSpec, key: Key
    ) -> None:
        """The customer has the e-mail, name and metadata asked for, and the same key answers it again."""
        request = CustomerRequest(email="ada@shop.example", name="Ada", metadata={"user": "7"})
        once = key()
        made = await provider.create_customer(request, idempotency_key=once)
        check_snapshot(made, spec)
        assert (made.email, made.name, made.metadata) == ("ada@shop.example", "Ada", {"user": "7"})
        assert (await provider.create_customer(request, idempotency_key=once)).id == made.id
        assert made.ref in {snapshot.ref for snapshot in await provider.fetch(made.ref)}


class RefundTests(ConformanceCase):
    """Giving money back: never twice, never more than was paid."""

    @needs(Capability.REFUND)
    async def test_a_refund_comes_first_in_the_answer(
        self, provider: Provider, spec: ProviderSpec, pay: Pay, key: Key
    ) -> None:
        """The answer leads with the refund: its sum, its currency, and which payment it belongs to."""
        request = await refund_of(provider, await pay(1000, "usd"), 1000)
        answer = await provider.refund(request, idempotency_key=key())
        refund = answer[0]
        assert isinstance(refund, RefundSnapshot)
        assert (refund.amount, refund.currency.upper(), refund.status in _ALIVE) == (1000, "USD", True)
        assert refund.payment or refund.charge
        for snapshot in answer:
            check_snapshot(snapshot, spec)

    @needs(Capability.REFUND)
    async def test_one_key_refunds_once(self, provider: Provider, pay: Pay, key: Key) -> None:
        """A retry under the same key is the same refund, and the money moved once."""
        transaction, once = await pay(1000, "usd"), key()
        request = await refund_of(provider, transaction, 1000)
        first = await provider.refund(request, idempotency_key=once)
        again = await provider.refund(request, idempotency_key=once)
        assert again[0].id == first[0].id
        assert await _refunded(provider, transaction) == [1000]

    @needs(Capability.PARTIAL_REFUND)
    async def test_parts_add_up_to_the_whole(self, provider: Provider, pay: Pay, key: Key) -> None:
        """400 and 600 of 1000 are two refunds that together give everything back."""
        transaction = await pay(1000, "usd")
        for part in (400, 600):
            await provider.refund(await refund_of(provider, transaction, part), idempotency_key=key())
        assert sorted(await _refunded(provider, transaction)) == [400, 600]

    @needs(Capability.PARTIAL_REFUND)
    async def test_equal_parts_are_two_refunds(self, provider: Provider, pay: Pay, key: Key) -> None:
        """Two intents of the same sum are two refunds: the key tells them apart, not the amount."""
        transaction = await pay(1000, "usd")
        request = await refund_of(provider, transaction, 300)
        ids = {(await provider.refund(request, idempotency_key=key()))[0].id for _ in range(2)}
        assert len(ids) == 2
        assert await _refunded(provider, transaction) == [300, 300]

    @needs(Capability.REFUND)
    async def test_more_than_was_paid_is_rejected(self, provider: Provider, pay: Pay, key: Key) -> None:
        """An over-refund is a definite no, also as the sum of parts, and moves nothing."""
        transaction = await pay(1000, "usd")
        with pytest.raises(ProviderRejected):
            await provider.refund(await refund_of(provider, transaction, 1001), idempotency_key=key())
        await provider.refund(await refund_of(provider, transaction, 1000), idempotency_key=key())
        with pytest.raises(ProviderRejected):
            await provider.refund(await refund_of(provider, transaction, 1), idempotency_key=key())
        assert await _refunded(provider, transaction) == [1000]


class WritingTests(CheckoutTests, CustomerTests, RefundTests):
    """Every write that the contract knows."""


async def _refunded(provider: Provider, transaction: str) -> list[int]:
    """The sums of the transaction's refunds, as the provider tells them."""
    snapshots = list(await provider.get_transaction(transaction))
    for ref in {snapshot.ref for snapshot in snapshots if snapshot.kind in {Kind.CHARGE, Kind.PAYMENT}}:
        snapshots.extend(await provider.fetch(ref))
    refunds = {snapshot.id: snapshot for snapshot in snapshots if isinstance(snapshot, RefundSnapshot)}
    return [refund.amount for refund in refunds.values() if refund.status in _ALIVE]
