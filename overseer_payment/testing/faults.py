"""Errors: whatever happens on the way to the provider ends as the one right error of our tree."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import pytest

from overseer_payment.errors import (
    OutcomeUnknown,
    ProviderAuthError,
    ProviderError,
    ProviderRateLimited,
    ProviderUnavailable,
)
from overseer_payment.provider import (
    Capability,
    CheckoutMode,
    CustomerRequest,
    Provider,
    ProviderSpec,
    Ref,
    RefundRequest,
)
from overseer_payment.testing.case import ConformanceCase, Fault
from overseer_payment.testing.declaration import checkout

Failing = Callable[[Fault], Provider]

_WRITES = {
    Fault.UNREACHABLE: ProviderUnavailable,
    Fault.NO_ANSWER: OutcomeUnknown,
    Fault.SERVER_ERROR: OutcomeUnknown,
    Fault.GARBLED: OutcomeUnknown,
    Fault.RATE_LIMITED: ProviderRateLimited,
    Fault.UNAUTHORISED: ProviderAuthError,
}
"""A write that may have taken effect must not look like one that didn't: it would be sent again."""


class FaultTests(ConformanceCase):
    """Faults between us and the provider."""

    @pytest.mark.parametrize("fault", list(Fault))
    async def test_a_failed_write_says_whether_it_may_have_happened(
        self, fault: Fault, failing: Failing, spec: ProviderSpec, price: str, recurring_price: str
    ) -> None:
        """Nothing happened, try later, or unknown: each fault has its one error."""
        provider = failing(fault)
        for write in writes(provider, spec, price, recurring_price):
            with pytest.raises(_WRITES[fault]) as caught:
                await write()
            assert type(caught.value).__module__ == ProviderError.__module__
        await provider.aclose()

    @pytest.mark.parametrize("fault", list(Fault))
    async def test_a_failed_read_is_a_provider_error(
        self, fault: Fault, failing: Failing, absent: Sequence[Ref]
    ) -> None:
        """Reading fails with an error of our tree, and a fault is never taken for an absent object."""
        provider = failing(fault)
        expected = {
            Fault.RATE_LIMITED: (ProviderRateLimited,),
            Fault.UNAUTHORISED: (ProviderAuthError,),
        }.get(fault, (ProviderUnavailable, OutcomeUnknown))
        for ref in absent:
            with pytest.raises(expected):
                await provider.fetch(ref)
        await provider.aclose()

    @pytest.mark.parametrize("fault", list(Fault))
    async def test_a_health_check_never_raises(self, fault: Fault, failing: Failing) -> None:
        """It reports the fault in one line instead."""
        provider = failing(fault)
        health = await provider.health_check()
        assert not health.healthy
        assert health.message.strip()
        assert "\n" not in health.message
        await provider.aclose()

    async def test_a_rate_limit_says_when_to_come_back(
        self, failing: Failing, spec: ProviderSpec, price: str, recurring_price: str
    ) -> None:
        """`retry_after` is set, in seconds, so that the caller waits and doesn't guess."""
        provider = failing(Fault.RATE_LIMITED)
        for write in writes(provider, spec, price, recurring_price):
            with pytest.raises(ProviderRateLimited) as caught:
                await write()
            assert caught.value.retry_after is not None
            assert caught.value.retry_after >= 0
        await provider.aclose()


def writes(
    provider: Provider, spec: ProviderSpec, price: str, recurring_price: str
) -> list[Callable[[], Awaitable[object]]]:
    """Every kind of write that this provider declares, ready to be sent."""
    refund = RefundRequest(amount=100, currency="usd", payment="any_0000")
    customer = CustomerRequest(email="ada.lovelace@shop.example", name="Ada Lovelace")
    order, subscribe = (
        checkout(CheckoutMode.PAYMENT, price),
        checkout(CheckoutMode.SUBSCRIPTION, recurring_price),
    )
    known: dict[Capability, Callable[[], Awaitable[object]]] = {
        Capability.CHECKOUT_PAYMENT: lambda: provider.create_checkout(order, idempotency_key="fault-1"),
        Capability.CHECKOUT_SUBSCRIPTION: lambda: provider.create_checkout(
            subscribe, idempotency_key="fault-2"
        ),
        Capability.REFUND: lambda: provider.refund(refund, idempotency_key="fault-3"),
        Capability.CUSTOMERS: lambda: provider.create_customer(customer, idempotency_key="fault-4"),
    }
    return [write for capability, write in known.items() if capability in spec.capabilities]
