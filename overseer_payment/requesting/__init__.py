"""From a stored operation to a call of the provider: what is sent the first time, and what after that.

Each kind of operation has its row in `_SENDS`; a new kind is one function and one row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from overseer_payment.errors import ConfigurationError
from overseer_payment.provider import Provider, Ref, Snapshot
from overseer_payment.requesting import subscriptions
from overseer_payment.requesting.attempt import KEY_LIVES, Attempt, Send, as_request
from overseer_payment.requesting.disputes import concede, give_evidence, upload
from overseer_payment.requesting.ending import delete_customer, expire_checkout
from overseer_payment.requesting.endpoints import leave_endpoint
from overseer_payment.requesting.making import make_customer, open_checkout
from overseer_payment.requesting.refunds import give_back, refunded

__all__ = ["KEY_LIVES", "Attempt", "about", "as_request", "send"]

_SENDS: Mapping[str, Send] = {
    "refund": give_back,
    "checkout": open_checkout,
    "customer": make_customer,
    "customer_deletion": delete_customer,
    "checkout_expiry": expire_checkout,
    "webhook_endpoint": leave_endpoint,
    "dispute_evidence": give_evidence,
    "dispute_submission": give_evidence,
    "dispute_acceptance": concede,
    "dispute_file": upload,
    "subscription_cancel": subscriptions.cancel,
    "subscription_resume": subscriptions.resume,
    "subscription_pause": subscriptions.pause,
    "subscription_change": subscriptions.change,
}


# What to look at when the provider says no: it knows something that we don't.
_ABOUT: Mapping[str, Callable[[Row[Any]], Ref]] = {
    "refund": refunded,
    "subscription_cancel": subscriptions.changed,
    "subscription_resume": subscriptions.changed,
    "subscription_pause": subscriptions.changed,
    "subscription_change": subscriptions.changed,
}


def about(operation: Row[Any]) -> Ref | None:
    """The object that an operation acts on, where it is one that others act on, too."""
    named = _ABOUT.get(operation.kind)
    return named(operation) if named else None


async def send(provider: Provider, operation: Row[Any], *, now: datetime) -> Sequence[Snapshot]:
    """Call the provider under the operation's own key; first in the answer is what was made.

    Raises what the provider raises.
    """
    if operation.kind not in _SENDS:
        raise ConfigurationError(f"Nobody knows how to send the operation {operation.kind!r}.")
    return await _SENDS[operation.kind](Attempt(provider, operation, json.loads(operation.request), now))
