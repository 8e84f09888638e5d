"""Verified events as the inbox gets them, where what they say doesn't matter."""

from __future__ import annotations

from datetime import UTC, datetime

from overseer_payment.ledger.accounts import Account
from overseer_payment.provider import Event

ACCOUNT = Account("stripe", "default", False)
AT = datetime(2026, 3, 29, 1, 30, 0, 123456, UTC)


def arrived(id: str) -> Event:
    """One of a customer, at `AT`."""
    return Event(
        id=id,
        type="customer.created",
        api_version=None,
        occurred_at=AT,
        livemode=False,
        account=None,
        payload={},
    )
