"""Where buyers come back to: what is true about their checkout, and nothing about anybody.

Whoever knows the provider's unguessable session id may see this; no one else can find it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from overseer_payment.cards.formatting import Formatter
from overseer_payment.cards.links import Links
from overseer_payment.cards.render import render, with_assets
from overseer_payment.cards.visit import formatter, payments_of
from overseer_payment.errors import NotFound, PaymentError
from overseer_payment.provider import CheckoutMode, CheckoutPaymentState, CheckoutStatus
from overseer_payment.schemas import CheckoutRow

if TYPE_CHECKING:
    from overseer_payment.host_contract import Host

log = logging.getLogger("overseer_payment.cards")

_SESSION = re.compile(r"[\x21-\x7e]{8,255}\Z")
_LOOKS = 12
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the session id is in the address
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}

Tone = Literal["ok", "open", "off", "danger"]


@dataclass(frozen=True, slots=True)
class Landing:
    """What a buyer reads. `waiting`: it may change within seconds, so the page looks again."""

    tone: Tone
    title: str
    text: str
    sum: str | None = None
    what: str | None = None
    reference: str | None = None
    test: bool = False
    waiting: bool = False
    resume: str | None = None
    status: int = 200


NOT_FOUND = Landing(
    "off",
    "No such checkout",
    "This address names no checkout that we know. If you have just paid, "
    "wait a minute and open the link from your payment page again.",
    status=404,
)
CANCELED = Landing(
    "off", "Not charged", "You left the checkout before paying. No money was taken. You may close this page."
)
UNAVAILABLE = Landing(
    "danger",
    "We can't look that up right now",
    "Our records can't be reached at the moment. If you have paid, your payment is safe with the payment "
    "provider; do not pay again.",
    waiting=True,
    status=503,
)


def routes(host: Host) -> Sequence[BaseRoute]:
    """The two return pages. Public."""
    return [
        Route("/payment/success", _success(host), methods=["GET"]),
        Route("/payment/cancel", _cancel(host), methods=["GET"]),
    ]


def _success(host: Host) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        session_id = request.query_params.get("session_id", "")
        landing = await _look_up(host, session_id)
        return await _show(host, request, landing, session_id)

    return endpoint


def _cancel(host: Host) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await _show(host, request, CANCELED, "")

    return endpoint


async def _look_up(host: Host, session_id: str) -> Landing:
    if not _SESSION.match(session_id):
        return NOT_FOUND
    try:
        payments = payments_of(host)
        row = await payments.landing(session_id)
    except PaymentError as error:
        return NOT_FOUND if isinstance(error, NotFound) or error.status == 404 else UNAVAILABLE
    return landing_of(row, formatter(payments))


def landing_of(row: CheckoutRow, fmt: Formatter) -> Landing:
    """What is true of a checkout, in a buyer's words. Only a paid one is called paid."""
    what = "for your subscription" if row.mode is CheckoutMode.SUBSCRIPTION else None
    money = None
    if row.amount_total is not None and row.currency is not None:
        money = fmt.money(row.amount_total, row.currency, row.provider)
    tone, title, text, waiting, resume = _said(row)
    return Landing(
        tone,
        title,
        text,
        sum=money if row.payment_state is CheckoutPaymentState.PAID or waiting else None,
        what=what,
        reference=row.session_id[-8:],
        test=not row.livemode,
        waiting=waiting,
        resume=resume,
    )


def _said(row: CheckoutRow) -> tuple[Tone, str, str, bool, str | None]:
    """Tone, title, sentence, whether to look again, and where an unfinished checkout goes on."""
    match row.payment_state:
        case CheckoutPaymentState.PAID:
            return "ok", "Paid", "Thank you. Your payment has arrived.", False, None
        case CheckoutPaymentState.FAILED:
            return (
                "off",
                "Payment failed",
                "Your payment did not go through. You were not charged.",
                False,
                None,
            )
        case CheckoutPaymentState.NOT_REQUIRED if row.status is CheckoutStatus.COMPLETE:
            return "ok", "All set", _free(row), False, None
    return _unpaid(row)


def _free(row: CheckoutRow) -> str:
    if row.mode is CheckoutMode.SETUP:
        return "Your payment method is saved. Nothing was charged."
    return "Nothing is due today, and nothing was charged."


def _unpaid(row: CheckoutRow) -> tuple[Tone, str, str, bool, str | None]:
    if row.status is CheckoutStatus.EXPIRED:
        return "off", "Checkout expired", "It was not finished in time. You were not charged.", False, None
    if row.status is CheckoutStatus.COMPLETE:
        text = "Your order is in and the payment is on its way. Bank payments can take a few days."
        return "open", "Payment processing", text, True, None
    text = "We have no news of a payment yet. If you have just paid, it will show here in a moment."
    return "open", "Waiting for your payment", text, True, _web(row.checkout_url)


def _web(url: str | None) -> str | None:
    return url if url and urlsplit(url).scheme in {"http", "https"} else None


async def _show(host: Host, request: Request, landing: Landing, session_id: str) -> Response:
    links = Links.of(request)
    look = _look(request)
    again = landing.waiting and look < _LOOKS
    body = render(
        "landing.html",
        landing=landing,
        links=links,
        again=again,
        reload=links.landing(session_id, look=0) if landing.waiting else None,
        overview=links.tab() if await _is_staff(host, request) else None,
    )
    response = await host.page(request, title=landing.title, body=str(with_assets(links, body)))
    response.status_code = landing.status
    response.headers.update(_HEADERS)
    if again:
        # Sooner at first, then slower: about three minutes in all.
        response.headers["Refresh"] = (
            f"{min(2 + 2 * look, 20)}; url={links.landing(session_id, look=look + 1)}"
        )
    return response


async def _is_staff(host: Host, request: Request) -> bool:
    """May this visitor see the dashboard? Only then is there a place here to lead them to."""
    try:
        return await host.authorize(request, "payment.view")
    except Exception as error:
        # A host's own fault must not cost a buyer the page.
        log.warning("the host can't say who looks at a return page: %s", type(error).__name__)
        return False


def _look(request: Request) -> int:
    given = request.query_params.get("look", "0")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 4 else 0
