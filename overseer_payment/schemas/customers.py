"""Customers, as they are shown and asked for."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from overseer_payment.schemas.base import Body, LedgerQuery, Row
from overseer_payment.schemas.subscriptions import SubscriptionRow


class CustomerState(StrEnum):
    ACTIVE = "active"
    DELETED = "deleted"  # at the provider: they can't buy any more, and what they bought stays


class CustomerRow(Row):
    id: int
    provider: str
    livemode: bool
    provider_customer_id: str
    user_id: str | None = None
    email: str | None = Field(default=None, repr=False)
    name: str | None = Field(default=None, repr=False)
    deleted: bool = False
    erased_at: datetime | None = Field(
        default=None, description="Since when it is kept without whom it is about."
    )
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


class PortalBody(Body):
    return_url: Annotated[str, StringConstraints(max_length=2000)] | None = Field(
        default=None, description="Where the customer comes back to: our own host, or an allowed one."
    )


class PortalCreated(Row):
    """Who knows `url` acts as the customer until it runs out: hand it to nobody else, and keep it nowhere."""

    url: str = Field(repr=False)


class LinkBody(Body):
    user_id: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]


class EraseBody(Body):
    at_provider: bool = Field(
        default=False,
        description="Also delete the customer at the provider, which ends their subscriptions there.",
    )


class Erased(Row):
    """What erasing a person came to."""

    customer: CustomerRow
    events: int = Field(description="Stored deliveries that they were taken out of.")
    deleted_at_provider: bool


class CustomerQuery(LedgerQuery):
    status: CustomerState | None = Field(
        default=None, description="Only those who were deleted at the provider, or only the others."
    )
    q: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        default=None,
        description="An id, or the beginning of an e-mail address or a name; among the newest 10,000 "
        "customers (before `occurred_before`) also any part of them.",
    )
    occurred_before: datetime | None = Field(
        default=None, description="Only who came before this; `searched_since` here searches further back."
    )
