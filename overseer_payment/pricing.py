"""How a price reads: every digit of it, and what it is where only the bill tells the sum."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from overseer_payment.provider import PriceScheme

if TYPE_CHECKING:
    from overseer_payment.money import UnitAmount
    from overseer_payment.schemas import PriceRow, SubscriptionItemRow, SubscriptionRow

Write: TypeAlias = "Callable[[UnitAmount], str]"
"""Writes an amount in the currency that the price is in."""

_DEPENDS = {
    PriceScheme.FLAT: "amount varies",
    PriceScheme.TIERED: "tiered",
    PriceScheme.CUSTOM: "buyer chooses",
    PriceScheme.METERED: "metered",
}


def each(priced: PriceRow | SubscriptionItemRow, write: Write) -> str:
    """What one piece costs: `29.00 USD`, `0.005 USD / unit`, `0.005 USD / unit, metered`, `tiered`."""
    return piece(priced.each, priced.scheme, priced.package, write)


def piece(amount: UnitAmount | None, scheme: PriceScheme, package: int, write: Write) -> str:
    """The same of an amount that stands apart from its price, as one in another currency does."""
    if amount is None or scheme in {PriceScheme.TIERED, PriceScheme.CUSTOM}:
        return _DEPENDS[scheme]
    metered = scheme is PriceScheme.METERED
    text = write(amount)
    if package > 1:
        text += f" / {package:,} units"
    elif metered or not isinstance(amount, int):
        text += " / unit"
    return f"{text}, metered" if metered else text


def total(row: SubscriptionRow, write: Write) -> str:
    """What a subscription comes to in one interval: `29.00 USD`, `metered`, `29.00 USD + metered`."""
    open_ = dict.fromkeys(_DEPENDS[item.scheme] for item in row.items if item.total is None)
    known = any(item.total is not None for item in row.items) or not open_
    return " + ".join([*([write(row.amount)] if known else []), *open_])
