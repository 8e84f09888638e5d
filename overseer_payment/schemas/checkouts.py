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
from overseer_payment.schemas.base import Body, Currency, Identifier, Metadata, Row


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
    customer_id: Identifier | None = None
    currency: Currency | None = Field(default=None, description="Needed in setup mode, else the price's own.")
    provider: Identifier | None = None
