"""What holds for every snapshot, whoever made it."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from overseer_payment.provider import ChargeSnapshot, PaymentSnapshot, ProviderSpec, Snapshot

_COUNTS = ("attempt_count", "submission_count")


def check_snapshot(snapshot: Snapshot, spec: ProviderSpec) -> None:
    """Raise AssertionError, naming the field, for what no snapshot may hold."""
    assert snapshot.id, "a snapshot needs an id"
    assert isinstance(snapshot.livemode, bool), "livemode must be a bool"
    _check_moment("as_of", snapshot.as_of.moment)
    for name, value in _fields(snapshot):
        if isinstance(value, datetime):
            _check_moment(name, value)
        if name.startswith("amount") or name in {"total", "funds_withdrawn", *_COUNTS}:
            _check_amount(name, value)
        if name == "currency" and value:
            spec.currencies.exponent(value)
    for key, value in snapshot.metadata.items():
        assert isinstance(key, str), "metadata keys are strings"
        assert isinstance(value, str), "metadata values are strings"
    if isinstance(snapshot, ChargeSnapshot):
        assert snapshot.amount_refunded <= snapshot.amount, "more refunded than charged"
    if isinstance(snapshot, PaymentSnapshot):
        assert snapshot.amount_received <= snapshot.amount, "more received than asked for"


def _fields(snapshot: Snapshot) -> list[tuple[str, Any]]:
    return [(field.name, getattr(snapshot, field.name)) for field in fields(snapshot)]


def _check_moment(name: str, moment: datetime) -> None:
    assert moment.utcoffset() == timedelta(0), f"{name} must be aware UTC"


def _check_amount(name: str, amount: object) -> None:
    if amount is None:
        return
    assert isinstance(amount, int), f"{name} must be whole minor units, not {type(amount).__name__}"
    assert not isinstance(amount, bool), f"{name} must be whole minor units, not a bool"
    assert amount >= 0 or name == "total", f"{name} is negative"  # a credit note's total may be
