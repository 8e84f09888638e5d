"""The life of a subscription: begun, paid, renewed by the clock, past due, paused, ended."""

from __future__ import annotations

from typing import Any

from overseer_payment.simulator.api import changed
from overseer_payment.simulator.resources import invoice_flow, invoice_items
from overseer_payment.simulator.resources.customers import default_method, uses_currency
from overseer_payment.simulator.resources.invoice_flow import Fate, on_fate
from overseer_payment.simulator.resources.invoice_shapes import (
    item_line,
    subscription_of,
    subscription_parent,
)
from overseer_payment.simulator.resources.shapes import DAY, Json
from overseer_payment.simulator.resources.subscription_shapes import (
    OVER,
    amount_of,
    current_period,
    items_of,
    next_end,
    with_items,
)
from overseer_payment.simulator.world import World

_INCOMPLETE_EXPIRES_AFTER = 23 * 3600
_WARNS_BEFORE_TRIAL_END = 3 * DAY


def begin(world: World, subscription: Json, *, collect: bool = True, method: str | None = None) -> Json:
    """Store and announce a built subscription and bill its first period; returns its first invoice.

    Without `collect` the invoice stays open for somebody to pay, as with `default_incomplete`.
    """
    trial = subscription["trial_end"] is not None
    by_mail = subscription["collection_method"] == "send_invoice"
    owes = not trial and amount_of(world, items_of(subscription)) > 0 and not by_mail
    subscription["status"] = "trialing" if trial else "incomplete" if owes else "active"
    world.put(subscription)
    uses_currency(world, subscription["customer"], subscription["currency"])
    world.emit("customer.subscription.created", subscription)
    invoice = bill(world, subscription, "subscription_create", trial=trial)
    changed(world, subscription, None, latest_invoice=invoice["id"])
    invoice_flow.finalize(world, invoice)
    _schedule_first(world, subscription)
    if owes and collect and invoice["status"] == "open":
        invoice_flow.collect(world, invoice, method, off_session=False)
    return invoice


def _schedule_first(world: World, subscription: Json) -> None:
    id = subscription["id"]
    if subscription["status"] == "incomplete":
        at = world.clock.now() + _INCOMPLETE_EXPIRES_AFTER
        world.schedule(at, lambda later: _expire(later, id), f"expiry of incomplete {id}")
    if subscription["status"] == "trialing":
        schedule_trial_warning(world, subscription)
    schedule_renewal(world, subscription)


def schedule_trial_warning(world: World, subscription: Json) -> None:
    """Announce the end of a trial three days ahead, or at once when less is left."""
    id, end = subscription["id"], subscription["trial_end"]

    def warn(later: World) -> None:
        current = later.get("subscription", id)
        if current["status"] == "trialing" and current["trial_end"] == end:
            later.emit("customer.subscription.trial_will_end", current)

    if end - _WARNS_BEFORE_TRIAL_END <= world.clock.now():
        warn(world)
    else:
        world.schedule(end - _WARNS_BEFORE_TRIAL_END, warn, f"trial of {id} will end")


def schedule_renewal(world: World, subscription: Json) -> None:
    """Renew when the current period ends; a period that was moved meanwhile makes this a no-op."""
    id, (_, end) = subscription["id"], current_period(subscription)

    def due(later: World) -> None:
        current = later.get("subscription", id)
        if current["status"] not in (*OVER, "paused", "incomplete") and current_period(current)[1] == end:
            _period_over(later, current)

    world.schedule(end, due, f"period end of {id}")


def bill(
    world: World, subscription: Json, reason: str, *, items: list[Json] | None = None, trial: bool = False,
    **fields: Any,
) -> Json:  # fmt: skip
    """Draft the invoice for the current period of `items` (default: all) and for what waits to be billed."""
    pending = invoice_items.waiting(
        world, subscription["customer"], subscription["currency"], subscription=subscription["id"]
    )
    lines = [invoice_items.line_of(world, item) for item in pending]
    due = items_of(subscription) if items is None else items
    lines += [item_line(world, subscription, item, trial=trial) for item in due]
    return bill_lines(world, subscription, reason, lines, pending=pending, **fields)


