"""The control endpoints `/_sim/…`: move the clock, arm faults, deliver, and look inside. JSON in and out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from overseer_payment.simulator.deliveries import Deliverer
from overseer_payment.simulator.errors import SimError
from overseer_payment.simulator.world import World

Json = dict[str, Any]

_LISTED = 100


def control_routes(world: World, deliverer: Deliverer | None = None) -> list[Route]:
    """Return the control endpoints of one world; delivering by hand needs a `deliverer`."""
    control = _Control(world, deliverer)
    return [
        Route("/", _guarded(control.stats), methods=["GET"]),
        Route("/clock", _guarded(control.move_clock), methods=["POST"]),
        Route("/faults", _guarded(control.list_faults), methods=["GET"]),
        Route("/faults", _guarded(control.add_fault), methods=["POST"]),
        Route("/faults", _guarded(control.clear_faults), methods=["DELETE"]),
        Route("/deliveries", _guarded(control.list_deliveries), methods=["GET"]),
        Route("/deliveries", _guarded(control.deliver), methods=["POST"]),
        Route("/events/{id}/resend", _guarded(control.resend), methods=["POST"]),
        Route("/requests", _guarded(control.list_requests), methods=["GET"]),
    ]


class _Control:
    def __init__(self, world: World, deliverer: Deliverer | None) -> None:
        self._world = world
        self._deliverer = deliverer

    async def stats(self, _request: Request) -> Json:
        world = self._world
        return {
            "now": world.now(),
            "objects": world.counts(),
            "events": len(world.events),
            "pending_deliveries": len(world.pending_deliveries()),
            "scheduled": [{"at": at, "label": label} for at, label in world.clock.scheduled()[:_LISTED]],
            "faults": world.faults.described(),
            "violations": [str(violation) for violation in world.violations],
        }

    async def move_clock(self, request: Request) -> Json:
        values = await _values(request, {"advance", "freeze"})
        if values.get("freeze"):
            self._world.clock.freeze()
        ran = self._world.clock.advance(float(values.get("advance", 0)))
        return {"now": self._world.now(), "jobs": ran}

    async def list_faults(self, _request: Request) -> Json:
        return self._world.faults.described()

    async def add_fault(self, request: Request) -> Json:
        values = await _values(request)
        target = values.pop("target", None)
        if target not in ("delivery", "api"):
            raise SimError(400, "target must be 'delivery' or 'api'", param="target")
        self._world.faults.add(target, values)
        return self._world.faults.described()

    async def clear_faults(self, _request: Request) -> Json:
        self._world.faults.clear()
        return self._world.faults.described()

    async def list_deliveries(self, request: Request) -> Json:
        state = request.query_params.get("state")
        found = [d for d in reversed(self._world.deliveries.log) if state in (None, d.state)]
        return {"count": len(found), "deliveries": [d.described() for d in found[:_LISTED]]}

    async def deliver(self, _request: Request) -> Json:
        if self._deliverer is None:
            raise SimError(409, "Nothing delivers for this simulator: it was created without a deliverer.")
        return {"attempts": await self._deliverer.deliver_due()}

    async def resend(self, request: Request) -> Json:
        id = request.path_params["id"]
        for event in self._world.events:
            if event["id"] == id:
                return {"queued": self._world.deliveries.resend(self._world, event)}
        raise SimError(404, f"No such event: '{id}'", code="resource_missing")

    async def list_requests(self, _request: Request) -> Json:
        newest = list(self._world.requests)[-_LISTED:]
        return {"requests": [r.described() for r in reversed(newest)]}


def _guarded(handler: Callable[[Request], Awaitable[Json]]) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def answer(request: Request) -> JSONResponse:
        try:
            return JSONResponse(await handler(request))
        except SimError as error:
            return JSONResponse(error.body(), error.status)
        except (TypeError, ValueError) as error:
            return JSONResponse({"error": {"message": str(error)}}, 400)

    return answer


async def _values(request: Request, known: set[str] | None = None) -> Json:
    """Return the JSON body. Only JSON is taken: a page of another origin cannot send it unasked."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise SimError(415, "Send JSON with Content-Type: application/json.")
    values = await request.json()
    if not isinstance(values, dict) or (known is not None and not values.keys() <= known):
        raise SimError(400, f"Expected a JSON object with {', '.join(sorted(known or {'…'}))}.")
    return values
