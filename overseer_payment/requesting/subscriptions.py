"""Changes of subscriptions: sent under one key; what is so already is success, whoever did it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Row

from overseer_payment.errors import NotSupported, ObjectAbsent, ProviderRejected
from overseer_payment.provider import (
    CancelRequest,
    ChangeRequest,
    ChangesSubscriptions,
    Kind,
    PauseKind,
    PauseRequest,
    PausesSubscriptions,
    Ref,
    ResumeRequest,
    Snapshot,
    SubscriptionSnapshot,
    SubscriptionStatus,
)
from overseer_payment.requesting.attempt import Attempt

RequestT = TypeVar("RequestT")
_ENDED = frozenset({SubscriptionStatus.CANCELED, SubscriptionStatus.INCOMPLETE_EXPIRED})


def changed(operation: Row[Any]) -> Ref:
    """The subscription that an operation changes."""
    request: Mapping[str, str] = json.loads(operation.request)
    return Ref(Kind.SUBSCRIPTION, request["subscription"])


async def cancel(attempt: Attempt) -> Sequence[Snapshot]:
    """End a subscription, now or at the end of its period."""
    provider, request = _changing(attempt), _request(CancelRequest, attempt)

    def is_done(found: SubscriptionSnapshot) -> bool:
        return found.status in _ENDED or (request.at_period_end and _is_ending(found))

    return await _once(
        attempt, lambda: provider.cancel_subscription(request, idempotency_key=attempt.key), is_done
    )


async def resume(attempt: Attempt) -> Sequence[Snapshot]:
    """Let a subscription go on that was to end, or that is paused."""
    provider, request = _changing(attempt), _request(ResumeRequest, attempt)

    def is_done(found: SubscriptionSnapshot) -> bool:
        ending = request.cancellation is not None and _is_ending(found)
        paused = request.pause is not None and _is_paused(found, request.pause)
        return found.status not in _ENDED and not ending and not paused

    return await _once(
        attempt, lambda: provider.resume_subscription(request, idempotency_key=attempt.key), is_done
    )


async def pause(attempt: Attempt) -> Sequence[Snapshot]:
    """Stop collecting for a subscription, or stop the subscription itself."""
    provider, request = attempt.provider, _request(PauseRequest, attempt)
    if not isinstance(provider, PausesSubscriptions):
        raise NotSupported("This provider can't pause subscriptions through its API.")
    pausing: PausesSubscriptions = provider
    return await _once(
        attempt,
        lambda: pausing.pause_subscription(request, idempotency_key=attempt.key),
        lambda found: _is_paused(found, request.kind),
    )


async def change(attempt: Attempt) -> Sequence[Snapshot]:
    """Another price, quantity or trial."""
    provider, request = _changing(attempt), _request(ChangeRequest, attempt)
    return await _once(
        attempt,
        lambda: provider.change_subscription(request, idempotency_key=attempt.key),
        lambda found: _is_changed(found, request),
    )


async def _once(
    attempt: Attempt,
    call: Callable[[], Awaitable[Sequence[Snapshot]]],
    is_done: Callable[[SubscriptionSnapshot], bool],
) -> Sequence[Snapshot]:
    if attempt.is_forgotten:
        return await _find(attempt, is_done)
    try:
        answer = await call()
    except ProviderRejected:
        # "Canceled already" may be our own earlier attempt speaking, or somebody in the provider's dashboard.
        with suppress(ObjectAbsent):
            return await _find(attempt, is_done)
        raise
    # The answer to a key that was used before tells how things stood then: look how they stand.
    return answer if attempt.is_first else await attempt.provider.fetch(changed(attempt.operation))


async def _find(attempt: Attempt, is_done: Callable[[SubscriptionSnapshot], bool]) -> Sequence[Snapshot]:
    """The subscription, if it is as it was asked to be. Raises ObjectAbsent when it isn't."""
    found = await attempt.provider.fetch(changed(attempt.operation))
    if isinstance(found[0], SubscriptionSnapshot) and is_done(found[0]):
        return found
    raise ObjectAbsent("The change never took effect at the provider. It can be asked for again.")


def _is_ending(found: SubscriptionSnapshot) -> bool:
    return found.cancel_at_period_end or found.cancel_at is not None


def _is_paused(found: SubscriptionSnapshot, kind: PauseKind) -> bool:
    if kind is PauseKind.COLLECTION:
        return found.collection_paused
    return found.status is SubscriptionStatus.PAUSED


def _is_changed(found: SubscriptionSnapshot, request: ChangeRequest) -> bool:
    item = next((item for item in found.items if item.id == request.item), None)
    if item is None or found.status in _ENDED:
        return False
    if request.trial_end == "now":
        on_trial = found.status is SubscriptionStatus.TRIALING
    else:
        on_trial = request.trial_end is not None and found.trial_end != request.trial_end
    quantity = request.quantity or (1 if request.price else item.quantity)
    return (item.price, item.quantity) == (request.price or item.price, quantity) and not on_trial


def _changing(attempt: Attempt) -> ChangesSubscriptions:
    if not isinstance(attempt.provider, ChangesSubscriptions):
        raise NotSupported("This provider can't change subscriptions through its API.")
    return attempt.provider


def _request(kind: type[RequestT], attempt: Attempt) -> RequestT:
    return TypeAdapter(kind).validate_python(attempt.request)
