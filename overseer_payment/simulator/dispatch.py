"""One API request from its headers to its answer: key, version, idempotency, faults, parameters, contract."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio

from overseer_payment.simulator import api
from overseer_payment.simulator.admission import authorize, routed
from overseer_payment.simulator.contract.catalog import Operation, operation
from overseer_payment.simulator.contract.params import read_parameters
from overseer_payment.simulator.errors import ContractViolation, SimError
from overseer_payment.simulator.events import API_VERSION
from overseer_payment.simulator.expansion import rendered
from overseer_payment.simulator.faults import ApiFault
from overseer_payment.simulator.forms import Pairs, nested
from overseer_payment.simulator.idempotency import StoredAnswer
from overseer_payment.simulator.world import RequestContext, World

Json = dict[str, Any]

# Endive removed these from requests, with an error code of their own ("API changelog", 2026-09-30.endive).
_NO_PAYMENT_METHOD_TYPES = ("/v1/checkout/sessions", "/v1/payment_intents", "/v1/setup_intents")


class ConnectionBroken(Exception):
    """The fault asked for no answer at all."""


@dataclass(frozen=True, slots=True)
class Request:
    """What arrived; header names are in lower case, `pairs` holds query and body parameters."""

    method: str
    path: str
    headers: Mapping[str, str]
    pairs: Pairs = field(default_factory=list)


@dataclass(slots=True)
class Answer:
    """What is sent back as JSON; `executed` says whether the endpoint ran, which is what keys remember."""

    status: int
    body: Json
    headers: dict[str, str] = field(default_factory=dict)
    executed: bool = False
    replayed: bool = False


async def answered(world: World, request: Request) -> Answer:
    """Answer one request of Stripe's API. Raises ConnectionBroken when a fault says so."""
    context = RequestContext(world.new_id("req_"), _idempotency_key(request))
    answer = Answer(0, {})
    try:
        answer = await _admitted(world, request, context)
    except SimError as error:
        answer = _refusal(error)
    except ContractViolation as violation:
        answer = _violated(violation)
    finally:
        world.log_request(request.method, request.path, answer.status, replayed=answer.replayed, of=context)
    answer.headers |= {"Request-Id": str(context.id), "Stripe-Version": API_VERSION}
    if context.idempotency_key:
        answer.headers["Idempotency-Key"] = context.idempotency_key
    return answer


def _idempotency_key(request: Request) -> str | None:
    # Reads and deletions are idempotent by themselves; Stripe ignores the key there.
    return request.headers.get("idempotency-key") if request.method == "POST" else None


async def _admitted(world: World, request: Request, context: RequestContext) -> Answer:
    authorize(world, request.headers)
    route, ids = routed(request.method, request.path)
    context.path_ids = frozenset(ids.values())
    call = api.Call(world, request.method, request.path, ids, idempotency_key=context.idempotency_key)
    key = context.idempotency_key
    if key is None:
        return await _exposed_to_faults(call, route, request, context, None)
    # The key is held around everything that may wait, so that a parallel request meets it.
    with world.idempotency.held(key, request.path, _fingerprint(request), world.now()) as stored:
        return await _exposed_to_faults(call, route, request, context, stored)


def _fingerprint(request: Request) -> str:
    return json.dumps(sorted(map(repr, request.pairs)))


async def _exposed_to_faults(
    call: api.Call,
    route: api.Route,
    request: Request,
    context: RequestContext,
    stored: StoredAnswer | None,
) -> Answer:
    faults = call.world.faults.hit_request(request.method, request.path)
    await _before(faults)
    if stored is not None and stored.body is not None:
        answer = Answer(stored.status, stored.body, {"Idempotent-Replayed": "true"}, replayed=True)
    else:
        answer = _executed(call, route, request, context, stale=any(f.kind == "stale" for f in faults))
    spoilt = _after(faults, answer)
    if stored is not None and answer.executed:
        # Stripe remembers its own 500; what a gateway or a lost connection does, it never learns of.
        stored.keep(spoilt if spoilt.status == 500 else answer)
    if any(fault.kind == "time_out" for fault in faults):
        raise ConnectionBroken
    return spoilt