def bill_lines(
    world: World, subscription: Json, reason: str, lines: list[Json], *, pending: list[Json], **fields: Any
) -> Json:
    """Draft an invoice of exactly these lines; the caller makes it the subscription's latest."""
    customer = world.get("customer", subscription["customer"])
    if subscription["collection_method"] == "send_invoice":
        fields["due_date"] = world.clock.now() + (subscription["days_until_due"] or 30) * DAY
    invoice = invoice_flow.draft(
        world, customer, subscription["currency"], lines, billing_reason=reason,
        collection_method=subscription["collection_method"], parent=subscription_parent(subscription),
        **fields,
    )  # fmt: skip
    invoice_items.billed(world, pending, invoice["id"])
    return invoice


def _period_over(world: World, subscription: Json) -> None:
    cancel_at = subscription["cancel_at"]
    if subscription["cancel_at_period_end"] or (cancel_at is not None and cancel_at <= world.clock.now()):
        end_subscription(world, subscription, reason="cancellation_requested")
    elif subscription["status"] == "trialing" and not _trial_may_go_on(world, subscription):
        return
    else:
        advance(world, subscription)


def _trial_may_go_on(world: World, subscription: Json) -> bool:
    has_method = subscription["default_payment_method"] or default_method(world, subscription["customer"])
    behaviour = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if has_method or behaviour == "create_invoice" or subscription["collection_method"] == "send_invoice":
        return True
    if behaviour == "pause":
        pause(world, subscription, why="trial_end_without_payment_method")
    else:
        end_subscription(world, subscription, reason="cancellation_requested")
    return False


def advance(world: World, subscription: Json, *, start: int | None = None) -> Json:
    """Begin the next period where the last one ended and draft its invoice, or a new cycle at `start`.

    At the end of a period the draft is finalized and attempted an hour later, as at Stripe.
    """
    at = current_period(subscription)[1] if start is None else start
    anchor = subscription["billing_cycle_anchor"] if start is None else start
    items, due = [], []
    for item in items_of(subscription):
        # With flexible billing a subscription can hold items of different intervals.
        if start is None and item["current_period_end"] > at:
            items.append(item)
            continue
        end = next_end(item["price"], at, anchor)
        items.append({**item, "current_period_start": at, "current_period_end": end})
        due.append(items[-1])
    status = "active" if subscription["status"] == "trialing" else subscription["status"]
    renewed = {**subscription, "items": with_items(subscription, items), "status": status}
    fields: Json = {"period_start": current_period(subscription)[0], "period_end": at, **_pausing(renewed)}
    invoice = bill(world, renewed, "subscription_cycle", items=due, **fields)
    changed(
        world, subscription, "customer.subscription.updated",
        items=renewed["items"], status=status, latest_invoice=invoice["id"], billing_cycle_anchor=anchor,
    )  # fmt: skip
    schedule_renewal(world, subscription)
    if start is None and invoice["auto_advance"]:
        _finalize_later(world, invoice)
    return invoice


def _pausing(subscription: Json) -> Json:
    paused = subscription["pause_collection"]
    draft_only = (paused and paused["behavior"] == "keep_as_draft") or subscription["status"] == "unpaid"
    return {"auto_advance": False} if draft_only else {}


def _finalize_later(world: World, invoice: Json) -> None:
    id, at = invoice["id"], world.clock.now() + invoice_flow.FINALIZES_AFTER
    invoice["automatically_finalizes_at"] = at

    def finalize(later: World) -> None:
        current = later.get("invoice", id)
        if current["status"] == "draft" and current["auto_advance"]:
            close_draft(later, current)

    world.schedule(at, finalize, f"finalization of invoice {id}")


def close_draft(world: World, invoice: Json) -> None:
    """Finalize a subscription's draft and collect it, unless collection is paused."""
    invoice_flow.finalize(world, invoice)
    subscription_id = subscription_of(invoice)
    subscription = world.get("subscription", subscription_id) if subscription_id else None
    paused = subscription["pause_collection"] if subscription else None
    if invoice["status"] != "open":
        return
    if paused and paused["behavior"] == "void":
        invoice_flow.void(world, invoice)
    elif paused and paused["behavior"] == "mark_uncollectible":
        invoice_flow.give_up(world, invoice, reason="subscription_paused")
    elif invoice["collection_method"] == "send_invoice":
        world.emit("invoice.sent", invoice)
    else:
        invoice_flow.collect(world, invoice)


