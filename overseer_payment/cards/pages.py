"""The guarded routes of the dashboard, and the public ones of its stylesheet and script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from overseer_payment.cards import assets, card
from overseer_payment.cards.actions import actions, open_checkout, simulate
from overseer_payment.cards.details import customer, subscription, transaction
from overseer_payment.cards.frame import Handler, error_view, page
from overseer_payment.cards.lists import customers, subscriptions, transactions
from overseer_payment.cards.overview import overview
from overseer_payment.cards.refunds import confirm, refund
from overseer_payment.cards.render import PRIVATE, View, answer
from overseer_payment.cards.setup import settings
from overseer_payment.cards.visit import Visit
from overseer_payment.errors import PaymentError

if TYPE_CHECKING:
    from overseer_payment.host_contract import Host

Endpoint = Callable[[Request], Awaitable[Response]]


def routes(host: Host) -> Sequence[BaseRoute]:
    """Card, modal and drawers. Each asks `host` who looks, default deny; one route for each path."""

    def get(path: str, handler: Handler, permission: str = "payment.view") -> Route:
        return Route(path, page(host, handler, permission=permission), methods=["GET"])

    return [
        Route("/payment/card", _card(host), methods=["GET"]),
        Route("/payment/card.json", _card_json(host), methods=["GET"]),
        get("/payment", _to_overview),
        get("/payment/", _to_overview),
        get("/payment/modal", overview),
        get("/payment/modal/overview", overview),
        get("/payment/modal/transactions", transactions),
        get("/payment/modal/subscriptions", subscriptions),
        get("/payment/modal/customers", customers),
        get("/payment/modal/actions", actions, "payment.manage"),
        get("/payment/modal/settings", settings, "payment.admin"),
        get("/payment/transactions/{id}", transaction),
        Route(
            "/payment/transactions/{id}/refund",
            page(host, _confirm_or_refund, permission="payment.refund"),
            methods=["GET", "POST"],
        ),
        get("/payment/subscriptions/{id}", subscription),
        get("/payment/customers/{id}", customer),
        Route(
            "/payment/actions/simulate/{what}",
            page(host, simulate, permission="payment.manage"),
            methods=["POST"],
        ),
        Route(
            "/payment/actions/checkout",
            page(host, open_checkout, permission="payment.manage"),
            methods=["POST"],
        ),
    ]


def static_routes(host: Host) -> Sequence[BaseRoute]:  # noqa: ARG001  (the same shape as every other `…routes(host)`)
    """Stylesheet and script, public: they say nothing about anybody."""
    return [Route("/payment/static/{digest}/{name}", assets.serve, methods=["GET"])]


async def _to_overview(seen: Visit) -> Response:
    return RedirectResponse(seen.links.tab(), headers=PRIVATE)


async def _confirm_or_refund(seen: Visit) -> View | Response:
    return await (refund(seen) if seen.request.method == "POST" else confirm(seen))


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
