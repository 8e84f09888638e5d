"""Subscriptions through the API: create, read, change, pause, resume, cancel."""

from __future__ import annotations

from typing import Any

from overseer_payment.simulator.api import Call, changed, endpoint, paged
from overseer_payment.simulator.cards import DECLINES
from overseer_payment.simulator.errors import SimError, parameter_missing
from overseer_payment.simulator.resources import invoice_items, proration
from overseer_payment.simulator.resources.customers import default_method, living_customer
from overseer_payment.simulator.resources.payment_methods import attach, instrument_of, named_method
from overseer_payment.simulator.resources.shapes import DAY, Json, given, metadata, refuse
from overseer_payment.simulator.resources.subscription_changes import change, set_cancellation
from overseer_payment.simulator.resources.subscription_flow import (
    begin,
    bill,
    close_draft,
    end_subscription,
    pause,
    resume,
)
from overseer_payment.simulator.resources.subscription_shapes import (
    OVER,
    amount_of,
    current_period,
    items_of,
    new_item,
    new_subscription,
    next_end,
    recurring_price,
)
from overseer_payment.simulator.world import World

_FAILING_BEHAVIOUR = "error_if_incomplete"
_PLAIN = ("description", "days_until_due", "collection_method", "off_session")


def build(
    world: World,
    customer_id: str,
    wanted: list[Json],
    *,
    trial_end: int | None = None,
    given_metadata: Json | None = None,
    param: str = "items",
    **fields: Any,
) -> Json:
    """Build a subscription from `[{price, quantity}]`; `begin` starts it. Periods begin now."""
    now = world.clock.now()
    anchor = trial_end or now
    if not wanted:
        raise parameter_missing(param)
    items = []
    for position, wish in enumerate(wanted):
        where = f"{param}[{position}][price]"
        if "price" not in wish:
            raise parameter_missing(where)
        price = recurring_price(world, wish["price"], where)
        end = trial_end or next_end(price, now, anchor)
        items.append(
            new_item(world, price, wish.get("quantity", 1), start=now, end=end, metadata=wish.get("metadata"))
        )
    if len({item["price"]["currency"] for item in items}) > 1:
        raise refuse("All prices on a subscription must have the same currency.", param=param)
    return new_subscription(
        world, customer_id, items[0]["price"]["currency"], items,
        billing_cycle_anchor=anchor, trial_start=now if trial_end else None, trial_end=trial_end,
        metadata=metadata(given_metadata), **fields,
    )  # fmt: skip


def trial_end_of(world: World, params: Json) -> int | None:
    """Return when the trial that a request asks for ends, or None."""
    if params.get("trial_period_days"):
        return int(world.clock.now() + params["trial_period_days"] * DAY)
    end = params.get("trial_end")
    if end is None or end == "now":
        return None
    if end <= world.clock.now():
        raise refuse("Invalid timestamp: must be an integer Unix timestamp in the future.", param="trial_end")
    return int(end)


@endpoint("POST", "/v1/subscriptions")
def create_subscription(call: Call) -> Json:
    """Create a subscription and, unless `default_incomplete`, try to pay its first invoice at once."""
    world, params = call.world, call.params
    if "customer" not in params:
        raise parameter_missing("customer")
    customer = living_customer(world, params["customer"])
    fields = {name: value for name, value in given(params, *_PLAIN).items() if name != "off_session"}
    fields |= _create_settings(world, params, customer)
    subscription = build(
        world, customer["id"], params.get("items") or [],
        trial_end=trial_end_of(world, params), given_metadata=params.get("metadata"), **fields,
    )  # fmt: skip
    behaviour = params.get("payment_behavior", "allow_incomplete")
    _check_method(world, subscription, behaviour)
    begin(world, subscription, collect=behaviour != "default_incomplete")
    if "cancel_at_period_end" in params or "cancel_at" in params:
        changed(
            world,
            subscription,
            "customer.subscription.updated",
            **set_cancellation(world, subscription, params),
        )
    return subscription


def _create_settings(world: World, params: Json, customer: Json) -> Json:
    fields: Json = {}
    if "default_payment_method" in params:
        method = named_method(world, params["default_payment_method"], param="default_payment_method")
        fields["default_payment_method"] = attach(world, method, customer["id"])["id"]
    if behaviour := (params.get("trial_settings") or {}).get("end_behavior"):
        fields["trial_settings"] = {"end_behavior": dict(behaviour)}
    if (params.get("billing_mode") or {}).get("type") == "classic":
        fields["billing_mode"] = {"type": "classic", "flexible": None}
    return fields


def _check_method(world: World, subscription: Json, behaviour: str) -> None:
    """Refuse before anything is stored what can't be paid and may not stay incomplete."""
    owes = subscription["trial_end"] is None and amount_of(world, items_of(subscription)) > 0
    by_mail = subscription["collection_method"] == "send_invoice"
    if not owes or by_mail or behaviour == "default_incomplete":
        return
    chosen = subscription["default_payment_method"] or default_method(world, subscription["customer"])
    if chosen is None:
        message = (
            "This customer has no attached payment source or default payment method. Please consider adding "
            "a default payment method. For more information, visit "
            "https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority."
        )
        raise refuse(message, code="resource_missing")
    if behaviour == _FAILING_BEHAVIOUR:
        instrument = instrument_of(world, chosen)
        decline = instrument.refuses(off_session=False)
        if instrument.authentication != "never":
            decline = "authentication_required"
        if decline is not None:
            code, said, _ = DECLINES[decline]
            raise SimError(402, said, type="card_error", code=code, decline_code=decline)


