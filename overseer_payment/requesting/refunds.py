"""Refunds: sent under one key, and looked for where that key may be forgotten or was answered with no."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from overseer_payment.errors import ObjectAbsent, ProviderRejected
from overseer_payment.provider import Kind, Ref, RefundRequest, RefundSnapshot, Snapshot
from overseer_payment.recording import OPERATION
from overseer_payment.requesting.attempt import Attempt


def refunded(operation: Row[Any]) -> Ref:
    """What a refund operation takes money from."""
    request: Mapping[str, str] = json.loads(operation.request)
    if request.get("charge"):
        return Ref(Kind.CHARGE, request["charge"])
    return Ref(Kind.PAYMENT, request["payment"])


async def give_back(attempt: Attempt) -> Sequence[Snapshot]:
    """Refund once: an earlier attempt's refund is found instead of made again."""
    if attempt.is_forgotten:
        return await _find(attempt)
    try:
        return await attempt.provider.refund(RefundRequest(**attempt.request), idempotency_key=attempt.key)
    except ProviderRejected:
        if attempt.is_first:
            raise
        # "Already refunded" may be our own first attempt speaking.
        try:
            return await _find(attempt)
        except ObjectAbsent:
            pass
        raise


async def _find(attempt: Attempt) -> Sequence[Snapshot]:
    """The refund that an earlier attempt made, if it did. Raises ObjectAbsent when it didn't."""
    snapshots = list(await attempt.provider.fetch(refunded(attempt.operation)))
    ours = [
        s for s in snapshots if isinstance(s, RefundSnapshot) and s.metadata.get(OPERATION) == attempt.key
    ]
    if not ours:
        raise ObjectAbsent("The refund never took effect at the provider. It can be asked for again.")
    return [*ours, *(s for s in snapshots if s not in ours)]
