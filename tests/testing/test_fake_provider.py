"""The reference provider passes the whole kit, without a single test left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

import pytest

from overseer_payment.provider import Kind, Provider, ProviderSpec, Ref
from overseer_payment.testing import FakeBackend, Fault, ProviderConformance, SampleEvent, fake_spec
from overseer_payment.testing.case import Build, Pay, Sign
from overseer_payment.testing.fake_backend import body_of, sign


class FakeCase(ProviderConformance):
    """What the fake provider supplies to the kit."""

    webhook_variable = "FAKEPAY_WEBHOOK_SECRET"

    @pytest.fixture
    def backend(self) -> FakeBackend:
        return FakeBackend()

    @pytest.fixture
    def spec(self, backend: FakeBackend) -> ProviderSpec:
        return fake_spec(backend)

    @pytest.fixture
    def environ(self) -> Mapping[str, str]:
        return {
            "FAKEPAY_KEY": "fake_test_5f2a8c91d3",
            "FAKEPAY_WEBHOOK_SECRET": "fake_whsec_7d1e0b, fake_whsec_a94c2f",
        }

    @pytest.fixture
    def signed_webhook(self) -> Sign:
        return sign

    @pytest.fixture
    def sample_events(self) -> Sequence[SampleEvent]:
        backend, samples = FakeBackend(), []
        for live, account in ((False, None), (True, None), (False, "facct_7")):
            paid = backend.pay(1000, "usd", live=live)
            event = {**backend.events[-1], "account": account}
            samples.append(_sample(event, Ref(Kind.PAYMENT, paid["id"])))
        backend.create_customer(live=False, key="1", email="ada@shop.example", name="Ada Lovelace")
        samples.append(_sample(backend.events[-1], Ref(Kind.CUSTOMER, "fcustomer_0001")))
        session = backend.create_checkout(live=False, key="2", mode="subscription", price="price_monthly")
        backend.complete(session["id"])
        backend.create_refund(live=False, key="3", payment=session["payment"], amount=300)
        later = [(event, event["object"]) for event in backend.events[-4:]]
        return samples + [_sample(event, Ref(Kind(about["kind"]), about["id"])) for event, about in later]

    @pytest.fixture
    def unknown_event(self) -> bytes:
        event = {"id": "fevt_9", "type": "weather.changed", "created": 1, "live": False, "object": {}}
        return json.dumps(event).encode()

    @pytest.fixture
    def pay(self, backend: FakeBackend) -> Pay:
        async def pay(amount: int, currency: str) -> str:
            return str(backend.pay(amount, currency)["id"])

        return pay

    @pytest.fixture
    def subscription(self, backend: FakeBackend) -> str:
        session = backend.create_checkout(live=False, key="s", mode="subscription", price="price_monthly")
        return str(backend.complete(session["id"])["subscription"])

    @pytest.fixture
    def dispute(self, backend: FakeBackend) -> str:
        return str(backend.dispute(backend.pay(1000, "usd")["id"])["id"])

    @pytest.fixture
    def failing(self, backend: FakeBackend, build: Build) -> Callable[[Fault], Provider]:
        def provider_with(fault: Fault) -> Provider:
            backend.fault = fault
            return build()

        return provider_with


class TestFakeProvider(FakeCase):
    """Conformance of the reference implementation."""


def _sample(event: Mapping[str, object], ref: Ref) -> SampleEvent:
    account = event["account"]
    return SampleEvent(
        body_of(event),
        frozenset({ref}),
        livemode=bool(event["live"]),
        account=None if account is None else str(account),
    )