@endpoint("GET", "/v1/subscriptions")
def list_subscriptions(call: Call) -> Json:
    """List subscriptions; canceled ones only with `status=canceled|ended|all`, as at Stripe."""
    params, status = call.params, call.params.get("status")
    equal = {n: params[n] for n in ("customer", "collection_method") if n in params}
    found = call.world.find("subscription", **equal)
    if status == "ended":
        found = [s for s in found if s["status"] in OVER]
    elif status is None:
        found = [s for s in found if s["status"] not in ("canceled", "incomplete_expired")]
    elif status != "all":
        found = [s for s in found if s["status"] == status]
    if "price" in params:
        found = [s for s in found if any(i["price"]["id"] == params["price"] for i in items_of(s))]
    return paged(call, found)


@endpoint("GET", "/v1/subscriptions/{subscription_exposed_id}")
def retrieve_subscription(call: Call) -> Json:
    """Return one subscription."""
    return _named(call, "subscription_exposed_id")


def _named(call: Call, name: str) -> Json:
    return call.world.get("subscription", call.ids[name])


@endpoint("POST", "/v1/subscriptions/{subscription_exposed_id}")
def update_subscription(call: Call) -> Json:
    """Change a subscription: items, quantities, cancellation, collection, trial."""
    subscription = _named(call, "subscription_exposed_id")
    if subscription["status"] in OVER and set(call.params) - {"cancellation_details", "metadata"}:
        message = "A canceled subscription can only update its cancellation_details and metadata."
        raise refuse(message)
    return change(call.world, subscription, call.params)


@endpoint("DELETE", "/v1/subscriptions/{subscription_exposed_id}")
def cancel_subscription(call: Call) -> Json:
    """Cancel now. `prorate` credits unused time, `invoice_now` bills what waits."""
    world, params = call.world, call.params
    subscription = _named(call, "subscription_exposed_id")
    if subscription["status"] in OVER:
        message = f"No such subscription: '{subscription['id']}'"
        raise SimError(404, message, code="resource_missing", param="id")
    if params.get("prorate") and subscription["status"] in ("active", "past_due"):
        for item in proration.unused(world, subscription, world.clock.now()):
            invoice_items.announce(world, item)
    if params.get("invoice_now"):
        _bill_what_waits(world, subscription)
    details = given(params.get("cancellation_details") or {}, "comment", "feedback")
    return end_subscription(world, subscription, reason="cancellation_requested", **details)


def _bill_what_waits(world: World, subscription: Json) -> None:
    if invoice_items.waiting(
        world, subscription["customer"], subscription["currency"], subscription=subscription["id"]
    ):
        invoice = bill(world, subscription, "subscription_update", items=[])
        changed(world, subscription, None, latest_invoice=invoice["id"])
        close_draft(world, invoice)


@endpoint("POST", "/v1/subscriptions/{subscription}/pause")
def pause_subscription(call: Call) -> Json:
    """Pause a subscription of flexible billing: status `paused`, no periods, no invoices.

    Unused time is credited on the next invoice, unless `bill_for[unused_time_from][type]` says otherwise.
    """
    subscription = _named(call, "subscription")
    if subscription["billing_mode"]["type"] != "flexible":
        raise refuse("Only subscriptions with `billing_mode[type]=flexible` can be paused.")
    if subscription["status"] not in ("active", "trialing", "past_due"):
        raise refuse(f"This subscription can't be paused because its status is {subscription['status']}.")
    _credit_unused(call, subscription)
    return pause(call.world, subscription)


def _credit_unused(call: Call, subscription: Json) -> None:
    wanted = (call.params.get("bill_for") or {}).get("unused_time_from") or {}
    kind, now = wanted.get("type", "now"), call.world.clock.now()
    if kind == "none" or subscription["status"] != "active":
        return  # a trial was free, and what is past due was not paid
    start = current_period(subscription)[0] if kind == "item_current_period_start" else now
    for item in proration.unused(call.world, subscription, start):
        invoice_items.announce(call.world, item)
    if call.params.get("invoicing_behavior") == "invoice":
        _bill_what_waits(call.world, subscription)


@endpoint("POST", "/v1/subscriptions/{subscription}/resume")
def resume_subscription(call: Call) -> Json:
    """Resume a paused subscription, by default with a new billing cycle from now on."""
    subscription, params = _named(call, "subscription"), call.params
    if subscription["status"] != "paused":
        raise refuse("Only paused subscriptions can be resumed.")
    anchor = (params.get("billing_cycle_anchor") or {}).get("type", "now")
    wait = params.get("payment_behavior") == "resume_on_payment_success"
    prorates = params.get("proration_behavior", "create_prorations") != "none"
    if anchor == "unchanged" and prorates and current_period(subscription)[1] > call.world.clock.now():
        for item in proration.remaining(call.world, subscription, call.world.clock.now()):
            invoice_items.announce(call.world, item)
    return resume(call.world, subscription, keep_anchor=anchor == "unchanged", wait_for_payment=wait)


@endpoint("GET", "/v1/subscription_items")
def list_items(call: Call) -> Json:
    """List a subscription's items."""
    subscription = call.world.get("subscription", call.params["subscription"], param="subscription")
    return paged(call, items_of(subscription))
