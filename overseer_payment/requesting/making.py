"""Operations that make something new: checkouts and customers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from overseer_payment.errors import ObjectAbsent, ProviderRejected
from overseer_payment.provider import (
    CheckoutMode,
    CheckoutRequest,
    CustomerRequest,
    CustomerSnapshot,
    Kind,
    ListsObjects,
    Snapshot,
)
from overseer_payment.recording import OPERATION
from overseer_payment.requesting.attempt import Attempt

_SKEW = timedelta(minutes=10)  # between the provider's clock and ours
_MOST_PAGES = 50


async def open_checkout(attempt: Attempt) -> Sequence[Snapshot]:
    """Open a checkout; not days later: its buyer is gone."""
    if attempt.is_forgotten:
        raise ProviderRejected("This checkout was never opened. Open another one.", code="too_late")
    request = CheckoutRequest(**{**attempt.request, **_typed(attempt.request)})
    return [await attempt.provider.create_checkout(request, idempotency_key=attempt.key)]


def _typed(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What JSON kept as text."""
    expires = kept.get("expires_at")
    return {
        "mode": CheckoutMode(kept["mode"]),
        "expires_at": datetime.fromisoformat(expires) if expires else None,
    }


async def make_customer(attempt: Attempt) -> Sequence[Snapshot]:
    """Make a customer once: one of an earlier attempt is found instead of made again."""
    if attempt.is_forgotten:
        return [await _made_before(attempt)]
    request = CustomerRequest(**attempt.request)
    return [await attempt.provider.create_customer(request, idempotency_key=attempt.key)]


async def _made_before(attempt: Attempt) -> CustomerSnapshot:
    """The customer that carries our mark, among those made since. Raises ObjectAbsent when none does.

    Where it can't be found for sure the user gets another: the first was never used, and no money moved.
    """
    if isinstance(attempt.provider, ListsObjects):
        async for found in _since(attempt.provider, attempt.operation.created_at - _SKEW):
            if isinstance(found, CustomerSnapshot) and found.metadata.get(OPERATION) == attempt.key:
                return found
    raise ObjectAbsent("This customer was never made. They are made when they are needed again.")


async def _since(provider: ListsObjects, moment: datetime) -> AsyncIterator[Snapshot]:
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await provider.list_objects(Kind.CUSTOMER, since=moment, cursor=cursor)
        for snapshot in page.snapshots:
            yield snapshot
        if (cursor := page.next_cursor) is None:
            return
