"""Calls to Stripe's API: the SDK on an HTTP client that the caller owns, its side effects switched off.

Importing this module imports the SDK; nothing else in this plugin does, so it is imported when the first
call is made.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias

import anyio
import httpx
import stripe

from overseer_payment.errors import ProviderUnavailable
from overseer_payment.provider import AsOf, Source
from overseer_payment.provider_plugins.stripe.clock import ProviderClock
from overseer_payment.provider_plugins.stripe.errors import Exchange, garbled, translated
from overseer_payment.provider_plugins.stripe.settings import API_VERSION, StripeSettings

Call: TypeAlias = Callable[[stripe.StripeClient], Awaitable[stripe.StripeObject]]
PageCall: TypeAlias = Callable[[stripe.StripeClient, str | None], Awaitable[Any]]
Sleep: TypeAlias = Callable[[float], Awaitable[None]]

_RETRIES = 2  # said explicitly: the SDK's own client would not retry at all
_TIMEOUT = httpx.Timeout(30, connect=5, pool=10)
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,
)
_MOST_PAGES = 1000
_YEAR_2242 = 2**33
_APP = "overseer-payment"

_exchange: ContextVar[Exchange] = ContextVar("stripe_exchange")


@dataclass(frozen=True, slots=True)
class Answer:
    """What Stripe answered, as plain JSON, and the moment it speaks of."""

    data: Mapping[str, Any]
    as_of: AsOf


class Client:
    """Stripe's API for one key and one event loop. Raises this package's errors only."""

    def __init__(
        self,
        settings: StripeSettings,
        http: httpx.AsyncClient,
        *,
        clock: ProviderClock | None = None,
        sleep: Sleep = anyio.sleep,
    ) -> None:
        _quieten()
        base, self.clock = settings.api_base, clock or ProviderClock()
        self._stripe = stripe.StripeClient(
            settings.key,
            stripe_version=API_VERSION,
            # All four: what isn't named goes to Stripe's own servers, whatever the others say.
            base_addresses={"api": base, "files": base, "connect": base, "meter_events": base},
            max_network_retries=_RETRIES,
            http_client=_Transport(http, self.clock, sleep),
        )

    async def read(self, call: Call) -> Answer:
        """Make a call that changes nothing."""
        return await self._make(call, Exchange(writes=False))

    async def write(self, call: Call) -> Answer:
        """Make a call that may move money; it must carry an idempotency key."""
        return await self._make(call, Exchange(writes=True))

    async def pages(self, call: PageCall) -> AsyncIterator[Answer]:
        """Every item of a list, newest first. `call` gets the id to start after, None for the first page.

        Raises ProviderUnavailable when the list does not end.
        """
        after: str | None = None
        for _ in range(_MOST_PAGES):
            page = await self.read(partial(_called, call, after))
            items = [item for item in page.data.get("data") or () if isinstance(item, Mapping)]
            for item in items:
                yield Answer(item, page.as_of)
            last = items[-1].get("id") if items else None
            if not page.data.get("has_more") or not isinstance(last, str) or last == after:
                return
            after = last
        raise ProviderUnavailable("Stripe's list is longer than we read. Narrow it down.")

    async def _make(self, call: Call, exchange: Exchange) -> Answer:
        token = _exchange.set(exchange)
        try:
            return _answer(await call(self._stripe), exchange)
        except stripe.StripeError as error:
            raise translated(error, exchange) from None
        except (AttributeError, KeyError, TypeError, ValueError):
            # Where the SDK expects an object it doesn't check for one.
            raise garbled(exchange) from None
        finally:
            _exchange.reset(token)


def _answer(found: stripe.StripeObject, exchange: Exchange) -> Answer:
    response = found.last_response
    data = response.data if response is not None else None
    if not isinstance(data, Mapping) or exchange.read_at is None:
        raise garbled(exchange)
    moment, created = exchange.read_at, data.get("created")
    if isinstance(created, int) and 0 < created < _YEAR_2242:
        made = datetime.fromtimestamp(created, UTC)
        # A replay says how things stood when its object was made. Any other answer is at least as new
        # as what it describes: a write's, too, that began before the second in which it made the object.
        moment = made if exchange.replayed else max(moment, made)
    return Answer(data, AsOf(moment, Source.READ))


class _Transport(stripe.HTTPClient):
    """The SDK's requests over an injected client. It keeps the book that `Exchange` is."""

    name = "httpx"

    def __init__(self, http: httpx.AsyncClient, clock: ProviderClock, sleep: Sleep) -> None:
        super().__init__()
        self._http, self._clock, self._sleep = http, clock, sleep

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        exchange, start = _exchange.get(), self._clock.local()
        try:
            response = await self._http.request(
                method.upper(),
                url,
                headers=dict(headers),
                content=post_data,
                timeout=_TIMEOUT,
                follow_redirects=False,  # the key must not follow one
            )
        except httpx.RequestError as error:
            exchange.uncertain |= not isinstance(error, _NOT_SENT)
            # The SDK leaves its errors' constructors untyped.
            failed = stripe.APIConnectionError(type(error).__name__, should_retry=True)  # type: ignore[no-untyped-call]
            raise failed from None
        exchange.uncertain |= response.status_code >= 500
        exchange.replayed = response.headers.get("idempotent-replayed") == "true"
        dates = response.headers.get_list(
            "date"
        )  # a server's own, if it adds one, precedes the application's
        exchange.read_at = self._clock.began(start, dates[-1] if dates else None)
        answered = httpx.Headers(response.headers)
        answered.pop("stripe-notice", None)  # the SDK would turn it into a Python warning
        return response.content, response.status_code, answered

    def sleep_async(self, secs: float) -> Awaitable[None]:
        return self._sleep(secs)

    async def close_async(self) -> None:
        """The caller owns the client and closes it."""


def _quieten() -> None:
    """Switch off what the SDK does beside its work; its switches are global to the process."""
    stripe.enable_telemetry = False  # would write an id to the home directory and send timings
    if stripe.app_info is None:  # the host's own name, if it set one, stands
        stripe.set_app_info(_APP)
    logger = logging.getLogger("stripe")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.WARNING)  # below that it logs request bodies and messages about customers


def _called(call: PageCall, after: str | None, client: stripe.StripeClient) -> Awaitable[Any]:
    return call(client, after)
