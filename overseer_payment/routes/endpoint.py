"""From the table of operations to Starlette routes: one route per path, every answer made here.

A route takes every method, so that a wrong one is answered by us, as a problem with the complete
`Allow`; two routes on one path would each name only their own.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from overseer_payment.draining import Drained
from overseer_payment.errors import MethodNotAllowed, NotFound
from overseer_payment.host_contract import Host
from overseer_payment.routes import reading
from overseer_payment.routes.guard import ANONYMOUS, admit
from overseer_payment.routes.limits import Limits
from overseer_payment.routes.op import PREFIX, Answer, Call, Op, PaymentsFor, Streamed
from overseer_payment.routes.problem import problem_of, respond, response_to
from overseer_payment.schemas import JsonObject, Viewer

_ALWAYS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_JSON = ((b"content-type", b"application/json"), *_ALWAYS)


def routes_of(host: Host, ops: Iterable[Op], payments_for: PaymentsFor) -> list[BaseRoute]:
    """One route for each path of `ops`."""
    by_path: dict[str, dict[str, Op]] = {}
    for op in ops:
        by_path.setdefault(op.path, {})[op.method] = op
    limits = Limits(host)

    def app(methods: Mapping[str, Op]) -> ASGIApp:
        if any(op.raw_body for op in methods.values()):
            # Not drained: a stranger is not waited for, and a provider reads no more than the status.
            return Deliveries(host, methods, payments_for, limits)
        return Drained(Endpoint(host, methods, payments_for, limits))

    return [
        Route(PREFIX + path, app(methods), name=f"overseer_payment:{path}")
        for path, methods in by_path.items()
    ]


class Endpoint:
    """One path, as an ASGI application."""

    def __init__(self, host: Host, ops: Mapping[str, Op], payments_for: PaymentsFor, limits: Limits) -> None:
        self._host, self._ops, self._payments_for, self._limits = host, ops, payments_for, limits
        reads = {"HEAD"} if "GET" in ops else set()
        self._allow = ", ".join(sorted({*ops, *reads}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await _finished(request, await self._respond(request))(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        op = self._ops.get("GET" if request.method == "HEAD" else request.method)
        if op is None:
            error = MethodNotAllowed(f"Use one of these methods here: {self._allow}.")
            return respond(problem_of(error), {"Allow": self._allow})
        try:
            return await _success(await self._run(op, request), request)
        except Exception as error:
            return response_to(error, where=f"{op.method} {PREFIX}{op.path}")

    async def _run(self, op: Op, request: Request) -> Answer:
        if op.public:
            # Anybody may call it, as often as they like: nothing more is done than is needed.
            if op.limited:
                self._limits.count(op.name, ANONYMOUS, request)
            return await op.handler(self._call(op, request, ANONYMOUS))
        viewer = await admit(self._host, request)
        if op.limited:
            self._limits.count(op.name, viewer, request)
        call = self._call(op, request, viewer)
        if op.needs and op.needs not in viewer.permissions:
            if op.sight:
                await op.sight(call)
            viewer.require(op.needs)
        return await op.handler(await _complete(op, request, call))

    def _call(self, op: Op, request: Request, viewer: Viewer) -> Call[Any, Any]:
        return Call(
            viewer=viewer,
            payments_for=lambda: self._payments_for(self._host),
            id=reading.path_id(request.path_params, op.parameter),
            query=None,
            body=None,
            raw=b"",
            headers=dict(request.headers.items()),
            idempotency_key=None,
            root_path=request.scope.get("root_path", ""),
        )


class Deliveries(Endpoint):
    """A path that is called in floods: whatever its operation can do without is left out."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        op = self._ops.get(scope["method"])
        if op is None:
            await super().__call__(scope, receive, send)
            return
        try:
            answer = await op.handler(await self._read(op, scope, receive))
        except Exception as error:
            response = response_to(error, where=f"{op.method} {PREFIX}{op.path}")
            await _finished(Request(scope), response)(scope, receive, send)
            return
        assert not isinstance(answer, Streamed)  # by its declaration
        body = _text(answer).encode()
        head = (*_JSON, (b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body})

    async def _read(self, op: Op, scope: Scope, receive: Receive) -> Call[Any, Any]:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        return Call(
            viewer=ANONYMOUS,
            payments_for=lambda: self._payments_for(self._host),
            id=reading.path_id(scope["path_params"], op.parameter),
            query=None,
            body=None,
            raw=await reading.read_bytes(receive, headers.get("content-length", ""), reading.MAX_WEBHOOK),
            headers=headers,
            idempotency_key=None,
            root_path="",
        )


async def _complete(op: Op, request: Request, call: Call[Any, Any]) -> Call[Any, Any]:
    """The call with everything that the caller sent, read only now that we know who it is."""
    query = reading.read_query(request, op.query)
    key = reading.idempotency_key(request) if op.method == "POST" else None
    limit = op.max_body or reading.MAX_JSON
    if op.uploads:
        raw = await reading.read_body(request, limit)
        return replace(call, query=query, raw=raw, idempotency_key=key)
    body = None
    if op.body:
        body = await reading.read_json(request, op.body, optional=op.body_optional, limit=limit)
    return replace(call, query=query, body=body, idempotency_key=key)


class Elsewhere(Route):
    """Answers 404 as a problem for what nobody else serves below our prefix.

    It matches only partially, which a router falls back to when nothing matches fully. So it never
    hides a route, wherever the host puts it among others.
    """

    def __init__(self) -> None:
        super().__init__(PREFIX + "/{path:path}", _nowhere, name="overseer_payment:elsewhere")

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        return (Match.PARTIAL if match is Match.FULL else match), child


class _Nowhere:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        error = NotFound(f"There is no such path; {PREFIX}/openapi.json lists those that exist.")
        await _finished(request, respond(problem_of(error)))(scope, receive, send)


_nowhere = _Nowhere()


async def _success(answer: Answer, request: Request) -> Response:
    if isinstance(answer, Streamed):
        return await _streaming(answer, request)
    return Response(_text(answer), media_type="application/json")


def _text(answer: BaseModel | JsonObject) -> str:
    return answer.model_dump_json() if isinstance(answer, BaseModel) else json.dumps(answer)


async def _streaming(answer: Streamed, request: Request) -> Response:
    # The first piece is made before the status is sent: until then an error is a problem like any other.
    first = await anext(answer.chunks, "")
    headers = {"Content-Disposition": f'attachment; filename="{answer.filename}"'}
    if request.method == "HEAD":
        return Response(headers=headers, media_type=answer.media_type)
    return StreamingResponse(_chained(first, answer.chunks), headers=headers, media_type=answer.media_type)


async def _chained(first: str, rest: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for piece in rest:
        yield piece


def _finished(request: Request, response: Response) -> Response:
    response.raw_headers.extend(_ALWAYS)
    if request.method == "HEAD":
        response.body = b""  # the length stays: it is that of the GET
    return response
