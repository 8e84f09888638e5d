"""What we ask of a provider, and what it offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from overseer_payment.provider.pricing import PriceScheme, UnitPriced
from overseer_payment.provider.snapshots import CheckoutMode


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutRequest:
    """What to sell. Exactly one of `customer` (the provider's id) and `email` may be set."""

    mode: CheckoutMode
    success_url: str
    cancel_url: str
    price: str | None = None
    """The provider's price id; None only in setup mode."""
    quantity: int = 1
    currency: str | None = None
    """Needed in setup mode; else one of the price's other currencies instead of its main one."""
    customer: str | None = None
    email: str | None = field(default=None, repr=False)
    create_customer: bool = False
    """Make a customer of a guest who pays once; who subscribes becomes one anyway."""
    client_reference: str | None = None
    trial_period_days: int | None = None
    discount: str | None = None
    """The provider's id of a coupon (capability DISCOUNTS). Not together with the next two."""
    promotion_code: str | None = None
    """The provider's id of a promotion code."""
    allow_promotion_codes: bool = False
    """May the buyer type a code?"""
    automatic_tax: bool = False
    """Let the provider compute tax (capability AUTOMATIC_TAX)."""
    collect_tax_id: bool = False
    expires_at: datetime | None = None
    """None: as long as the provider keeps sessions open."""
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_discounted(self) -> bool:
        """Does it use what the capability DISCOUNTS stands for?"""
        return bool(self.discount or self.promotion_code or self.allow_promotion_codes)

    @property
    def is_taxed(self) -> bool:
        """Does it use what the capability AUTOMATIC_TAX stands for?"""
        return self.automatic_tax or self.collect_tax_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """`amount` in minor units of `currency`. Names the payment intent, else the charge."""

    amount: int
    currency: str
    payment: str | None = None
    charge: str | None = None
    reason: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRequest:
    email: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price(UnitPriced):
    """One way to buy one product, `amount` in minor units of `currency`."""

    id: str
    product: str
    product_name: str
    currency: str
    scheme: PriceScheme = PriceScheme.FLAT
    package: int = 1
    """`amount` is for so many pieces at once."""
    interval: str | None = None
    interval_count: int = 1
    nickname: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a health check found. `message` is one sentence for a person."""

    healthy: bool
    message: str
    livemode: bool
    account: str | None = None
    """The provider's own id of the account the key belongs to, when it could be read."""
    title: str | None = None
    ahead: timedelta | None = None
    """How far the provider's clock is ahead of ours, as far as its answers prove; None: not known."""
