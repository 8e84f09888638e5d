"""Reading from the provider: fetch, transactions, money, prices, health, links."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from overseer_payment.errors import ObjectAbsent
from overseer_payment.provider import (
    Capability,
    CheckoutMode,
    Kind,
    Provider,
    ProviderSpec,
    Ref,
    Snapshot,
    Source,
    TransactionStatus,
)
from overseer_payment.testing.case import ConformanceCase, Pay, money_of, needs
from overseer_payment.testing.declaration import checkout
from overseer_payment.testing.snapshots import check_snapshot


class ReadingTests(ConformanceCase):
    """What is read is what is there."""

    async def test_what_is_absent_is_said_to_be(self, provider: Provider, absent: Sequence[Ref]) -> None:
        """`fetch` and `get_transaction` raise ObjectAbsent: never an empty answer, never a guess."""
        for ref in absent:
            with pytest.raises(ObjectAbsent):
                await provider.fetch(ref)
            with pytest.raises(ObjectAbsent):
                await provider.get_transaction(ref.id)

    async def test_money_survives_the_round_trip(
        self, provider: Provider, spec: ProviderSpec, pay: Pay
    ) -> None:
        """A sum typed by a person, paid and read back is the same sum: no currency has other decimals."""
        for currency, typed in self.currencies.items():
            amount = spec.currencies.parse(typed, currency)
            money = money_of(await provider.get_transaction(await pay(amount, currency)))
            assert (money.amount, money.currency.upper()) == (amount, currency)
            assert spec.currencies.decimal(money.amount, money.currency) == spec.currencies.decimal(
                spec.currencies.parse(typed, currency), currency
            )

    async def test_a_paid_transaction_is_read_in_full(
        self, provider: Provider, spec: ProviderSpec, pay: Pay
    ) -> None:
        """It is succeeded, of the provider's own mode, sound in every field, and marked as read."""
        snapshots = await provider.get_transaction(await pay(1000, "usd"))
        assert money_of(snapshots).status is TransactionStatus.SUCCEEDED
        for snapshot in snapshots:
            check_snapshot(snapshot, spec)
            assert snapshot.livemode == provider.livemode
            assert snapshot.as_of.source is Source.READ

    async def test_every_object_can_be_fetched_by_its_reference(self, provider: Provider, pay: Pay) -> None:
        """Whatever a transaction is made of, `fetch` answers the same object under the same id."""
        for snapshot in await provider.get_transaction(await pay(1000, "usd")):
            if snapshot.kind is Kind.INVOICE_PAYMENT:
                continue
            assert snapshot.ref in {again.ref for again in await provider.fetch(snapshot.ref)}

    async def test_reading_changes_nothing(self, provider: Provider, pay: Pay) -> None:
        """Read twice, the transaction is the same, only as of a later moment."""
        transaction = await pay(1000, "usd")
        first, second = [await provider.get_transaction(transaction) for _ in range(2)]
        assert [_timeless(snapshot, first) for snapshot in second] == list(first)
        assert all(new.as_of.moment >= old.as_of.moment for old, new in zip(first, second, strict=True))

    async def test_it_is_healthy(self, provider: Provider) -> None:
        """With a good key the check says so in one line, and for the mode that the key belongs to."""
        health = await provider.health_check()
        assert health.healthy
        assert health.livemode == provider.livemode
        assert health.message.strip()
        assert "\n" not in health.message

    async def test_dashboard_links_are_absolute_and_safe(self, provider: Provider) -> None:
        """A link is https with the id in it, or there is none; an odd id can't leave its place."""
        for kind in Kind:
            for id in ("abc_123", "../x?y=1#z", '"><script>'):
                url = provider.dashboard_url(Ref(kind, id))
                if url is not None:
                    assert urlsplit(url).scheme == "https"
                    assert not set('<>" ') & set(url)
                    assert "/../" not in url
                    assert not urlsplit(url).fragment

    @needs(Capability.CATALOG)
    async def test_prices_can_be_sold(self, provider: Provider, spec: ProviderSpec, price: str) -> None:
        """Each price is listed once, with a sum its currency can have; the one we sell is among them."""
        prices = [price async for price in provider.list_prices()]
        ids = [found.id for found in prices]
        assert price in ids
        assert len(ids) == len(set(ids))
        for found in prices:
            spec.currencies.exponent(found.currency)
            assert found.amount is None or found.amount >= 0
            assert found.product_name

    @needs(Capability.CHECKOUT_PAYMENT)
    async def test_an_open_checkout_can_be_read(
        self, provider: Provider, price: str, key: Callable[[], str]
    ) -> None:
        """The session is found again under its id, still open, with the order's metadata."""
        request = checkout(CheckoutMode.PAYMENT, price)
        made = await provider.create_checkout(request, idempotency_key=key())
        read = {snapshot.ref: snapshot for snapshot in await provider.fetch(made.ref)}[made.ref]
        assert read.metadata == made.metadata == {"order": "6735"}


def _timeless(snapshot: Snapshot, others: Sequence[Snapshot]) -> Snapshot:
    """`snapshot` as if read when its namesake among `others` was."""
    as_of = next(other.as_of for other in others if other.ref == snapshot.ref)
    return replace(snapshot, as_of=as_of)
