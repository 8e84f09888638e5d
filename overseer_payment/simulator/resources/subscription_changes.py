"""Changing a subscription: items with their prorations, planned end, paused collection, trial."""

from __future__ import annotations

from typing import Any

from overseer_payment.simulator.api import changed
from overseer_payment.simulator.resources import invoice_items, proration
from overseer_payment.simulator.resources.payment_methods import attach, named_method
from overseer_payment.simulator.resources.proration import ItemChange, changed_items
from overseer_payment.simulator.resources.shapes import Json, emptied, given, metadata, refuse
from overseer_payment.simulator.resources.subscription_flow import (
    advance,
    bill,
    close_draft,
    end_subscription,
    schedule_renewal,
    schedule_trial_warning,
)
from overseer_payment.simulator.resources.subscription_shapes import (
    OVER,
    current_period,
    items_of,
    with_items,
)
from overseer_payment.simulator.world import World

_PLAIN = ("collection_method", "days_until_due", "description")


def change(world: World, subscription: Json, params: Json) -> Json:
    """Apply one update request; everything that changes at once is told in one event."""
    at = params.get("proration_date") or world.clock.now()
    values = _settings(world, subscription, params)
    if "cancel_at_period_end" in params or "cancel_at" in params:
        values |= set_cancellation(world, subscription, params)
    trial = params.get("trial_end")
    if trial is not None and trial != "now":
        values |= _trial(world, subscription, int(trial))
    item_change = changed_items(world, subscription, params["items"], at) if "items" in params else None
    if item_change is None:
        changed(world, subscription, "customer.subscription.updated", **values)
    else:
        _apply_items(world, subscription, item_change, params, at, values)
    if trial == "now" or (params.get("billing_cycle_anchor") or {}).get("type") == "now":
        _begin_cycle_now(world, subscription, trial_ends=trial == "now")
    elif trial is not None:
        schedule_trial_warning(world, subscription)
        schedule_renewal(world, subscription)
    return subscription


def _settings(world: World, subscription: Json, params: Json) -> Json:
    values: Json = given(params, *_PLAIN)
    if "metadata" in params:
        values["metadata"] = metadata(params["metadata"], subscription["metadata"])
    if "default_payment_method" in params:
        method = named_method(world, params["default_payment_method"], param="default_payment_method")
        values["default_payment_method"] = attach(world, method, subscription["customer"])["id"]
    if "pause_collection" in params:
        values["pause_collection"] = _paused_collection(world, subscription, params["pause_collection"])
    if details := params.get("cancellation_details"):
        known = given(details, "comment", "feedback")
        values["cancellation_details"] = {**subscription["cancellation_details"], **known}
    if behaviour := (params.get("trial_settings") or {}).get("end_behavior"):
        values["trial_settings"] = {"end_behavior": dict(behaviour)}
    return values


def _paused_collection(world: World, subscription: Json, wanted: Any) -> Json | None:
    if emptied(wanted) is None:
        return None
    resumes_at, id = emptied(wanted.get("resumes_at")), subscription["id"]
    if resumes_at is not None:
        world.schedule(resumes_at, lambda later: _collect_again(later, id, resumes_at), f"collection of {id}")
    return {"behavior": wanted["behavior"], "resumes_at": resumes_at}


def _collect_again(world: World, subscription_id: str, planned: int) -> None:
    subscription = world.get("subscription", subscription_id)
    paused = subscription["pause_collection"]
    if subscription["status"] not in OVER and paused and paused["resumes_at"] == planned:
        changed(world, subscription, "customer.subscription.updated", pause_collection=None)


def set_cancellation(world: World, subscription: Json, params: Json) -> Json:
    """Return what planning or unplanning a cancellation changes; a moment within a period is scheduled."""
    end_of_period = current_period(subscription)[1]
    if "cancel_at_period_end" in params and params.get("cancel_at"):
        raise refuse("You may only specify one of these parameters: cancel_at, cancel_at_period_end.")
    at: int | None
    if params.get("cancel_at_period_end"):
        at, planned = end_of_period, True
    elif "cancel_at" in params:
        at, planned = _moment(subscription, params["cancel_at"]), False
    else:
        at, planned = None, False
    if at is None:
        return {
            "cancel_at": None,
            "cancel_at_period_end": False,
            "canceled_at": None,
            "cancellation_details": {**subscription["cancellation_details"], "reason": None},
        }
    if not planned:
        _schedule_cancellation(world, subscription["id"], at)
    reason = {"reason": "cancellation_requested"}
    return {
        "cancel_at": at,
        "cancel_at_period_end": planned,
        "canceled_at": world.clock.now(),
        "cancellation_details": {**subscription["cancellation_details"], **reason},
    }


def _moment(subscription: Json, wanted: Any) -> int | None:
    ends = [item["current_period_end"] for item in items_of(subscription)]
    if wanted in ("min_period_end", "max_period_end", "max_billed_until"):
        return int(min(ends) if wanted == "min_period_end" else max(ends))
    return int(wanted) if wanted else None


def _schedule_cancellation(world: World, subscription_id: str, at: int) -> None:
    def cancel(later: World) -> None:
        current = later.get("subscription", subscription_id)
        if current["status"] not in OVER and current["cancel_at"] == at:
            end_subscription(later, current, reason="cancellation_requested")

    world.schedule(at, cancel, f"cancellation of {subscription_id}")


def _trial(world: World, subscription: Json, end: int) -> Json:
    if end <= world.clock.now():
        raise refuse("Invalid timestamp: must be an integer Unix timestamp in the future.", param="trial_end")
    items = [{**item, "current_period_end": end} for item in items_of(subscription)]
    return {
        "billing_cycle_anchor": end,
        "items": with_items(subscription, items),
        "status": "trialing",
        "trial_end": end,
        "trial_start": subscription["trial_start"] or world.clock.now(),
    }


def _apply_items(
    world: World, subscription: Json, change: ItemChange, params: Json, at: int, values: Json
) -> None:
    behaviour = params.get("proration_behavior", "create_prorations")
    free = subscription["status"] == "trialing" or behaviour == "none"
    pending = [] if free else proration.prorations(world, subscription, change, at)
    for item in pending:
        invoice_items.announce(world, item)
    values["items"] = with_items(subscription, change.after)
    if change.new_cycle and subscription["status"] != "trialing":
        values["billing_cycle_anchor"] = at
    changed(world, subscription, "customer.subscription.updated", **values)
    if subscription["status"] == "trialing":
        return
    if change.new_cycle:
        schedule_renewal(world, subscription)
        _bill_now(world, subscription, items_of(subscription))
    elif behaviour == "always_invoice" and pending:
        _bill_now(world, subscription, [])


def _bill_now(world: World, subscription: Json, items: list[Json]) -> None:
    invoice = bill(world, subscription, "subscription_update", items=items)
    changed(world, subscription, "customer.subscription.updated", latest_invoice=invoice["id"])
    close_draft(world, invoice)


def _begin_cycle_now(world: World, subscription: Json, *, trial_ends: bool) -> None:
    now = world.clock.now()
    if trial_ends and subscription["status"] == "trialing":
        changed(world, subscription, None, trial_end=now)
    elif not trial_ends:
        for item in proration.unused(world, subscription, now):
            invoice_items.announce(world, item)
    close_draft(world, advance(world, subscription, start=now))
