"""Webhook endpoints: an operation that broke off is not sent again."""

from __future__ import annotations

from collections.abc import Sequence

from overseer_payment.errors import ProviderRejected
from overseer_payment.provider import Snapshot
from overseer_payment.requesting.attempt import Attempt


async def leave_endpoint(attempt: Attempt) -> Sequence[Snapshot]:
    """Refuse: nobody would see the secret of an endpoint that is made later."""
    target = attempt.operation.target
    raise ProviderRejected(
        f"This broke off before its outcome was known ({target}). Look at the webhook endpoints, delete one "
        "whose secret nobody has, and do it again.",
        code="not_repeated",
    )
