"""Invoice previews: what a customer would be billed next, with nothing changed by asking."""

from __future__ import annotations

from overseer_payment.simulator.api import Call, endpoint
from overseer_payment.simulator.errors import parameter_missing
from overseer_payment.simulator.resources import invoice_items, proration
from overseer_payment.simulator.resources.customers import living_customer
from overseer_payment.simulator.resources.invoice_shapes import (
    item_line,
    new_invoice,
    subscription_parent,
    with_lines,
)
from overseer_payment.simulator.resources.proration import ItemChange, changed_items
from overseer_payment.simulator.resources.shapes import Json
from overseer_payment.simulator.resources.subscription_shapes import (
    current_period,
    items_of,
    next_end,
    with_items,
)
from overseer_payment.simulator.resources.subscriptions import build, trial_end_of
from overseer_payment.simulator.world import World


@endpoint("POST", "/v1/invoices/create_preview")
def preview_invoice(call: Call) -> Json:
    """Return the invoice that `subscription` or `subscription_details` would lead to; nothing is stored."""
    world, params = call.world, call.params
    details = params.get("subscription_details") or {}
    if "subscription" in params:
        subscription = world.get("subscription", params["subscription"], param="subscription")
        return _of_existing(world, subscription, details, params.get("preview_mode", "next"))
    if "customer" not in params:
        raise parameter_missing("customer")
    customer = living_customer(world, params["customer"])
    subscription = build(
        world, customer["id"], details.get("items") or [],
        trial_end=trial_end_of(world, details), param="subscription_details[items]",
    )  # fmt: skip
    trial = subscription["trial_end"] is not None
    lines = [item_line(world, subscription, item, trial=trial) for item in items_of(subscription)]
    return _preview(world, subscription, lines, "subscription_create", at=world.clock.now())


def _of_existing(world: World, subscription: Json, details: Json, mode: str) -> Json:
    at = details.get("proration_date") or world.clock.now()
    if details.get("cancel_now"):
        credits = proration.unused(world, subscription, at) if _prorates(details) else []
        return _preview(
            world, subscription, _lines(world, subscription, credits), "subscription_update", at=at
        )
    wanted = details.get("items") or []
    change = changed_items(world, subscription, wanted, at)
    after: Json = {**subscription, "items": with_items(subscription, change.after)}
    if mode == "recurring":
        return _preview(world, after, _next_period(world, after), "upcoming", at=current_period(after)[1])
    prorated = _prorated(world, subscription, change, details, at) if wanted else []
    lines = _lines(world, subscription, prorated)
    if change.new_cycle:
        lines += [item_line(world, after, item) for item in change.after]
        return _preview(world, after, lines, "subscription_update", at=at, proration_date=at)
    if details.get("proration_behavior") == "always_invoice" and wanted:
        return _preview(world, after, lines, "subscription_update", at=at, proration_date=at)
    if not (subscription["cancel_at_period_end"] or details.get("cancel_at_period_end")):
        lines += _next_period(world, after)
    reason = "upcoming" if not wanted else "subscription_cycle"
    return _preview(
        world, after, lines, reason, at=current_period(after)[1], proration_date=at if wanted else None
    )


def _prorates(details: Json) -> bool:
    return bool(details.get("proration_behavior", "create_prorations") != "none")


def _prorated(world: World, subscription: Json, change: ItemChange, details: Json, at: int) -> list[Json]:
    if subscription["status"] == "trialing" or not _prorates(details):
        return []
    return proration.prorations(world, subscription, change, at)


def _lines(world: World, subscription: Json, prorated: list[Json]) -> list[Json]:
    pending = invoice_items.waiting(
        world, subscription["customer"], subscription["currency"], subscription=subscription["id"]
    )
    return [invoice_items.line_of(world, item) for item in [*pending, *prorated]]


def _next_period(world: World, subscription: Json) -> list[Json]:
    at, lines = current_period(subscription)[1], []
    for item in items_of(subscription):
        if item["current_period_end"] == at:
            end = next_end(item["price"], at, subscription["billing_cycle_anchor"])
            following = {**item, "current_period_start": at, "current_period_end": end}
            lines.append(item_line(world, subscription, following))
    return lines


def _preview(
    world: World,
    subscription: Json,
    lines: list[Json],
    reason: str,
    *,
    at: int,
    proration_date: int | None = None,
) -> Json:
    customer = world.get("customer", subscription["customer"])
    parent = subscription_parent(subscription)
    if proration_date is not None:
        parent["subscription_details"]["subscription_proration_date"] = proration_date
    invoice = new_invoice(
        world, customer, subscription["currency"], id=world.new_id("upcoming_in_"),
        billing_reason=reason, parent=parent, period_end=at, period_start=current_period(subscription)[0],
        next_payment_attempt=at, collection_method=subscription["collection_method"],
    )  # fmt: skip
    return with_lines(world, invoice, lines)
