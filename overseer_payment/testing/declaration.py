"""Declared ⇔ implemented: the spec, the protocol, and each capability in both directions."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping

import pytest
from pydantic import BaseModel

from overseer_payment.errors import NotSupported
from overseer_payment.provider import (
    API_LEVEL,
    Capability,
    CheckoutMode,
    CheckoutRequest,
    CustomerRequest,
    Kind,
    ListsEvents,
    ListsObjects,
    Provider,
    ProviderSpec,
    RefundRequest,
)
from overseer_payment.settings import read_settings
from overseer_payment.testing.billing import billing_uses
from overseer_payment.testing.case import ConformanceCase, Pay, refund_of
from overseer_payment.testing.disputing import disputing_uses
from overseer_payment.testing.endpoints import endpoint_uses
from overseer_payment.testing.subscribing import subscribing_uses

_SUCCESS, _CANCEL = "https://shop.example/success", "https://shop.example/cancel"


class DeclarationTests(ConformanceCase):
    """The declaration is sound, and tells the truth."""

    def test_the_spec_is_well_formed(self, spec: ProviderSpec) -> None:
        """Key, title, versions, settings and callables have the shapes that the registry accepts."""
        assert re.fullmatch(r"[a-z][a-z0-9_]*", spec.key)
        assert spec.title.strip()
        assert spec.api_version.strip()
        assert spec.api_level == API_LEVEL
        assert issubclass(spec.settings, BaseModel)
        assert callable(spec.factory)
        assert callable(spec.configured)

    def test_capabilities_hold_together(self, spec: ProviderSpec) -> None:
        """No capability is declared without the one it builds on."""
        declared = spec.capabilities
        assert all(isinstance(capability, Capability) for capability in declared)
        assert Capability.PARTIAL_REFUND not in declared or Capability.REFUND in declared
        assert Capability.TRIAL not in declared or Capability.CHECKOUT_SUBSCRIPTION in declared

    def test_configured_tells_a_full_configuration_from_none(
        self, spec: ProviderSpec, environ: Mapping[str, str]
    ) -> None:
        """An empty environment is *not configured*, the sample configuration is."""
        assert spec.configured(read_settings(spec.settings, environ))
        assert not spec.configured(read_settings(spec.settings, {}))

    def test_the_webhook_secret_is_a_setting(self, spec: ProviderSpec) -> None:
        """The signing secrets come from a declared setting, so people can find and rotate them."""
        names = {field.alias or name for name, field in spec.settings.model_fields.items()}
        assert self.webhook_variable in names

    async def test_it_speaks_the_protocol(self, provider: Provider) -> None:
        """Every method of the protocol is there, async where it must be, with the same arguments."""
        assert isinstance(provider, Provider)
        assert isinstance(provider.livemode, bool)
        for name, wanted in _protocol():
            given = getattr(provider, name)
            assert inspect.iscoroutinefunction(given) == inspect.iscoroutinefunction(wanted), name
            assert _arguments(given) == _arguments(wanted) - {"self"}, name

    @pytest.mark.parametrize("capability", list(Capability))
    async def test_a_capability_works_if_and_only_if_declared(
        self,
        capability: Capability,
        spec: ProviderSpec,
        provider: Provider,
        pay: Pay,
        price: str,
        recurring_price: str,
    ) -> None:
        """What is declared works, and what is not is refused with NotSupported."""
        use = _uses(provider, pay, price, recurring_price, spec)[capability]
        if capability in spec.capabilities:
            await use()
        else:
            with pytest.raises(NotSupported):
                await use()

    async def test_closing_twice_is_harmless(self, provider: Provider) -> None:
        """`aclose` may be called by more than one owner."""
        await provider.aclose()
        await provider.aclose()


def _protocol() -> list[tuple[str, Callable[..., object]]]:
    return [(name, member) for name, member in vars(Provider).items() if _is_method(name, member)]


def _is_method(name: str, member: object) -> bool:
    return not name.startswith("_") and inspect.isfunction(member)


def _arguments(function: Callable[..., object]) -> set[str]:
    return set(inspect.signature(function).parameters)


def checkout(mode: CheckoutMode, price: str | None, trial_days: int | None = None) -> CheckoutRequest:
    """An ordinary order of one piece."""
    return CheckoutRequest(
        mode=mode,
        success_url=_SUCCESS,
        cancel_url=_CANCEL,
        price=price,
        currency="usd" if mode is CheckoutMode.SETUP else None,
        trial_period_days=trial_days,
        metadata={"order": "6735"},
    )


def _uses(
    provider: Provider, pay: Pay, price: str, recurring: str, spec: ProviderSpec
) -> dict[Capability, Callable[[], Awaitable[object]]]:
    """For each capability, the least that uses it."""
    modes = CheckoutMode

    def order(request: CheckoutRequest) -> Awaitable[object]:
        return provider.create_checkout(request, idempotency_key="capability-checkout")

    async def give_back(part: int) -> object:
        if Capability.REFUND not in spec.capabilities:
            request = RefundRequest(amount=part, currency="usd", payment="absent_0000")
        else:
            request = await refund_of(provider, await pay(1000, "usd"), part)
        return await provider.refund(request, idempotency_key="capability-refund")

    async def prices() -> object:
        return [price async for price in provider.list_prices()]

    async def events() -> object:
        # A provider without lists need not have the method at all.
        if not isinstance(provider, ListsEvents):
            raise NotSupported("It has no list_events.")
        return await provider.list_events(None)

    async def objects() -> object:
        if not isinstance(provider, ListsObjects):
            raise NotSupported("It has no list_objects.")
        return await provider.list_objects(Kind.REFUND)

    return {
        Capability.CHECKOUT_PAYMENT: lambda: order(checkout(modes.PAYMENT, price)),
        Capability.CHECKOUT_SUBSCRIPTION: lambda: order(checkout(modes.SUBSCRIPTION, recurring)),
        Capability.CHECKOUT_SETUP: lambda: order(checkout(modes.SETUP, None)),
        Capability.TRIAL: lambda: order(checkout(modes.SUBSCRIPTION, recurring, trial_days=14)),
        Capability.REFUND: lambda: give_back(1000),
        Capability.PARTIAL_REFUND: lambda: give_back(400),
        Capability.CUSTOMERS: lambda: provider.create_customer(
            CustomerRequest(email="ada@shop.example"), idempotency_key="capability-customer"
        ),
        Capability.CATALOG: prices,
        **subscribing_uses(provider),
        **disputing_uses(provider),
        **billing_uses(provider, order, checkout(modes.PAYMENT, price)),
        Capability.EVENT_LIST: events,
        Capability.OBJECT_LIST: objects,
        **endpoint_uses(provider),
    }
