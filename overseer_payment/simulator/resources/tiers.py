"""What a line comes to: by the piece or by tiers; nothing where usage is billed, for none is reported here.

Of graduated tiers each piece costs what its own tier says; of volume tiers all pieces cost what the tier of
the whole quantity says. A tier's flat amount is added once ("Set up tiered pricing" in the documentation).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from overseer_payment.simulator.api import register_expander
from overseer_payment.simulator.errors import parameter_missing
from overseer_payment.simulator.resources.shapes import Json, refuse, rounded, text_of
from overseer_payment.simulator.world import World

_KEPT = "sim.price_tiers"


def keep_tiers(world: World, price_id: str, data: Json, param: str) -> None:
    """Store a price's tiers: beside it, because prices show them only where they are asked for."""
    given = data.get("tiers") or []
    if not given or not data.get("tiers_mode"):
        raise parameter_missing("tiers" if not given else "tiers_mode")
    ends = [None if one["up_to"] == "inf" else int(one["up_to"]) for one in given]
    bounds = [end for end in ends[:-1] if end is not None]
    if ends[-1] is not None or len(bounds) < len(ends) - 1 or bounds != sorted(set(bounds)):
        raise refuse("Tiers must ascend in `up_to`, and the last one must be `inf`.", param=f"{param}tiers")
    tiers = [_tier(one, end) for one, end in zip(given, ends, strict=True)]
    world.put({"object": _KEPT, "id": price_id, "tiers": tiers})


def _tier(one: Json, up_to: int | None) -> Json:
    tier: Json = {"up_to": up_to}
    for name in ("flat_amount", "unit_amount"):
        value = one.get(name, one.get(f"{name}_decimal"))
        written = None if value is None else text_of(value)
        whole = None if written is None or "." in written else int(written)
        tier |= {name: whole, f"{name}_decimal": written}
    return tier


def tiers_of(world: World, price: Json) -> list[Json] | None:
    """Return a price's tiers; None for one without."""
    found = world.peek(_KEPT, price["id"])
    return None if found is None else list(found["tiers"])


register_expander("price", "tiers", tiers_of)


def exact_total(world: World, price: Json, quantity: int | None) -> Decimal:
    """Return what a line comes to in minor units, before it is rounded."""
    if quantity is None or is_metered(price):
        return Decimal(0)
    tiers = tiers_of(world, price)
    if tiers is None:
        return Decimal(price["unit_amount_decimal"]) * quantity
    return sum(_parts(tiers, price["tiers_mode"], quantity), Decimal(0))


def line_total(world: World, price: Json, quantity: int | None) -> int:
    """Return what a line comes to: multiplied exactly, then rounded ("Decimal amounts for pricing")."""
    return rounded(exact_total(world, price, quantity))


def is_metered(price: Json) -> bool:
    """Is usage billed, rather than a quantity?"""
    return bool(price["recurring"]) and price["recurring"]["usage_type"] == "metered"


def _parts(tiers: list[Json], mode: str, quantity: int) -> Iterator[Decimal]:
    start = 0
    for tier in tiers:
        end = quantity if tier["up_to"] is None else min(quantity, tier["up_to"])
        if mode == "graduated" and end > start:
            yield _cost(tier, end - start)
        elif mode == "volume" and start < quantity <= end:
            yield _cost(tier, quantity)
        start = max(start, end)


def _cost(tier: Json, pieces: int) -> Decimal:
    return Decimal(tier["unit_amount_decimal"] or 0) * pieces + Decimal(tier["flat_amount_decimal"] or 0)
