"""Stripe's webhook endpoints: where it delivers, which events, at which version, and the signing secret.

Stripe tells a secret once, in the answer that makes the endpoint ("Create a webhook endpoint"), and its
API can't roll one. So a secret is replaced by a second endpoint at the same URL: until the first is
deleted both deliver, and the inbox takes each event once.

An endpoint that we make is marked with a fingerprint of its secret. Whoever lists endpoints later can
then tell whether the configured secret belongs to it.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from overseer_payment.errors import ObjectAbsent, ProviderError, ProviderRejected, ProviderUnavailable
from overseer_payment.provider import Endpoint, EndpointRequest, LocalSecret
from overseer_payment.provider_plugins.stripe.calls import StripeCalls
from overseer_payment.provider_plugins.stripe.events import object_name
from overseer_payment.provider_plugins.stripe.settings import API_VERSION
from overseer_payment.provider_plugins.stripe.translate import fields as f
from overseer_payment.provider_plugins.stripe.webhook import HEADER

if TYPE_CHECKING:
    from stripe.params import WebhookEndpointCreateParams, WebhookEndpointUpdateParams

REPLACES, FINGERPRINT = "overseer_replaces", "overseer_secret"
"""Metadata keys: which endpoint this one follows, and the fingerprint of its secret."""

_TYPE = re.compile(r"['\"]([a-z_0-9]+(?:\.[a-z_0-9]+)+)['\"]")
_DERIVED = b"overseer-payment local webhook secret\0"
_LONGEST_DESCRIPTION = 500


def handled_types() -> frozenset[str]:
    """Every event type that the SDK knows and this plugin reads: what an endpoint has to be told of."""
    from stripe.params import WebhookEndpointCreateParams

    # The SDK names the types in this parameter's annotation alone. Its other names aren't imported at run
    # time, so the annotation is read and not evaluated.
    known = _TYPE.findall(str(WebhookEndpointCreateParams.__annotations__["enabled_events"]))
    return frozenset(type for type in known if object_name(type))


def fingerprint(secret: bytes) -> str:
    """A name for a signing secret that is not the secret: eight digits of a digest."""
    return hashlib.sha256(b"overseer-payment webhook secret\0" + secret).hexdigest()[:8]


class Endpoints(StripeCalls):
    """Webhook endpoints, and signatures as Stripe makes them."""

    async def event_types(self) -> frozenset[str]:
        """The handled types; asking for them imports the SDK, so it is done when first needed."""
        return handled_types()

    async def list_endpoints(self) -> Sequence[Endpoint]:
        """All of them; an account has at most 16 in each mode."""

        def call(stripe: Any, after: str | None) -> Any:
            return stripe.v1.webhook_endpoints.list_async(
                {"limit": 100, **({"starting_after": after} if after else {})}
            )

        return [self._endpoint(answer.data) async for answer in self._client.pages(call)]

    async def create_endpoint(self, request: EndpointRequest, *, idempotency_key: str) -> Endpoint:
        """Make an endpoint at our API version, and mark it with its secret's fingerprint."""
        self._require_reachable(request.url)
        # The SDK's words are Literals, and these were read from them.
        types: list[Any] = sorted(handled_types())
        version: Any = API_VERSION
        params: WebhookEndpointCreateParams = {
            "url": request.url,
            "enabled_events": types,
            "api_version": version,
            "description": request.description[:_LONGEST_DESCRIPTION],
            "metadata": {REPLACES: request.replaces} if request.replaces else {},
        }
        answer = await self._client.write(
            lambda stripe: stripe.v1.webhook_endpoints.create_async(
                params, {"idempotency_key": idempotency_key}
            )
        )
        made = self._endpoint(answer.data)
        return replace(made, secret_set=await self._mark(made)) if made.secret else made

    async def _mark(self, made: Endpoint) -> bool | None:
        assert made.secret is not None
        mark: WebhookEndpointUpdateParams = {"metadata": {FINGERPRINT: fingerprint(made.secret.encode())}}
        try:
            await self._client.write(lambda stripe: stripe.v1.webhook_endpoints.update_async(made.id, mark))
        except ProviderError:
            return None  # it works without a mark; only that its secret is set can't be told later
        return made.secret.encode() in self._secrets

    async def update_endpoint(self, id: str) -> Endpoint:
        """Enable it, with the handled types alone."""
        types: list[Any] = sorted(handled_types())
        params: WebhookEndpointUpdateParams = {
            "enabled_events": types,
            "disabled": False,
        }
        answer = await self._client.write(lambda stripe: stripe.v1.webhook_endpoints.update_async(id, params))
        return self._endpoint(answer.data)

    async def delete_endpoint(self, id: str) -> None:
        """Delete it; deliveries that are on their way to it fail."""
        try:
            await self._client.write(lambda stripe: stripe.v1.webhook_endpoints.delete_async(id))
        except ProviderRejected as error:
            if error.code != "resource_missing":
                raise
        except ObjectAbsent:
            return

    def local_secret(self) -> LocalSecret:
        """Without a usable secret, one that follows from the API key: the same at each start."""
        if self._secrets:
            return LocalSecret(self._secrets[0].decode(), configured=True)
        derived = hmac.new(self._settings.key.encode(), _DERIVED, hashlib.sha256).hexdigest()
        return LocalSecret(f"whsec_{derived}", configured=False)

    def sign(self, body: bytes, *, secret: str, now: datetime) -> Mapping[str, str]:
        """The `Stripe-Signature` header ("Verify webhook signatures manually")."""
        stamp = str(int(now.timestamp()))
        digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        return {HEADER: f"t={stamp},v1={digest}"}

    def _endpoint(self, obj: f.Json) -> Endpoint:
        id, url, made = f.reference(obj, "id"), f.text(obj, "url"), f.moment(obj, "created")
        if id is None or url is None:
            raise ProviderUnavailable("Stripe's webhook endpoints could not be read. Try again later.")
        marks, types = f.metadata(obj), obj.get("enabled_events")
        return Endpoint(
            id=id,
            url=url,
            event_types=frozenset(types if isinstance(types, list) else ()),
            api_version=f.text(obj, "api_version"),
            enabled=f.text(obj, "status") == "enabled",
            livemode=f.flag(obj, "livemode"),
            created_at=made or datetime.fromtimestamp(0, UTC),
            description=f.text(obj, "description") or "",
            replaces=marks.get(REPLACES),
            secret_set=self._is_set(marks.get(FINGERPRINT)),
            secret=f.text(obj, "secret"),
        )

    def _is_set(self, mark: str | None) -> bool | None:
        return None if mark is None else any(fingerprint(secret) == mark for secret in self._secrets)

    def _require_reachable(self, url: str) -> None:
        """Stripe takes an address that leads nowhere; its deliveries then fail for days, quietly."""
        parts = urlsplit(url)
        if self.livemode and parts.scheme != "https":
            raise ProviderRejected("In live mode Stripe delivers to https alone.", code="url_invalid")
        if not self._settings.is_local and _is_here(parts.hostname or ""):
            raise ProviderRejected(
                f"Stripe can't reach {parts.hostname}. Set OVERSEER_PUBLIC_URL to an address that it can, or "
                "bring events to this machine with: payment webhook listen",
                code="url_invalid",
            )


def _is_here(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False
