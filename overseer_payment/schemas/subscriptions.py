"""Subscriptions, as they are shown, asked for and changed."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from overseer_payment.provider import (
    PauseBehavior,
    PauseKind,
    PriceScheme,
    Proration,
    SubscriptionStatus,
)
from overseer_payment.schemas.base import Body, Identifier, LedgerQuery, Row, UnitPricedRow
from overseer_payment.schemas.invoices import UpcomingInvoice, UpcomingLine


class SubscriptionItemRow(UnitPricedRow):
    """One line; what a piece costs is for one interval and in minor units of the subscription's currency."""

    id: str
    price_id: str
    product_id: str | None = None
    name: str | None = None
    quantity: int
    scheme: PriceScheme = PriceScheme.FLAT
    package: int = Field(default=1, description="For how many pieces at once the amount is.")
    total: int | None = Field(
        default=None,
        description="What the line comes to in one interval, in minor units, rounded once after it was "
        "multiplied; null where only the bill tells (`tiered`, `metered`).",
    )
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
    amount: int = Field(description="Sum of its items' `total` for one interval, in minor units.")
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
    collection_paused: bool = Field(
        default=False, description="Periods go on, but nobody is asked to pay. `status` stays what it is."
    )
    collection_resumes_at: datetime | None = None
    occurred_at: datetime
    created_at: datetime


class SubscriptionQuery(LedgerQuery):
    status: SubscriptionStatus | None = None
    customer_id: Identifier | None = None


class CancelBody(Body):
    at_period_end: bool = Field(default=True, description="false: now and for good. Nothing is given back.")


class PauseBody(Body):
    """`behavior` and `resumes_at` are for paused collection."""

    kind: PauseKind = Field(
        default=PauseKind.COLLECTION,
        description="`collection`: nobody is asked to pay; `subscription`: it stands still until resumed.",
    )
    behavior: PauseBehavior | None = Field(
        default=None, description="What becomes of invoices meanwhile. Default `void`."
    )
    resumes_at: AwareDatetime | None = Field(default=None, description="Omitted: until it is resumed.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind is PauseKind.SUBSCRIPTION and (self.behavior or self.resumes_at):
            raise ValueError("behavior and resumes_at are for paused collection only")
        return self


class ChangePlanBody(Body):
    new_price_id: Identifier | None = Field(default=None, description="The provider's id of a price.")
    quantity: int | None = Field(default=None, ge=1, le=999_999, description="Omitted: as it is.")
    item_id: Identifier | None = Field(default=None, description="Needed where there are several items.")
    proration_behavior: Proration = Proration.CREATE_PRORATIONS
    trial_end: AwareDatetime | Literal["now"] | None = None
    proration_date: AwareDatetime | None = Field(
        default=None, description="A preview's: what is asked for is then exactly what it showed."
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.new_price_id is None and self.quantity is None and self.trial_end is None:
            raise ValueError("name new_price_id, quantity or trial_end")
        return self


class ChangePreview(Row):
    """What a change would cost, in minor units of `currency`. Nothing was changed by asking."""

    subscription_id: int
    currency: str
    due_now: int = Field(description="What is asked for at once. 0: nothing before the next invoice.")
    lines: list[UpcomingLine] = Field(
        default_factory=list, description="Of what is due now, or else of the next invoice."
    )
    next_invoice: UpcomingInvoice | None = Field(
        default=None, description="The next ordinary invoice; null: none will come."
    )
    proration_date: datetime = Field(description="Send it with the change, to get what was shown.")
