"""From a stored operation to a call of the provider: what is sent the first time, and what after that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from overseer_payment.errors import ConfigurationError, ObjectAbsent, ProviderRejected
from overseer_payment.provider import (
    CheckoutMode,
    CheckoutRequest,
    CustomerRequest,
    Kind,
    Provider,
    Ref,
    RefundRequest,
    RefundSnapshot,
    Snapshot,
)
from overseer_payment.recording import OPERATION

# Providers forget keys (Stripe: "at least 24 hours"). Older than this we look instead of sending again.
KEY_LIVES = timedelta(hours=23)


def as_request(request: RefundRequest | CheckoutRequest | CustomerRequest) -> dict[str, Any]:
    """A request as the JSON that an operation keeps."""
    return {name: value for name, value in asdict(request).items() if value is not None}


async def send(provider: Provider, operation: Row[Any], *, now: datetime) -> Sequence[Snapshot]:
    """Call the provider under the operation's own key; first in the answer is what was made.

    Raises what the provider raises.
    """
    request, key = json.loads(operation.request), operation.idempotency_key
    match operation.kind:
        case "refund":
            return await _refund(provider, operation, RefundRequest(**request), now)
        case "checkout":
            if _is_forgotten(operation, now):
                raise ProviderRejected("This checkout was never opened. Open another one.", code="too_late")
            wanted = CheckoutRequest(**{**request, "mode": CheckoutMode(request["mode"])})
            return [await provider.create_checkout(wanted, idempotency_key=key)]
        case "customer":
            return [await provider.create_customer(CustomerRequest(**request), idempotency_key=key)]
    raise ConfigurationError(f"Nobody knows how to send the operation {operation.kind!r}.")


def refunded(operation: Row[Any]) -> Ref:
    """What a refund operation takes money from."""
    request: Mapping[str, str] = json.loads(operation.request)
    if request.get("charge"):
        return Ref(Kind.CHARGE, request["charge"])
    return Ref(Kind.PAYMENT, request["payment"])


async def _refund(
    provider: Provider, operation: Row[Any], request: RefundRequest, now: datetime
) -> Sequence[Snapshot]:
    if _is_forgotten(operation, now):
        return await _find_refund(provider, operation)
    try:
        return await provider.refund(request, idempotency_key=operation.idempotency_key)
    except ProviderRejected:
        if operation.attempts == 1:
            raise
        # "Already refunded" may be our own first attempt speaking.
        try:
            return await _find_refund(provider, operation)
        except ObjectAbsent:
            pass
        raise


def _is_forgotten(operation: Row[Any], now: datetime) -> bool:
    return bool(operation.attempts > 1 and now - operation.created_at > KEY_LIVES)


async def _find_refund(provider: Provider, operation: Row[Any]) -> Sequence[Snapshot]:
    """The refund that an earlier attempt made, if it did. Raises ObjectAbsent when it didn't."""
    snapshots = list(await provider.fetch(refunded(operation)))
    key = operation.idempotency_key
    ours = [s for s in snapshots if isinstance(s, RefundSnapshot) and s.metadata.get(OPERATION) == key]
    if not ours:
        raise ObjectAbsent("The refund never took effect at the provider. It can be asked for again.")
    return [*ours, *(s for s in snapshots if s not in ours)]
