"""From how a subscription stands and what is wanted of it to what to ask of the provider. Pure.

Each function raises Conflict where its state forbids it, and Invalid where what is wanted makes no sense.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from sqlalchemy import Row

from overseer_payment.errors import Conflict, Invalid
from overseer_payment.provider import (
    Cancellation,
    CancelRequest,
    ChangeRequest,
    PauseBehavior,
    PauseKind,
    PauseRequest,
    ResumeRequest,
    SubscriptionStatus,
)
from overseer_payment.schemas import CancelBody, ChangePlanBody, PauseBody

Wish: TypeAlias = CancelRequest | ResumeRequest | PauseRequest | ChangeRequest

_ENDED = frozenset({SubscriptionStatus.CANCELED, SubscriptionStatus.INCOMPLETE_EXPIRED})
_MAY_STAND_STILL = frozenset(
    {SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING, SubscriptionStatus.PAST_DUE}
)


def cancellation(row: Row[Any], body: CancelBody) -> CancelRequest:
    """End it. What is planned to end may still be ended now."""
    _require_alive(row)
    if body.at_period_end and row.cancel_at_period_end:
        raise Conflict("This subscription is to end with its period already.", code="already_canceling")
    return CancelRequest(subscription=row.provider_subscription_id, at_period_end=body.at_period_end)


def as_resumption(row: Row[Any]) -> ResumeRequest:
    """Take back all that keeps it from going on."""
    _require_alive(row)
    planned = Cancellation.MOMENT if row.cancel_at is not None else None
    if row.cancel_at_period_end:
        planned = Cancellation.PERIOD_END
    pause = PauseKind.COLLECTION if row.collection_paused else None
    if row.status == SubscriptionStatus.PAUSED:
        pause = PauseKind.SUBSCRIPTION
    if planned is None and pause is None:
        raise Conflict(
            "This subscription is neither paused nor to end: there is nothing to resume.", code="not_paused"
        )
    return ResumeRequest(subscription=row.provider_subscription_id, cancellation=planned, pause=pause)


def as_pause(row: Row[Any], body: PauseBody) -> PauseRequest:
    """Pause it in one of the two ways."""
    _require_alive(row)
    if row.status == SubscriptionStatus.PAUSED or row.collection_paused:
        raise Conflict("This subscription is paused already. Resume it first.", code="already_paused")
    if body.kind is PauseKind.SUBSCRIPTION and row.status not in _MAY_STAND_STILL:
        raise Conflict(f"A subscription that is {row.status} can't be paused.", code="not_pausable")
    return PauseRequest(
        subscription=row.provider_subscription_id,
        kind=body.kind,
        behavior=body.behavior or PauseBehavior.VOID,
        resumes_at=body.resumes_at,
    )


def as_change(row: Row[Any], body: ChangePlanBody) -> ChangeRequest:
    """Change one item. A new price keeps the quantity unless another one is named."""
    _require_alive(row)
    item = _item(row, body)
    price = body.new_price_id if body.new_price_id != item["price_id"] else None
    quantity = body.quantity if body.quantity != item["quantity"] else None
    if price is None and quantity is None and body.trial_end is None:
        raise Invalid("This subscription is of that price and quantity already.", code="nothing_changes")
    if price is not None and quantity is None and item["quantity"] != 1:
        # A new price would take it back to one. One isn't named: metered prices have no quantity.
        quantity = item["quantity"]
    return ChangeRequest(
        subscription=row.provider_subscription_id,
        item=item["id"],
        price=price,
        quantity=quantity,
        trial_end=body.trial_end,
        proration=body.proration_behavior,
        proration_date=body.proration_date,
    )


def _require_alive(row: Row[Any]) -> None:
    if row.status in _ENDED:
        raise Conflict(
            f"This subscription has ended ({row.status}). A new one needs a new checkout.", code="ended"
        )


def _item(row: Row[Any], body: ChangePlanBody) -> Mapping[str, Any]:
    items: list[dict[str, Any]] = json.loads(row.items)
    if body.item_id is None:
        about_all = body.new_price_id is None and body.quantity is None  # a trial is the whole's
        if len(items) == 1 or (items and about_all):
            return items[0]
        known = ", ".join(item["id"] for item in items)
        raise Invalid(f"Say which item: item_id is one of {known or 'none'}.", code="which_item")
    found = next((item for item in items if item["id"] == body.item_id), None)
    if found is None:
        raise Invalid(f"This subscription has no item {body.item_id}.", code="no_such_item")
    return found
