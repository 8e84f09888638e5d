"""For how much a piece is sold, exactly, and what a number of pieces comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from overseer_payment.money import UnitAmount, times, unit_amount


class PriceScheme(StrEnum):
    """How a sum comes about. Only what is FLAT is known before it is billed: the same for each piece."""

    FLAT = "flat"
    TIERED = "tiered"  # by how much is bought
    CUSTOM = "custom"  # the buyer chooses
    METERED = "metered"  # so much for each piece that will have been used


def write_one_way(priced: Any) -> None:
    """Bring `amount` into the one form that `money.unit_amount` gives it: equal news must be equal text."""
    if priced.amount is not None:
        object.__setattr__(priced, "amount", unit_amount(priced.amount))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPriced:
    """What has a price for one piece (and one interval)."""

    amount: UnitAmount | None = None
    """In minor units: a Decimal where it is a fraction of one, never rounded. None: it depends."""

    def __post_init__(self) -> None:
        write_one_way(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceOption(UnitPriced):
    """The same price in another currency, `amount` in its minor units."""

    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionItem(UnitPriced):
    """One line of a subscription, `amount` in minor units of the subscription's currency."""

    id: str
    price: str
    product: str | None = None
    name: str | None = None
    """What the item itself says: the price's own name. The product's is told by its `ProductSnapshot`."""
    quantity: int = 1
    scheme: PriceScheme = PriceScheme.FLAT
    package: int = 1
    """`amount` is for so many pieces at once."""
    package_begun: bool = True
    """Does a package that is not full cost as much as a full one, or nothing?"""
    interval: str | None = None
    """day, week, month or year."""
    interval_count: int = 1

    @property
    def total(self) -> int | None:
        """What the line comes to in one interval, in whole minor units: rounded once, after × quantity.

        None where only the bill tells: tiers and metered usage.
        """
        if self.scheme is not PriceScheme.FLAT or self.amount is None:
            return None
        more = self.package - 1 if self.package_begun else 0
        return times(self.amount, (self.quantity + more) // self.package)
