"""Subscriptions, as they are shown and asked for."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from overseer_payment.provider import (
    SubscriptionStatus,
)
from overseer_payment.schemas.base import Identifier, ListQuery, Row


class SubscriptionItemRow(Row):
    id: str
    price_id: str
    product_id: str | None = None
    name: str | None = None
    quantity: int
    amount: int = Field(description="For one unit and one interval, in minor units.")
    interval: str | None = None
    interval_count: int = 1


class SubscriptionRow(Row):
    id: int
    provider: str
    livemode: bool
    provider_subscription_id: str
    customer_id: int | None = None
    customer_email: str | None = Field(default=None, repr=False)
    status: SubscriptionStatus
    plan_name: str | None = None
    amount: int = Field(description="Sum over items for one interval, in minor units.")
    currency: str
    interval: str | None = None
    interval_count: int = 1
    quantity: int
    items: list[SubscriptionItemRow] = Field(default_factory=list)
    current_period_start: datetime | None = None
    current_period_end: datetime | None = None
    cancel_at_period_end: bool = False
    cancel_at: datetime | None = None
    canceled_at: datetime | None = None
    ended_at: datetime | None = None
    trial_end: datetime | None = None
    collection_paused: bool = False
    occurred_at: datetime
    created_at: datetime


class SubscriptionQuery(ListQuery):
    status: SubscriptionStatus | None = None
    customer_id: Identifier | None = None
