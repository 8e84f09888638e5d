"""Providers that are each wrong in one way: reading and writing. test_kit_can_fail.py runs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from overseer_payment.errors import (
    ObjectAbsent,
)
from overseer_payment.money import CurrencyTable
from overseer_payment.provider import (
    ChargeSnapshot,
    CheckoutMode,
    CheckoutRequest,
    CheckoutSnapshot,
    CustomerRequest,
    CustomerSnapshot,
    Health,
    PaymentSnapshot,
    Ref,
    RefundRequest,
    RefundSnapshot,
    Snapshot,
)
from overseer_payment.testing import FakeProvider
from tests.testing.wrong import Wrong

# Reading and money ----------------------------------------------------------------------------------


class TestEmpty(Wrong):
    """Answers nothing for what is absent."""

    class Empty(FakeProvider):
        async def fetch(self, ref: Ref) -> Sequence[Snapshot]:
            try:
                return await super().fetch(ref)
            except ObjectAbsent:
                return []

    provider_class = Empty
    fails: ClassVar = {"what_is_absent_is_said_to_be"}


class TestDecimals(Wrong):
    """Believes that every currency has cents, and its service knows better."""

    class Cents(FakeProvider):
        async def get_transaction(self, provider_transaction_id: str) -> Sequence[Snapshot]:
            found = await super().get_transaction(provider_transaction_id)
            return [_in_cents(snapshot) for snapshot in found]

    provider_class = Cents
    fails: ClassVar = {"money_survives_the_round_trip"}


class TestSick(Wrong):
    """Raises from its health check."""

    class Sick(FakeProvider):
        async def health_check(self) -> Health:
            self._ask(lambda: None)
            return await super().health_check()

    provider_class = Sick
    fails: ClassVar = {"a_health_check_never_raises", "errors_and_logs_hold_no_secrets"}


class TestLinks(Wrong):
    """Puts ids into links as they come."""

    class Links(FakeProvider):
        def dashboard_url(self, ref: Ref) -> str | None:
            return f"https://fakepay.example/{ref.id}"

    provider_class = Links
    fails: ClassVar = {"dashboard_links_are_absolute_and_safe"}


# Writing --------------------------------------------------------------------------------------------


class TestKeyless(Wrong):
    """Sends each refund under a key of its own making."""

    class Keyless(FakeProvider):
        async def refund(self, request: RefundRequest, *, idempotency_key: str) -> Sequence[Snapshot]:
            key = f"{idempotency_key}-{len(self._backend.events)}"
            request = replace(request, amount=min(request.amount, self._left(request) or request.amount))
            return await super().refund(request, idempotency_key=key)

        def _left(self, request: RefundRequest) -> int:
            if request.payment not in self._backend.objects:
                return 0
            given: int = sum(one["amount"] for one in self._backend.refunds_of(request.payment))
            return int(self._backend.get(request.payment)["amount"]) - given

    provider_class = Keyless
    fails: ClassVar = {"one_key_refunds_once", "more_than_was_paid_is_rejected"}


class TestGenerous(Wrong):
    """Gives back more than was paid."""

    class Generous(FakeProvider):
        async def refund(self, request: RefundRequest, *, idempotency_key: str) -> Sequence[Snapshot]:
            if request.payment in self._backend.objects:
                self._backend.get(request.payment)["amount"] += request.amount
            return await super().refund(request, idempotency_key=idempotency_key)

    provider_class = Generous
    fails: ClassVar = {"more_than_was_paid_is_rejected"}


class TestOrder(Wrong):
    """Answers a refund with the charge first."""

    class Order(FakeProvider):
        async def refund(self, request: RefundRequest, *, idempotency_key: str) -> Sequence[Snapshot]:
            answer = await super().refund(request, idempotency_key=idempotency_key)
            return sorted(answer, key=lambda snapshot: isinstance(snapshot, RefundSnapshot))

    provider_class = Order
    fails: ClassVar = {"a_refund_comes_first_in_the_answer", "equal_parts_are_two_refunds"}


class TestPageless(Wrong):
    """Opens a checkout and doesn't say where."""

    class Pageless(FakeProvider):
        async def create_checkout(
            self, request: CheckoutRequest, *, idempotency_key: str
        ) -> CheckoutSnapshot:
            made = await super().create_checkout(request, idempotency_key=idempotency_key)
            return replace(made, url=None)

    provider_class = Pageless
    fails: ClassVar = {"a_checkout_has_a_page_to_send_the_buyer_to"}


