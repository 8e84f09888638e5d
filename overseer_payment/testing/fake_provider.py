"""The reference implementation of the provider contract, over a service in memory.

It is what a plugin looks like with everything declared and nothing in the way: copy its shape. It
passes the conformance kit. For tests of applications it serves wherever Stripe's own habits don't matter.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from overseer_payment.errors import (
    ObjectAbsent,
    OutcomeUnknown,
    PayloadInvalid,
    PaymentError,
    ProviderAuthError,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
    SignatureInvalid,
    WebhookNotConfigured,
)
from overseer_payment.provider import (
    AsOf,
    Capability,
    ChargeSnapshot,
    CheckoutRequest,
    CheckoutSnapshot,
    CustomerRequest,
    CustomerSnapshot,
    Event,
    Health,
    Parsed,
    Price,
    ProviderSpec,
    Ref,
    RefundRequest,
    Snapshot,
    Source,
)
from overseer_payment.testing.case import Fault
from overseer_payment.testing.fake_backend import FakeBackend, Json, Refusal, sign
from overseer_payment.testing.fake_wire import WireEvent, moment, read, snapshots

Answer = TypeVar("Answer")

TOLERANCE = timedelta(minutes=5)
_KINDS = frozenset({"customer", "payment", "refund", "checkout", "subscription"})


class FakeSettings(BaseModel):
    """`FAKEPAY_KEY` is `fake_test_…` or `fake_live_…`."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    key: SecretStr | None = Field(None, alias="FAKEPAY_KEY")
    webhook_secret: SecretStr = Field(SecretStr(""), alias="FAKEPAY_WEBHOOK_SECRET")

    def secrets(self) -> list[str]:
        """The signing secrets; several while one is being rotated out."""
        parts = self.webhook_secret.get_secret_value().split(",")
        return [part.strip() for part in parts if part.strip()]


class FakeProvider:
    """A provider without a network. Settings as an operator would write them, state in `backend`."""

    def __init__(self, settings: FakeSettings, backend: FakeBackend) -> None:
        self._settings = settings
        self._backend = backend
        key = settings.key.get_secret_value() if settings.key else ""
        self.livemode = key.startswith("fake_live_")

    def __repr__(self) -> str:
        return f"FakeProvider(livemode={self.livemode})"

    async def create_checkout(self, request: CheckoutRequest, *, idempotency_key: str) -> CheckoutSnapshot:
        made = self._ask(
            lambda: self._backend.create_checkout(
                live=self.livemode,
                key=idempotency_key,
                mode=request.mode.value,
                price=request.price,
                quantity=request.quantity,
                customer=request.customer,
                metadata=dict(request.metadata),
            )
        )
        return _only(CheckoutSnapshot, self._read(made))

    async def create_customer(self, request: CustomerRequest, *, idempotency_key: str) -> CustomerSnapshot:
        values = {**asdict(request), "metadata": dict(request.metadata)}
        made = self._ask(
            lambda: self._backend.create_customer(live=self.livemode, key=idempotency_key, **values)
        )
        return _only(CustomerSnapshot, self._read(made))

    async def refund(self, request: RefundRequest, *, idempotency_key: str) -> Sequence[Snapshot]:
        payment = request.payment or (request.charge or "").removesuffix("_charge")
        made = self._ask(
            lambda: self._backend.create_refund(
                live=self.livemode,
                key=idempotency_key,
                payment=payment,
                amount=request.amount,
                reason=request.reason,
                metadata=dict(request.metadata),
            )
        )
        return [*self._read(made), *self._in_full(payment)]

    async def get_transaction(self, provider_transaction_id: str) -> Sequence[Snapshot]:
        found = self._present(provider_transaction_id.removesuffix("_charge"))
        if found["kind"] == "checkout" and found["payment"]:
            return [*self._read(found), *self._in_full(found["payment"])]
        return self._in_full(found["id"]) if found["kind"] == "payment" else self._read(found)

    async def fetch(self, ref: Ref) -> Sequence[Snapshot]:
        found = self._present(ref.id.removesuffix("_charge"))
        return self._in_full(found["id"]) if found["kind"] == "payment" else self._read(found)

    async def list_prices(self) -> AsyncIterator[Price]:
        for price in self._ask(lambda: list(self._backend.prices.values())):
            yield Price(
                id=price["id"],
                product=f"{price['id']}_product",
                product_name=price["id"].replace("_", " "),
                amount=price["amount"],
                currency=price["currency"],
                interval=price["interval"],
            )

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        secrets = self._settings.secrets()
        if not secrets:
            raise WebhookNotConfigured("Set FAKEPAY_WEBHOOK_SECRET to receive webhooks.")
        _check_signature(body, headers, secrets, now)
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            raise PayloadInvalid("The body is not JSON.") from None
        wire = read(WireEvent, data)
        return Event(
            id=wire.id,
            type=wire.type,
            occurred_at=moment(wire.created),
            livemode=wire.live,
            api_version="1",
            account=wire.account,
            payload=data,
        )

    def parse(self, event: Event) -> Parsed:
        kind = event.type.partition(".")[0]
        if kind not in _KINDS:
            return Parsed()
        about = event.payload.get("object")
        if not isinstance(about, dict) or about.get("kind") != kind:
            raise PayloadInvalid(f"The event is about a {kind} and holds none.")
        found = snapshots(about, AsOf(event.occurred_at, Source.EVENT))
        if any(snapshot.livemode != event.livemode for snapshot in found):
            raise PayloadInvalid("The event and its object are of different modes.")
        return Parsed(snapshots=found)

    async def health_check(self) -> Health:
        try:
            self._ask(lambda: None)
        except PaymentError as error:
            return Health(healthy=False, message=error.detail, livemode=self.livemode)
        return Health(healthy=True, message="The fake service answers.", livemode=self.livemode)

    def dashboard_url(self, ref: Ref) -> str | None:
        return f"https://fakepay.example/{ref.kind.value}/{quote(ref.id, safe='')}"

    async def aclose(self) -> None:
        """Nothing is open."""

    def _in_full(self, payment: str) -> list[Snapshot]:
        """A payment, its charge with what it refunded, and each refund."""
        refunds = self._ask(lambda: self._backend.refunds_of(payment))
        alive = sum(refund["amount"] for refund in refunds if refund["status"] in {"succeeded", "pending"})
        found: list[Snapshot] = []
        for snapshot in self._read(self._present(payment)):
            charge = isinstance(snapshot, ChargeSnapshot)
            found.append(replace(snapshot, amount_refunded=alive) if charge else snapshot)
        return found + [snapshot for refund in refunds for snapshot in self._read(refund)]

    def _present(self, id: str) -> Json:
        found = self._ask(lambda: self._backend.get(id))
        if found["live"] != self.livemode:
            raise ObjectAbsent("The fake service has no such object in this mode.")
        return found

    def _read(self, data: Mapping[str, Any]) -> list[Snapshot]:
        return list(snapshots(data, AsOf(self._backend.now, Source.READ)))

    def _ask(self, call: Callable[[], Answer]) -> Answer:
        """Call the service; its refusals and our faults become errors of the tree."""
        fault = self._backend.fault
        if fault in _BEFORE:
            raise _BEFORE[fault]()
        try:
            answer = call()
        except Refusal as refusal:
            if fault is None:
                raise _refused(refusal) from None
        else:
            if fault is None:
                return answer
        raise OutcomeUnknown("The fake service did not answer. Ask again under the same key.")