async def _before(faults: list[ApiFault]) -> None:
    for fault in faults:
        if fault.kind == "slow":
            await anyio.sleep(fault.seconds)
        elif fault.kind == "time_out" and not fault.after_effect:
            raise ConnectionBroken
        elif fault.kind == "answer" and not fault.after_effect:
            raise _trouble(fault)


def _after(faults: list[ApiFault], answer: Answer) -> Answer:
    """Return the answer that is sent instead when a fault spoils the one that was reached."""
    for fault in faults:
        if fault.kind == "answer":
            return _refusal(_trouble(fault))
    return answer


def _executed(
    call: api.Call, route: api.Route, request: Request, context: RequestContext, *, stale: bool
) -> Answer:
    world = call.world
    described = _operation(world, route)
    call.params = _parameters(described, request)
    call.expand = call.params.pop("expand", [])
    with world.lock, world.executing(context):
        world.clock.run_due()
        try:
            result = route.handler(call)
            body = rendered(world, _stale(world, result) if stale else result, call.expand)
        except SimError as error:
            for inside in error.extra.values():
                if isinstance(inside, dict):
                    world.check(inside, f"error of {described.method} {described.template}")
            answer = _refusal(error)
            answer.executed = True
            return answer
        _check(world, described, body)
        return Answer(200, body, executed=True)


def _operation(world: World, route: api.Route) -> Operation:
    described = operation(route.method, route.template)
    if described is None:
        problem = "the installed stripe package has no such endpoint"
        raise world.violation(f"{route.method} {route.template}", [problem])
    return described


def _parameters(described: Operation, request: Request) -> Json:
    values = nested(request.pairs)
    removed = request.method == "POST" and request.path.startswith(_NO_PAYMENT_METHOD_TYPES)
    if removed and "payment_method_types" in values:
        message = "`payment_method_types` is no longer supported. Use dynamic payment methods instead."
        code = "payment_method_types_no_longer_supported"
        raise SimError(400, message, code=code, param="payment_method_types")
    return read_parameters(described.parameters, values)


def _check(world: World, described: Operation, body: Json) -> None:
    if not world.contract.due():
        return
    problems = described.answer(body)
    if problems:
        texts = [f"{path.lstrip('.') or 'answer'}: {problem}" for path, problem in problems]
        raise world.violation(f"answer of {described.method} {described.template}", texts)


def _stale(world: World, answer: Json) -> Json:
    if "id" not in answer:
        return answer
    return world.previous_state(answer["object"], answer["id"]) or answer


def _refusal(error: SimError) -> Answer:
    headers = dict(error.headers)
    if 400 <= error.status < 500 and error.status not in (409, 429):
        headers.setdefault("Stripe-Should-Retry", "false")
    return Answer(error.status, error.body(), headers)


def _violated(violation: ContractViolation) -> Answer:
    error = {"type": "api_error", "message": str(violation), "problems": violation.problems}
    return Answer(500, {"error": error}, {"Stripe-Should-Retry": "false"}, executed=True)


def _trouble(fault: ApiFault) -> SimError:
    if fault.status == 429:
        headers = {"Stripe-Rate-Limited-Reason": "global-rate"} | fault.headers
        message = "Request rate limit exceeded. Learn more about rate limits in the API documentation."
        return SimError(429, message, code="rate_limit", headers=headers)
    if fault.status == 409:
        message = "This object cannot be accessed right now because another request is accessing it."
        return SimError(409, message, code="lock_timeout", headers=fault.headers)
    message = "An unknown error occurred. (This is a fault that the simulator was asked for.)"
    return SimError(fault.status, message, type="api_error", headers=fault.headers)