class TestLocked(Wrong):
    """Reads transactions in one mode and says the other."""

    class Locked(FakeProvider):
        async def get_transaction(self, provider_transaction_id: str) -> Sequence[Snapshot]:
            found = await super().get_transaction(provider_transaction_id)
            return [replace(snapshot, livemode=True) for snapshot in found]

    provider_class = Locked
    fails: ClassVar = {"a_paid_transaction_is_read_in_full"}


class TestUnfetchable(Wrong):
    """Can't find charges by the ids that it gives them."""

    class Unfetchable(FakeProvider):
        async def fetch(self, ref: Ref) -> Sequence[Snapshot]:
            if ref.id.endswith("_charge"):
                raise ObjectAbsent("No such charge.")
            return await super().fetch(ref)

    provider_class = Unfetchable
    fails: ClassVar = {
        "every_object_can_be_fetched_by_its_reference",
        "one_key_refunds_once",
        "parts_add_up_to_the_whole",
        "equal_parts_are_two_refunds",
        "more_than_was_paid_is_rejected",
    }


class TestMeddling(Wrong):
    """Changes what it reads."""

    class Meddling(FakeProvider):
        async def get_transaction(self, provider_transaction_id: str) -> Sequence[Snapshot]:
            found = await super().get_transaction(provider_transaction_id)
            payment = self._backend.get(provider_transaction_id)
            payment["metadata"] = {"reads": f"{payment.get('metadata')}"}
            return found

    provider_class = Meddling
    fails: ClassVar = {"reading_changes_nothing"}


class TestRounding(Wrong):
    """Believes that a charge has one refund, the latest."""

    class Rounding(FakeProvider):
        def _in_full(self, data: dict[str, Any]) -> list[Snapshot]:
            found = super()._in_full(data)
            refunds = [snapshot for snapshot in found if isinstance(snapshot, RefundSnapshot)]
            return [one for one in found if one not in refunds[:-1]]

    provider_class = Rounding
    fails: ClassVar = {"parts_add_up_to_the_whole", "equal_parts_are_two_refunds"}


class Selling(FakeProvider):
    """A provider whose orders are changed by `_changed` before they are sent."""

    def _changed(self, request: CheckoutRequest) -> CheckoutRequest:
        return request

    async def create_checkout(self, request: CheckoutRequest, *, idempotency_key: str) -> CheckoutSnapshot:
        return await super().create_checkout(self._changed(request), idempotency_key=idempotency_key)


class TestOneOff(Wrong):
    """Sells subscriptions as single payments."""

    class OneOff(Selling):
        def _changed(self, request: CheckoutRequest) -> CheckoutRequest:
            once = request.mode is CheckoutMode.SUBSCRIPTION
            return replace(request, mode=CheckoutMode.PAYMENT) if once else request

    provider_class = OneOff
    fails: ClassVar = {"a_subscription_checkout_is_one"}


class TestAnyPrice(Wrong):
    """Sells something else when it doesn't know the price."""

    class AnyPrice(Selling):
        def _changed(self, request: CheckoutRequest) -> CheckoutRequest:
            return request if request.price in self._backend.prices else replace(request, price="price_once")

    provider_class = AnyPrice
    fails: ClassVar = {"an_unknown_price_is_rejected"}


class TestMute(Wrong):
    """Loses the metadata of an order."""

    class Mute(Selling):
        def _changed(self, request: CheckoutRequest) -> CheckoutRequest:
            return replace(request, metadata={})

    provider_class = Mute
    fails: ClassVar = {"an_open_checkout_can_be_read"}


class TestFreshKeys(Wrong):
    """Creates under keys of its own making."""

    class FreshKeys(FakeProvider):
        def _fresh(self, key: str) -> str:
            return f"{key}-{len(self._backend.events)}"

        async def create_checkout(
            self, request: CheckoutRequest, *, idempotency_key: str
        ) -> CheckoutSnapshot:
            return await super().create_checkout(request, idempotency_key=self._fresh(idempotency_key))

        async def create_customer(
            self, request: CustomerRequest, *, idempotency_key: str
        ) -> CustomerSnapshot:
            return await super().create_customer(request, idempotency_key=self._fresh(idempotency_key))

    provider_class = FreshKeys
    fails: ClassVar = {"one_key_opens_one_checkout", "one_key_creates_one_customer"}


def _in_cents(snapshot: Snapshot) -> Snapshot:
    if not isinstance(snapshot, PaymentSnapshot | ChargeSnapshot):
        return snapshot
    digits = CurrencyTable().exponent(snapshot.currency)
    return replace(snapshot, amount=snapshot.amount * 100 // 10**digits)
