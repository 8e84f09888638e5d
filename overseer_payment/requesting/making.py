"""Operations that make something new: checkouts and customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from overseer_payment.errors import ProviderRejected
from overseer_payment.provider import CheckoutMode, CheckoutRequest, CustomerRequest, Snapshot
from overseer_payment.requesting.attempt import Attempt


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
    """Make a customer."""
    request = CustomerRequest(**attempt.request)
    return [await attempt.provider.create_customer(request, idempotency_key=attempt.key)]