_BEFORE: dict[Fault | None, Callable[[], ProviderError]] = {
    Fault.UNREACHABLE: lambda: ProviderUnavailable("The fake service can't be reached. Try again later."),
    Fault.RATE_LIMITED: lambda: ProviderRateLimited("The fake service asks us to wait.", retry_after=1),
    Fault.UNAUTHORISED: lambda: ProviderAuthError("The fake service refuses the key. Check FAKEPAY_KEY."),
}


def _refused(refusal: Refusal) -> ProviderError:
    if refusal.code == "absent":
        return ObjectAbsent("The fake service has no such object.")
    return ProviderRejected(f"The fake service refuses: {refusal.code}.", code=refusal.code)


def _check_signature(body: bytes, headers: Mapping[str, str], secrets: list[str], now: datetime) -> None:
    stamp, given = headers.get("fakepay-time", ""), headers.get("fakepay-signature", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 11):
        raise SignatureInvalid("The delivery has no signature time.")
    at = moment(int(stamp))
    if abs(now - at) > TOLERANCE:
        raise SignatureInvalid("The signature is too old or from the future. Check this machine's clock.")
    # Compared in constant time: how long it takes tells nothing about the right signature.
    wanted = [sign(body, at=at, secret=secret)["fakepay-signature"].encode() for secret in secrets]
    if not any(hmac.compare_digest(one, given.encode()) for one in wanted):
        raise SignatureInvalid("The signature fits no configured secret.")


def _only(wanted: type[Answer], found: Sequence[Snapshot]) -> Answer:
    for snapshot in found:
        if isinstance(snapshot, wanted):
            return snapshot
    raise OutcomeUnknown(f"The fake service did not answer with a {wanted.__name__}.")


def fake_spec(backend: FakeBackend) -> ProviderSpec:
    """The declaration of a fake provider over `backend`."""
    return ProviderSpec(
        key="fake",
        title="Fake",
        api_version="1",
        capabilities=frozenset(Capability),
        settings=FakeSettings,
        factory=lambda settings, _http: FakeProvider(settings, backend),
        configured=lambda settings: settings.key is not None,
    )
