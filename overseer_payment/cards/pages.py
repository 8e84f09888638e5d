"""The guarded routes of the dashboard, and the public ones of its stylesheet and script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from overseer_payment.cards import (
    actions,
    assets,
    card,
    customers,
    disputes,
    events,
    overview,
    setup,
    subscriptions,
    transactions,
)
from overseer_payment.cards.addresses import Address, error_view
from overseer_payment.cards.render import PRIVATE, answer
from overseer_payment.cards.visit import payments_of, visitor
from overseer_payment.errors import PaymentError

if TYPE_CHECKING:
    from overseer_payment.cards.visit import Visit
    from overseer_payment.host_contract import Host

Endpoint = Callable[[Request], Awaitable[Response]]


async def _to_overview(seen: Visit) -> Response:
    return RedirectResponse(seen.links.tab(), headers=PRIVATE)


PAGES: tuple[Address, ...] = (
    Address("/payment", _to_overview),
    Address("/payment/", _to_overview),
    *overview.PAGES,
    *transactions.PAGES,
    *subscriptions.PAGES,
    *customers.PAGES,
    *disputes.PAGES,
    *events.PAGES,
    *actions.PAGES,
    *setup.PAGES,
)


def routes(host: Host) -> Sequence[BaseRoute]:
    """Card, modal and drawers. Each asks `host` who looks, default deny; one route for each path."""
    return [
        Route("/payment/card", _card(host), methods=["GET"]),
        Route("/payment/card.json", _card_json(host), methods=["GET"]),
        Route("/payment/pulse", _pulse(host), methods=["GET"]),
        *(page.route(host) for page in PAGES),
    ]


def static_routes(host: Host) -> Sequence[BaseRoute]:  # noqa: ARG001  (the same shape as every other `…routes(host)`)
    """Stylesheet and script, public: they say nothing about anybody."""
    return [Route("/payment/static/{digest}/{name}", assets.serve, methods=["GET"])]


def _card(host: Host) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            shown = card.card_view(await card.load(host, request), host, request)
        except PaymentError as error:
            shown = await error_view(host, request, error, "payment.view")
        return await answer(host, request, shown)

    return endpoint


def _card_json(host: Host) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        from overseer_payment.routes.problem import response_to

        try:
            data = await card.load(host, request)
        except PaymentError as error:
            return response_to(error, where="GET /payment/card.json")
        return Response(data.model_dump_json(), media_type="application/json", headers=PRIVATE)

    return endpoint


def _pulse(host: Host) -> Endpoint:
    """Has anything changed? The present version and nothing else: it is asked every few seconds."""

    async def endpoint(request: Request) -> Response:
        from overseer_payment.routes.problem import response_to
        from overseer_payment.shown import pulse

        try:
            viewer = await visitor(host, request, "payment.view")
            version = f'"{await pulse.pulse(payments_of(host), viewer)}"'
        except PaymentError as error:
            return response_to(error, where="GET /payment/pulse")
        same = request.headers.get("if-none-match") == version
        return Response(status_code=304 if same else 204, headers={**PRIVATE, "ETag": version})

    return endpoint
