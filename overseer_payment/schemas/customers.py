"""Customers, as they are shown and asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from overseer_payment.schemas.base import ListQuery, Row
from overseer_payment.schemas.subscriptions import SubscriptionRow


class CustomerRow(Row):
    id: int
    provider: str
    livemode: bool
    provider_customer_id: str
    user_id: str | None = None
    email: str | None = Field(default=None, repr=False)
    name: str | None = Field(default=None, repr=False)
    deleted: bool = False
    occurred_at: datetime | None = None
    created_at: datetime


class CustomerValue(Row):
    """Lifetime value in one currency, in minor units."""

    currency: str
    gross: int
    refunded: int
    disputed: int
    net: int
    payments: int


class CustomerDetail(CustomerRow):
    value: list[CustomerValue] = Field(default_factory=list)
    subscriptions: list[SubscriptionRow] = Field(default_factory=list)


class CustomerQuery(ListQuery):
    q: Annotated[str, StringConstraints(max_length=200)] | None = None
