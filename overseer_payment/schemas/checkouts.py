"""Checkouts, as they are opened and shown."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from overseer_payment.provider import (
    CheckoutMode,
    CheckoutPaymentState,
    CheckoutStatus,
)
from overseer_payment.schemas.base import (
    Body,
    Currency,
    EmailText,
    Identifier,
    Metadata,
    Moment,
    Row,
    RowIdentifier,
)


class CheckoutRow(Row):
    """One checkout session. `amount_total` in minor units; what is true is in `payment_state`."""

    session_id: str
    provider: str
    livemode: bool
    mode: CheckoutMode
    status: CheckoutStatus
    payment_state: CheckoutPaymentState
    amount_total: int | None = None
    currency: str | None = None
    checkout_url: str | None = None
    transaction_id: int | None = None
    subscription_id: int | None = None
    customer_id: int | None = None
    expires_at: datetime | None = None
    occurred_at: datetime
    created_at: datetime


class CheckoutCreated(Row):
    session_id: str
    checkout_url: str


class CheckoutBody(Body):
    price_id: Identifier | None = None
    mode: CheckoutMode
    quantity: int = Field(default=1, ge=1, le=999_999)
    success_url: Annotated[str, StringConstraints(max_length=2000)] | None = None
    cancel_url: Annotated[str, StringConstraints(max_length=2000)] | None = None
    trial_period_days: int | None = Field(default=None, ge=1, le=730)
    metadata: Metadata = Field(default_factory=dict)
    customer_id: RowIdentifier | None = Field(default=None, description="Our id, or the provider's.")
    customer_email: EmailText | None = Field(
        default=None, repr=False, description="Of a buyer without a customer: fills in the provider's page."
    )
    create_customer: bool = Field(
        default=False, description="Make a customer of a buyer who has none (mode payment; else one is made)."
    )
    currency: Currency | None = Field(
        default=None,
        description="Needed in setup mode; else one of the price's others instead of its main one.",
    )
    discount: Identifier | None = Field(
        default=None, description="The provider's id of a coupon; needs `payment.manage`."
    )
    promotion_code: Identifier | None = Field(
        default=None, description="The provider's id of a promotion code."
    )
    allow_promotion_codes: bool = Field(default=False, description="May the buyer type a code there?")
    automatic_tax: bool | None = Field(
        default=None,
        description="Let the provider compute tax; null: as PAYMENT_AUTOMATIC_TAX says. Other than that "
        "needs `payment.manage`.",
    )
    collect_tax_id: bool = Field(default=False, description="Ask businesses for their tax id.")
    expires_at: Moment | None = Field(
        default=None, description="When the page closes; null: as late as the provider lets it."
    )
    allow_second: bool = Field(
        default=False,
        description="Sell a subscription also to who has one already (see PAYMENT_ONE_SUBSCRIPTION).",
    )
    provider: Identifier | None = None
