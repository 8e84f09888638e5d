"""What a provider's author supplies to the conformance kit, and what the kit makes of it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol, TypeVar

import httpx
import pytest
from pydantic import SecretStr

from overseer_payment.provider import (
    Capability,
    ChargeSnapshot,
    Kind,
    PaymentSnapshot,
    Provider,
    ProviderSpec,
    Ref,
    RefundRequest,
    Snapshot,
)
from overseer_payment.settings import read_settings

Test = TypeVar("Test", bound=Callable[..., Any])
Pay = Callable[[int, str], Awaitable[str]]
"""`await pay(amount, currency)`: a succeeded payment at the provider; returns its transaction id."""


class Sign(Protocol):
    """Headers (lower-case names, only those that the signature needs) for a delivery of `body`."""

    def __call__(self, body: bytes, *, at: datetime, secret: str) -> Mapping[str, str]: ...


class Fault(StrEnum):
    """What can go wrong between us and a provider."""

    UNREACHABLE = "unreachable"  # no connection: nothing was sent
    NO_ANSWER = "no_answer"  # sent, then silence
    SERVER_ERROR = "server_error"  # 500
    GARBLED = "garbled"  # 200, but a proxy's HTML
    RATE_LIMITED = "rate_limited"  # 429
    UNAUTHORISED = "unauthorised"  # 401


@dataclass(frozen=True, slots=True)
class SampleEvent:
    """One webhook body as the provider sends it, and what it is about.

    `refs` are the objects that parsing must mention, as a snapshot or as something to fetch; none
    for an event that says nothing about money.
    """

    body: bytes
    refs: frozenset[Ref] = frozenset()
    livemode: bool = False
    account: str | None = None


def needs(*capabilities: Capability) -> Callable[[Test], Test]:
    """Run this test only for providers that declare all of `capabilities`."""

    # An attribute and not a marker: an author's pytest may run with --strict-markers.
    def mark(test: Test) -> Test:
        vars(test)["needed_capabilities"] = capabilities
        return test

    return mark


class ConformanceCase:
    """Fixtures. Those that raise NotImplementedError are the author's to supply; the rest may be replaced."""

    pytestmark = pytest.mark.anyio

    webhook_variable: ClassVar[str]
    """The environment variable with the signing secrets: at least two, comma separated."""
    tolerance: ClassVar[timedelta | None] = timedelta(minutes=5)
    """How old a signature may be. None only if the provider's signatures carry no time."""
    currencies: ClassVar[Mapping[str, str]] = {"USD": "12.34", "JPY": "1234", "KWD": "12.340"}
    """Sums in major units that must survive a round trip. Leave out what the provider doesn't take."""

    @pytest.fixture
    def spec(self) -> ProviderSpec:
        raise NotImplementedError("Supply `spec`: your plugin's ProviderSpec.")

    @pytest.fixture
    def environ(self) -> Mapping[str, str]:
        raise NotImplementedError("Supply `environ`: environment variables of a complete test configuration.")

    @pytest.fixture
    def signed_webhook(self) -> Sign:
        raise NotImplementedError("Supply `signed_webhook`: it signs a body as your provider does.")

    @pytest.fixture
    def sample_events(self) -> Sequence[SampleEvent]:
        raise NotImplementedError("Supply `sample_events`: bodies your provider sends, one of them live.")

    @pytest.fixture
    def unknown_event(self) -> bytes:
        raise NotImplementedError("Supply `unknown_event`: a well-formed body of a type nobody knows.")

    @pytest.fixture
    def pay(self) -> Pay:
        raise NotImplementedError("Supply `pay`: it makes a succeeded payment at your (simulated) provider.")

    @pytest.fixture
    def http(self) -> httpx.AsyncClient:
        """The client that `provider` talks through. Bring a transport to your simulated provider."""
        return httpx.AsyncClient(transport=httpx.MockTransport(_no_network))

    @pytest.fixture
    def price(self) -> str:
        """Id of a one-off price (capability CHECKOUT_PAYMENT)."""
        return "price_once"

    @pytest.fixture
    def recurring_price(self) -> str:
        """Id of a recurring price (capability CHECKOUT_SUBSCRIPTION)."""
        return "price_monthly"

    @pytest.fixture
    def absent(self) -> Sequence[Ref]:
        """Objects the provider doesn't have."""
        return [Ref(kind, "absent_0000") for kind in (Kind.PAYMENT, Kind.CHARGE, Kind.CHECKOUT)]

    @pytest.fixture
    def failing(self, build: Build) -> Callable[[Fault], Provider]:
        """Your provider, with that fault between it and its API. Replace it if you don't use `http`."""

        def provider_with(fault: Fault) -> Provider:
            transport = httpx.MockTransport(lambda request: _fail(fault, request))
            return build(http=httpx.AsyncClient(transport=transport))

        return provider_with

    # What the kit makes of it --------------------------------------------------------------------

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture(autouse=True)
    def _declared(self, request: pytest.FixtureRequest, spec: ProviderSpec) -> None:
        missing = set(getattr(request.function, "needed_capabilities", ())) - spec.capabilities
        if missing:
            pytest.skip(f"{spec.key} does not declare {', '.join(sorted(missing))}")

    @pytest.fixture
    def build(self, spec: ProviderSpec, environ: Mapping[str, str], http: httpx.AsyncClient) -> Build:
        return Build(spec, environ, http)

    @pytest.fixture
    async def provider(self, build: Build) -> AsyncIterator[Provider]:
        provider = build()
        yield provider
        await provider.aclose()

    @pytest.fixture
    def now(self) -> datetime:
        return datetime.now(UTC).replace(microsecond=0)

    @pytest.fixture
    def secrets(self, environ: Mapping[str, str]) -> list[str]:
        """The webhook's signing secrets, as configured."""
        secrets = [part.strip() for part in environ[self.webhook_variable].split(",") if part.strip()]
        assert len(secrets) >= 2, f"put two secrets into {self.webhook_variable}: one is being rotated out"
        return secrets

    @pytest.fixture
    def key(self) -> Callable[[], str]:
        """A fresh idempotency key at each call."""
        numbers = itertools.count(1)
        return lambda: f"conformance-{next(numbers)}"


