"""Prorations: what a change in the middle of a period gives back and costs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from overseer_payment.simulator.errors import parameter_missing
from overseer_payment.simulator.resources import invoice_items
from overseer_payment.simulator.resources.invoice_shapes import pricing, proration_text
from overseer_payment.simulator.resources.prices import plan_of
from overseer_payment.simulator.resources.shapes import Json, metadata, refuse, rounded
from overseer_payment.simulator.resources.subscription_shapes import (
    items_of,
    new_item,
    next_end,
    recurring_price,
)
from overseer_payment.simulator.resources.tiers import exact_total, is_metered
from overseer_payment.simulator.world import World


@dataclass(frozen=True, slots=True)
class ItemChange:
    """A subscription's items before and after a request, and whether the billing period begins anew."""

    before: list[Json]
    after: list[Json]
    new_cycle: bool


def changed_items(world: World, subscription: Json, wanted: list[Json], at: int) -> ItemChange:
    """Apply `items` of a request: with `id` an item is changed or deleted, without one it is added."""
    before = items_of(subscription)
    after = {item["id"]: dict(item) for item in before}
    new_cycle = False
    for position, wish in enumerate(wanted):
        param = f"items[{position}]"
        if "id" not in wish:
            item = _added(world, subscription, wish, before[0], param)
            after[item["id"]] = item
        elif wish["id"] not in after:
            raise refuse(
                f"No such subscription item: '{wish['id']}'", code="resource_missing", param=f"{param}[id]"
            )
        elif wish.get("deleted"):
            del after[wish["id"]]
        else:
            new_cycle |= _changed(world, after[wish["id"]], wish, at, param)
    if not after:
        raise refuse("A subscription must have at least one active plan.", param="items")
    return ItemChange(before, list(after.values()), new_cycle)


def _added(world: World, subscription: Json, wish: Json, beside: Json, param: str) -> Json:
    if "price" not in wish:
        raise parameter_missing(f"{param}[price]")
    price = recurring_price(world, wish["price"], f"{param}[price]")
    if price["currency"] != subscription["currency"]:
        raise refuse("All prices on a subscription must have the same currency.", param=f"{param}[price]")
    item = new_item(
        world, price, wish.get("quantity", 1), metadata=wish.get("metadata"),
        start=beside["current_period_start"], end=beside["current_period_end"],
    )  # fmt: skip
    return {**item, "subscription": subscription["id"]}


def _cycle(price: Json) -> tuple[str, int]:
    return price["recurring"]["interval"], price["recurring"]["interval_count"]


def _changed(world: World, item: Json, wish: Json, at: int, param: str) -> bool:
    """Change one item in place; True when its new price runs in another interval."""
    # A new price takes the quantity back to one unless it is named ("Change the price of subscriptions").
    other = "price" in wish and wish["price"] != item["price"]["id"]
    item["quantity"] = wish.get("quantity", 1 if other else item["quantity"])
    if "metadata" in wish:
        item["metadata"] = metadata(wish["metadata"], item["metadata"])
    if not other:
        return False
    price = recurring_price(world, wish["price"], f"{param}[price]")
    if price["currency"] != item["price"]["currency"]:
        raise refuse("All prices on a subscription must have the same currency.", param=f"{param}[price]")
    if is_metered(price):
        item["quantity"] = None
    same = _cycle(price) == _cycle(item["price"])
    item.update(price=dict(price), plan=plan_of(price))
    if not same:
        item.update(current_period_start=at, current_period_end=next_end(price, at, at))
    return not same


def prorations(world: World, subscription: Json, change: ItemChange, at: int) -> list[Json]:
    """Build the invoice items of a change at `at`: credits for unused time, charges for what remains.

    When the period begins anew only the credits count; the new period is billed in full.
    """
    found: list[Json] = []
    after = {item["id"]: item for item in change.after}
    for old in change.before:
        if not change.new_cycle and _same(old, after.get(old["id"])):
            continue
        found.append(_proration(world, subscription, old, old, at, unused=True))
    before = {item["id"]: item for item in change.before}
    if change.new_cycle:
        return found
    new = [item for item in change.after if not _same(item, before.get(item["id"]))]
    return found + [_proration(world, subscription, item, item, at, unused=False) for item in new]


def _same(one: Json, other: Json | None) -> bool:
    return (
        other is not None
        and one["price"]["id"] == other["price"]["id"]
        and one["quantity"] == other["quantity"]
    )


def unused(world: World, subscription: Json, at: int) -> list[Json]:
    """Build the credits for the rest of the current period."""
    return [_proration(world, subscription, item, item, at, unused=True) for item in items_of(subscription)]


def remaining(world: World, subscription: Json, at: int) -> list[Json]:
    """Build the charges for the rest of the current period."""
    return [_proration(world, subscription, item, item, at, unused=False) for item in items_of(subscription)]


def _proration(world: World, subscription: Json, item: Json, period: Json, at: int, *, unused: bool) -> Json:
    price, quantity = item["price"], item["quantity"] or 0
    start, end = period["current_period_start"], period["current_period_end"]
    share = Decimal(max(0, end - at)) / Decimal(end - start)
    amount = rounded(exact_total(world, price, quantity) * share)
    parent = {"subscription": subscription["id"], "subscription_item": item["id"]}
    return invoice_items.new_item(
        world, subscription["customer"], -amount if unused else amount, subscription["currency"],
        description=proration_text(world, price, quantity, at, unused=unused),
        parent={"type": "subscription_details", "subscription_details": parent},
        period={"start": at, "end": max(at, end)}, pricing=pricing(price), proration=True,
        proration_details={"credited_items": None, "discount_amounts": []},
        quantity=quantity, quantity_decimal=str(quantity),
    )  # fmt: skip
