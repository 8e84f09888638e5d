"""Acme Pay's behaviour. Acme knows checkouts, payments and refunds; its events only say where to look."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx

from overseer_acmepay import AcmeSettings
from overseer_payment.errors import (
    NotSupported,
    ObjectAbsent,
    OutcomeUnknown,
    PayloadInvalid,
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
    ChargeSnapshot,
    CheckoutMode,
    CheckoutPaymentState,
    CheckoutRequest,
    CheckoutSnapshot,
    CheckoutStatus,
    CustomerRequest,
    CustomerSnapshot,
    Event,
    Health,
    Kind,
    Parsed,
    Price,
    Ref,
    RefundRequest,
    RefundSnapshot,
    Snapshot,
    Source,
    TransactionStatus,
)

TOLERANCE = timedelta(minutes=5)
_PATHS = {Kind.CHECKOUT: "checkouts", Kind.CHARGE: "payments", Kind.REFUND: "refunds"}
_KINDS = {"checkout": Kind.CHECKOUT, "payment": Kind.CHARGE, "refund": Kind.REFUND}


class AcmeProvider:
    """One Acme account in one mode. `http` belongs to the caller."""

    def __init__(self, settings: AcmeSettings, http: httpx.AsyncClient) -> None:
        self._settings, self._http = settings, http
        self._key = settings.api_key.get_secret_value() if settings.api_key else ""
        self.livemode = self._key.startswith("acme_live_")

    async def create_checkout(self, request: CheckoutRequest, *, idempotency_key: str) -> CheckoutSnapshot:
        if request.mode is not CheckoutMode.PAYMENT:
            raise NotSupported("Acme Pay sells single payments only, no subscriptions.")
        if request.is_discounted or request.is_taxed:
            raise NotSupported("Acme Pay has neither discounts nor tax.")
        body = {
            "price": request.price,
            "quantity": request.quantity,
            "success_url": request.success_url,
            "cancel_url": request.cancel_url,
            "metadata": dict(request.metadata),
        }
        return self._checkout(await self._send("POST", "checkouts", body, idempotency_key))

    async def get_transaction(self, provider_transaction_id: str) -> Sequence[Snapshot]:
        return await self.fetch(Ref(Kind.CHARGE, provider_transaction_id))

    async def refund(self, request: RefundRequest, *, idempotency_key: str) -> Sequence[Snapshot]:
        body = {"payment": request.charge or request.payment, "amount": request.amount}
        return [self._refund(await self._send("POST", "refunds", body, idempotency_key))]

    async def create_customer(self, request: CustomerRequest, *, idempotency_key: str) -> CustomerSnapshot:
        raise NotSupported("Acme Pay has no customers.")

    async def list_prices(self) -> AsyncIterator[Price]:
        raise NotSupported("Acme Pay does not list prices.")
        yield  # makes this an async generator, as the contract has it

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        if not self._settings.secrets:
            raise WebhookNotConfigured("Set ACMEPAY_WEBHOOK_SECRET to receive Acme Pay's webhooks.")
        if not any(_is_signed(body, headers, secret, now) for secret in self._settings.secrets):
            raise SignatureInvalid("Acme Pay's signature fits no configured secret, or its time is off.")
        try:
            data = json.loads(body)
            return Event(
                id=_text(data["id"]),
                type=_text(data["type"]),
                occurred_at=_moment(data["created"]),
                livemode=data["live"],
                api_version="3",
                account=None,
                payload=data,
            )
        except (ValueError, TypeError, KeyError, RecursionError):
            raise PayloadInvalid("Acme Pay's delivery is signed, but is no event.") from None

    def parse(self, event: Event) -> Parsed:
        kind = _KINDS.get(event.type.partition(".")[0])
        if kind is None:
            return Parsed()
        # Acme's events may come late and out of order: what counts is what its API says when asked.
        try:
            return Parsed(fetch=(Ref(kind, _text(event.payload["object"])),))
        except (KeyError, TypeError):
            raise PayloadInvalid(f"Acme Pay's event {event.id} names no object.") from None

    async def fetch(self, ref: Ref) -> Sequence[Snapshot]:
        if ref.kind not in _PATHS:
            raise ObjectAbsent(f"Acme Pay has no objects of the kind {ref.kind.value}.")
        found = await self._send("GET", f"{_PATHS[ref.kind]}/{quote(ref.id, safe='')}")
        if ref.kind is Kind.CHECKOUT:
            return [self._checkout(found)]
        if ref.kind is Kind.REFUND:
            return [self._refund(found)]
        return [self._charge(found), *(self._refund(refund) for refund in found["refunds"])]

    async def health_check(self) -> Health:
        try:
            account = await self._send("GET", "account")
        except ProviderError as error:
            return Health(healthy=False, message=error.detail, livemode=self.livemode)
        return Health(healthy=True, message=f"Connected to {account['name']}.", livemode=self.livemode)

    def dashboard_url(self, ref: Ref) -> str | None:
        path = _PATHS.get(ref.kind)
        return f"https://dashboard.acmepay.example/{path}/{quote(ref.id, safe='')}" if path else None

    async def aclose(self) -> None:
        """The HTTP client is the caller's to close."""

    async def _send(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        headers = {"authorization": f"Bearer {self._key}"} | ({"idempotency-key": key} if key else {})
        try:
            answer = await self._http.request(
                method, f"{self._settings.api_base}/{path}", json=body, headers=headers
            )
            return _read(answer)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise ProviderUnavailable("Acme Pay can't be reached. Try again in a moment.") from None
        except (httpx.HTTPError, ValueError):
            # It was sent. Whether it took effect is for a retry under the same key to find out.
            raise OutcomeUnknown("Acme Pay did not answer. Retry under the same idempotency key.") from None

    def _common(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": data["id"],
            "as_of": AsOf(_moment(data["read_at"]), Source.READ),
            "livemode": data["live"],
            "occurred_at": _moment(data["created"]),
            "metadata": data.get("metadata", {}),
            "raw": data,
        }

    def _checkout(self, data: Mapping[str, Any]) -> CheckoutSnapshot:
        paid = data["payment"] is not None
        return CheckoutSnapshot(
            **self._common(data),
            mode=CheckoutMode.PAYMENT,
            status=CheckoutStatus.COMPLETE if paid else CheckoutStatus.OPEN,
            payment_state=CheckoutPaymentState.PAID if paid else CheckoutPaymentState.UNPAID,
            amount_total=data["amount"],
            currency=data["currency"],
            url=None if paid else data["url"],
            payment=data["payment"],
        )

    def _charge(self, data: Mapping[str, Any]) -> ChargeSnapshot:
        return ChargeSnapshot(
            **self._common(data),
            status=TransactionStatus(data["status"]),
            amount=data["amount"],
            amount_refunded=sum(refund["amount"] for refund in data["refunds"]),
            currency=data["currency"],
        )

    def _refund(self, data: Mapping[str, Any]) -> RefundSnapshot:
        return RefundSnapshot(
            **self._common(data),
            status=TransactionStatus.SUCCEEDED,
            amount=data["amount"],
            currency=data["currency"],
            charge=data["payment"],
        )


def _read(answer: httpx.Response) -> Any:
    """The JSON of a good answer; our own error for any other."""
    if answer.status_code in {401, 403}:
        raise ProviderAuthError("Acme Pay refuses the key. Check ACMEPAY_API_KEY.")
    if answer.status_code == 404:
        raise ObjectAbsent("Acme Pay has no such object.")
    if answer.status_code == 429:
        wait = answer.headers.get("retry-after", "")
        raise ProviderRateLimited(
            "Acme Pay asks us to wait.", retry_after=int(wait) if wait.isdigit() else None
        )
    if answer.is_client_error:
        raise ProviderRejected("Acme Pay refuses the request.")
    return answer.raise_for_status().json()


def _is_signed(body: bytes, headers: Mapping[str, str], secret: str, now: datetime) -> bool:
    stamp, _, given = headers.get("acme-signature", "").partition(".")
    if (
        not (stamp.isascii() and stamp.isdigit())
        or abs(int(stamp[:12]) - now.timestamp()) > TOLERANCE.seconds
    ):
        return False
    wanted = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted.encode(), given.encode())


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("not a text")
    return value


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