@on_fate
def _follow_invoice(world: World, invoice: Json, fate: Fate) -> None:
    subscription_id = subscription_of(invoice)
    if subscription_id is None:
        return
    subscription = world.get("subscription", subscription_id)
    status, is_latest = subscription["status"], subscription["latest_invoice"] == invoice["id"]
    begun = status == "incomplete" and fate in ("paid", "processing")
    recovered = status in ("past_due", "unpaid") and fate == "paid" and is_latest
    if begun or recovered:
        _set_status(world, subscription, "active")
    elif fate == "paid" and status == "paused" and world.peek("sim.resuming", subscription_id):
        _set_status(world, subscription, "active", type="customer.subscription.resumed")
    elif fate in ("failed", "action_required") and status == "active" and is_latest:
        _set_status(world, subscription, "past_due")
    elif fate == "exhausted" and status in ("active", "past_due"):
        _after_last_retry(world, subscription)


def _after_last_retry(world: World, subscription: Json) -> None:
    choice = world.settings.get("after_last_retry", "cancel")
    if choice == "cancel":
        end_subscription(world, subscription, reason="payment_failed")
    elif choice == "mark_unpaid":
        _set_status(world, subscription, "unpaid")


def _set_status(world: World, subscription: Json, status: str, *, type: str | None = None) -> None:
    before = {"status": subscription["status"]}
    values: Json = {"status": status}
    if subscription.get("status_details"):
        values["status_details"] = None
    changed(world, subscription, "customer.subscription.updated", **values)
    if type is not None:
        world.emit(type, subscription, previous=before)


def _expire(world: World, subscription_id: str) -> None:
    subscription = world.get("subscription", subscription_id)
    if subscription["status"] != "incomplete":
        return
    invoice = world.get("invoice", subscription["latest_invoice"])
    if invoice["status"] == "open":
        invoice_flow.void(world, invoice)
    changed(
        world, subscription, "customer.subscription.updated",
        status="incomplete_expired", ended_at=world.clock.now(),
    )  # fmt: skip


def end_subscription(world: World, subscription: Json, *, reason: str, **details: str | None) -> Json:
    """Cancel a subscription for good, now; its open invoices are no longer collected by themselves."""
    now = world.clock.now()
    subscription.update(
        status="canceled",
        canceled_at=subscription["canceled_at"] or now,
        ended_at=now,
        cancellation_details={**subscription["cancellation_details"], **details, "reason": reason},
    )
    for invoice in world.find("invoice", customer=subscription["customer"]):
        if subscription_of(invoice) == subscription["id"] and invoice["status"] in ("draft", "open"):
            changed(world, invoice, "invoice.updated", auto_advance=False, next_payment_attempt=None)
    world.emit("customer.subscription.deleted", world.put(subscription))
    return subscription


def pause(world: World, subscription: Json, *, why: str = "pause_requested") -> Json:
    """Stop a subscription until somebody resumes it: no periods, no invoices."""
    before = {"status": subscription["status"]}
    details = {
        "paused": {
            "type": "subscription",
            "transitioned_at": world.clock.now(),
            "subscription": {"type": why},
        }
    }
    changed(world, subscription, "customer.subscription.updated", status="paused", status_details=details)
    world.emit("customer.subscription.paused", subscription, previous=before)
    return subscription


def resume(world: World, subscription: Json, *, keep_anchor: bool, wait_for_payment: bool) -> Json:
    """Take up a paused subscription: within its paid period for free, else with a new period from now on."""
    now = world.clock.now()
    if keep_anchor and current_period(subscription)[1] > now:
        _set_status(world, subscription, "active", type="customer.subscription.resumed")
        schedule_renewal(world, subscription)
        return subscription
    if wait_for_payment:
        world.put({"object": "sim.resuming", "id": subscription["id"]})
    else:
        _set_status(world, subscription, "active", type="customer.subscription.resumed")
    invoice = advance(world, subscription, start=now)
    close_draft(world, invoice)
    return subscription
