"""The reference implementation of the provider contract, over a service in memory.

It is what a plugin looks like with everything declared and nothing in the way: copy its shape. It
passes the conformance kit. For tests of applications it serves wherever Stripe's own habits don't matter.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import quote

from overseer_payment.errors import (
    OutcomeUnknown,
    PayloadInvalid,
    PaymentError,
    SignatureInvalid,
    WebhookNotConfigured,
)
from overseer_payment.provider import (
    AsOf,
    Capability,
    CheckoutRequest,
    CheckoutSnapshot,
    CustomerRequest,
    CustomerSnapshot,
    Event,
    Health,
    Parsed,
    ProviderSpec,
    Ref,
    RefundRequest,
    Snapshot,
    Source,
)
from overseer_payment.testing.fake_backend import FakeBackend, sign
from overseer_payment.testing.fake_billing import FakeBilling
from overseer_payment.testing.fake_calls import FakeSettings
from overseer_payment.testing.fake_disputes import FakeDisputes
from overseer_payment.testing.fake_endpoints import FakeEndpoints
from overseer_payment.testing.fake_listing import FakeListing
from overseer_payment.testing.fake_subscriptions import FakeSubscriptions
from overseer_payment.testing.fake_wire import KINDS, event_of, moment, snapshots

Answer = TypeVar("Answer")

TOLERANCE = timedelta(minutes=5)


class FakeProvider(FakeListing, FakeBilling, FakeDisputes, FakeEndpoints, FakeSubscriptions):
    """A provider without a network. Settings as an operator would write them, state in `backend`."""

    async def create_checkout(self, request: CheckoutRequest, *, idempotency_key: str) -> CheckoutSnapshot:
        made = self._ask(
            lambda: self._backend.create_checkout(
                live=self.livemode,
                key=idempotency_key,
                mode=request.mode.value,
                price=request.price,
                quantity=request.quantity,
                customer=request.customer,
                coupon=request.discount or request.promotion_code,
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
        return [*self._read(made), *self._in_full(self._present(payment))]

    async def get_transaction(self, provider_transaction_id: str) -> Sequence[Snapshot]:
        found = self._present(provider_transaction_id.removesuffix("_charge"))
        if found["kind"] == "checkout" and found["payment"]:
            return [*self._read(found), *self._in_full(self._present(found["payment"]))]
        return self._in_full(found)

    async def fetch(self, ref: Ref) -> Sequence[Snapshot]:
        return self._in_full(self._present(ref.id.removesuffix("_charge")))

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        secrets = self._settings.secrets()
        if not secrets:
            raise WebhookNotConfigured("Set FAKEPAY_WEBHOOK_SECRET to receive webhooks.")
        _check_signature(body, headers, secrets, now)
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            raise PayloadInvalid("The body is not JSON.") from None
        return event_of(data)

    def parse(self, event: Event) -> Parsed:
        kind = event.type.partition(".")[0]
        if kind not in KINDS:
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
