"""The shapes of subscriptions and their items."""

from __future__ import annotations

from typing import Any

from overseer_payment.simulator.resources.periods import period_end
from overseer_payment.simulator.resources.prices import plan_of
from overseer_payment.simulator.resources.shapes import Json, listed, metadata, refuse
from overseer_payment.simulator.resources.tiers import is_metered, line_total
from overseer_payment.simulator.world import World

RUNNING = ("incomplete", "trialing", "active", "past_due", "unpaid", "paused")
OVER = ("canceled", "incomplete_expired")


def new_subscription(world: World, customer: str, currency: str, items: list[Json], **fields: Any) -> Json:
    """Build a subscription around its items. It is neither stored nor announced."""
    now, id = world.clock.now(), world.new_id("sub_")
    for item in items:
        item["subscription"] = id
    subscription: Json = {
        "id": id,
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": now,
        "billing_cycle_anchor_config": None,
        "billing_mode": {
            "type": "flexible",
            "flexible": {"proration_discounts": "included"},
            "updated_at": now,
        },
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": "charge_automatically",
        "created": now,
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "days_until_due": None,
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": {"type": "self"},
        },
        "items": listed(f"/v1/subscription_items?subscription={id}", items),
        "latest_invoice": None,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": {},
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": now,
        "status": "active",
        "test_clock": None,
        "transfer_data": None,
        "trial_end": None,
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": None,
    }
    subscription.update(fields)
    return subscription


def new_item(world: World, price: Json, quantity: int, *, start: int, end: int, **fields: Any) -> Json:
    """Build a subscription item for the period from `start` to `end`."""
    return {
        "id": world.new_id("si_"),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": world.clock.now(),
        "current_period_end": end,
        "current_period_start": start,
        "discounts": [],
        "metadata": metadata(fields.get("metadata")),
        "plan": plan_of(price),
        "price": dict(price),
        "quantity": None if is_metered(price) else quantity,
        "subscription": "",
        "tax_rates": [],
    }


def next_end(price: Json, start: int, anchor: int) -> int:
    """Return the end of a period of this price that begins at `start`."""
    recurring = price["recurring"]
    return period_end(start, recurring["interval"], recurring["interval_count"], anchor=anchor)


def items_of(subscription: Json) -> list[Json]:
    """Return the subscription's items."""
    items: list[Json] = subscription["items"]["data"]
    return items


def with_items(subscription: Json, items: list[Json]) -> Json:
    """Return the `items` list object of a subscription with other items in it."""
    return listed(subscription["items"]["url"], items)


def current_period(subscription: Json) -> tuple[int, int]:
    """Return start and end of the period that runs: the earliest end of its items counts."""
    items = items_of(subscription)
    return min(i["current_period_start"] for i in items), min(i["current_period_end"] for i in items)


def amount_of(world: World, items: list[Json]) -> int:
    """Return what the items cost per period, in minor units."""
    return sum(line_total(world, item["price"], item["quantity"]) for item in items)


def recurring_price(world: World, id: str, param: str) -> Json:
    """Return an active recurring price. Raises SimError with Stripe's wording otherwise."""
    price = world.get("price", id, param=param)
    if not price["active"]:
        raise refuse(inactive_message(price), param=param)
    if price["type"] != "recurring":
        message = (
            "The price specified is set to `type=one_time` but this field only accepts prices with "
            "`type=recurring`."
        )
        raise refuse(message, param=param)
    return price


def inactive_message(price: Json) -> str:
    """Word the refusal of an archived price."""
    return f"The price specified is inactive. This field only accepts active prices: '{price['id']}'."