@dataclass(frozen=True, slots=True)
class Build:
    """Builds the provider as the registry does: settings from the environment, then the spec's factory."""

    spec: ProviderSpec
    environ: Mapping[str, str]
    http: httpx.AsyncClient

    def __call__(
        self, *, environ: Mapping[str, str] | None = None, http: httpx.AsyncClient | None = None
    ) -> Provider:
        environ = self.environ if environ is None else environ
        return self.spec.factory(read_settings(self.spec.settings, environ), http or self.http)

    def secret_values(self) -> set[str]:
        """Every configured secret: what must never be seen anywhere."""
        settings = read_settings(self.spec.settings, self.environ)
        return {part for value in vars(settings).values() for part in _secret_texts(value)}


def money_of(snapshots: Sequence[Snapshot]) -> PaymentSnapshot | ChargeSnapshot:
    """The payment among `snapshots`, or the charge where there is no payment."""
    for wanted in (PaymentSnapshot, ChargeSnapshot):
        for snapshot in snapshots:
            if isinstance(snapshot, wanted):
                return snapshot
    raise AssertionError(f"neither a payment nor a charge among {[type(s).__name__ for s in snapshots]}")


async def refund_of(provider: Provider, transaction: str, amount: int) -> RefundRequest:
    """A request to give back `amount` minor units of a transaction."""
    money = money_of(await provider.get_transaction(transaction))
    payment = money.id if isinstance(money, PaymentSnapshot) else None
    charge = money.id if isinstance(money, ChargeSnapshot) else None
    return RefundRequest(amount=amount, currency=money.currency, payment=payment, charge=charge)


def _secret_texts(value: Any) -> set[str]:
    if isinstance(value, SecretStr):
        return {part.strip() for part in value.get_secret_value().split(",") if part.strip()}
    if isinstance(value, list | tuple | set | frozenset):
        return {text for item in value for text in _secret_texts(item)}
    return set()


def _no_network(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError(f"The conformance kit gives no network: {request.url.host}", request=request)


def _fail(fault: Fault, request: httpx.Request) -> httpx.Response:
    # Each answer repeats what was sent, as careless APIs do: it must not surface in an error.
    echo = f"{request.headers.get('authorization', '')} {request.content.decode(errors='replace')}"
    match fault:
        case Fault.UNREACHABLE:
            raise httpx.ConnectError(f"refused {echo}", request=request)
        case Fault.NO_ANSWER:
            raise httpx.ReadTimeout(f"timed out {echo}", request=request)
        case Fault.GARBLED:
            return httpx.Response(200, html=f"<html>{echo}</html>")
        case Fault.SERVER_ERROR:
            return httpx.Response(500, json={"error": {"type": "api_error", "message": echo}})
        case Fault.RATE_LIMITED:
            return httpx.Response(
                429,
                json={"error": {"type": "rate_limit_error", "message": echo}},
                headers={"retry-after": "1"},
            )
        case Fault.UNAUTHORISED:
            return httpx.Response(401, json={"error": {"type": "authentication_error", "message": echo}})
