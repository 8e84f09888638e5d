"""The simulator as an ASGI application and as an in-process transport."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from email.utils import formatdate

import httpx
from starlette.datastructures import UploadFile
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from overseer_payment.simulator.control import control_routes
from overseer_payment.simulator.deliveries import Deliverer
from overseer_payment.simulator.dispatch import ConnectionBroken, Request, answered
from overseer_payment.simulator.forms import Pairs, Upload, pairs_of
from overseer_payment.simulator.world import World

_METHODS = ["GET", "POST", "DELETE"]
_IN_PROCESS = "overseer_payment.simulator.in_process"


def create_app(world: World, deliverer: Deliverer | None = None, *, control: bool = True) -> ASGIApp:
    """Return the application: `/v1/…`, the hosted pages, and with `control` the `/_sim/…` endpoints.

    It has no lifespan and can be mounted below any path; `world.public_url` must then name that place.
    """

    async def v1(request: HttpRequest) -> Response:
        try:
            answer = await answered(world, await read_request(request))
        except ConnectionBroken:
            return _NoAnswer()
        # Clients order what they read by the account's time, which need not be this machine's.
        moment = formatdate(world.now(), usegmt=True)
        return JSONResponse(answer.body, answer.status, {**answer.headers, "Date": moment})

    routes: list[BaseRoute] = [Route("/v1/{rest:path}", v1, methods=_METHODS), *_hosted(world)]
    if control:
        routes.append(Mount("/_sim", _router(control_routes(world, deliverer))))
    return ExceptionMiddleware(_router(routes))


def _router(routes: Sequence[BaseRoute]) -> Router:
    # A redirect for a missing slash would lead to whatever the Host header names.
    return Router(routes, redirect_slashes=False)


def transport(world: World, *, app: ASGIApp | None = None) -> httpx.AsyncBaseTransport:
    """Return an httpx transport that answers from `world` in this process, broken connections included."""
    return _InProcess(app or create_app(world))


class _NoAnswer(Response):
    """A connection that breaks before the answer is complete."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (the shape of an ASGI application)
        if scope.get(_IN_PROCESS):
            raise ConnectionBroken
        # A promised body that never comes makes the server close the connection.
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})


class _InProcess(httpx.AsyncBaseTransport):
    def __init__(self, app: ASGIApp) -> None:
        async def marked(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, _IN_PROCESS: True}, receive, send)

        self._inner = httpx.ASGITransport(app=marked)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._inner.handle_async_request(request)
        except ConnectionBroken as error:
            raise httpx.ReadTimeout(
                "The simulator broke the connection, as asked.", request=request
            ) from error


async def read_request(request: HttpRequest) -> Request:
    """Read query, form body and uploaded files of an HTTP request into one list of parameters."""
    pairs: Pairs = pairs_of(request.url.query)
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        pairs += await _multipart(request)
    else:
        pairs += pairs_of((await request.body()).decode("utf-8", "replace"))
    path = f"/v1/{request.path_params['rest']}"
    return Request(request.method, path, dict(request.headers), pairs)


async def _multipart(request: HttpRequest) -> Pairs:
    pairs: Pairs = []
    async with request.form() as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                kind = value.content_type or "application/octet-stream"
                pairs.append((name, Upload(value.filename or "", kind, await value.read())))
            else:
                pairs.append((name, value))
    return pairs


def _hosted(world: World) -> list[BaseRoute]:
    """Return the routes of the hosted pages (checkout, portal), which live beside the resources."""
    if importlib.util.find_spec("overseer_payment.simulator.hosted") is None:
        return []
    hosted = importlib.import_module("overseer_payment.simulator.hosted")
    return list(hosted.routes(world))
