"""The life of an invoice: drafted, finalized, attempted, retried, paid, voided or given up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from overseer_payment.simulator.api import changed
from overseer_payment.simulator.errors import SimError
from overseer_payment.simulator.resources import intent_flow
from overseer_payment.simulator.resources.aftermath import aftermath
from overseer_payment.simulator.resources.amounts import chargeable
from overseer_payment.simulator.resources.customers import default_method
from overseer_payment.simulator.resources.intent_flow import Outcome, on_outcome
from overseer_payment.simulator.resources.invoice_shapes import (
    new_invoice,
    new_invoice_payment,
    subscription_of,
    with_lines,
)
from overseer_payment.simulator.resources.payment_intents import cancel, new_intent
from overseer_payment.simulator.resources.shapes import DAY, Json, refuse
from overseer_payment.simulator.world import World

Fate = Literal["paid", "failed", "processing", "action_required", "exhausted"]
Listener = Callable[[World, Json, Fate], None]

FINALIZES_AFTER = 3600
_RETRIES_AFTER = (3 * DAY, 5 * DAY, 7 * DAY)
_PURPOSE = {
    "subscription_create": "Subscription creation",
    "subscription_update": "Subscription update",
    "subscription_cycle": "Subscription update",
}
_listeners: list[Listener] = []


def on_fate(listener: Listener) -> Listener:
    """Call `listener(world, invoice, fate)` whenever an invoice's payment was decided."""
    _listeners.append(listener)
    return listener


def draft(world: World, customer: Json, currency: str, lines: Iterable[Json], **fields: Any) -> Json:
    """Store and announce a draft with its lines."""
    invoice = with_lines(world, new_invoice(world, customer, currency, **fields), lines)
    world.put(invoice)
    world.emit("invoice.created", invoice)
    return invoice


def finalize(world: World, invoice: Json, *, intent: Json | None = None) -> Json:
    """Number the invoice, settle it with the customer's balance, make the payment intent of what is due.

    With `intent` the invoice documents a payment that was already made, as checkouts can ask for.
    """
    now, customer = world.clock.now(), world.get("customer", invoice["customer"])
    _settle_balance(world, invoice, customer)
    sequence = customer.get("next_invoice_sequence", 1)
    customer["next_invoice_sequence"] = sequence + 1
    hosted = f"{world.public_url}/i/{invoice['id']}"
    invoice.update(
        status="open",
        number=f"{customer.get('invoice_prefix', 'SIM')}-{sequence:04d}",
        hosted_invoice_url=hosted,
        invoice_pdf=f"{hosted}/pdf",
        effective_at=now,
        automatically_finalizes_at=None,
        status_transitions={**invoice["status_transitions"], "finalized_at": now},
    )
    world.emit("invoice.finalized", world.put(invoice))
    if invoice["amount_due"] == 0:
        _paid(world, invoice)
    else:
        _tie(world, invoice, intent or _new_intent(world, invoice))
    if intent is not None and intent["status"] == "succeeded":
        _attempt_decided(world, intent, "succeeded")
    return invoice


def _settle_balance(world: World, invoice: Json, customer: Json) -> None:
    due = invoice["total"] + invoice["starting_balance"]
    carried = due if due < 0 else 0
    if due > 0:
        try:
            chargeable(due, invoice["currency"])
        except SimError as error:
            if error.code != "amount_too_small":
                raise
            carried = due  # too little to charge: it waits on the customer's balance for the next invoice
    invoice.update(ending_balance=carried, amount_due=due - carried, amount_remaining=due - carried)
    if not customer.get("deleted"):
        changed(world, customer, "customer.updated", balance=carried)


def _new_intent(world: World, invoice: Json) -> Json:
    return new_intent(
        world, invoice["amount_due"], invoice["currency"],
        customer=invoice["customer"], capture_method="automatic",
        description=_PURPOSE.get(invoice["billing_reason"], f"Payment for Invoice {invoice['number']}"),
        setup_future_usage="off_session" if subscription_of(invoice) else None,
    )  # fmt: skip


def _tie(world: World, invoice: Json, intent: Json) -> None:
    payment = world.put(new_invoice_payment(world, invoice, intent))
    world.put({"object": "sim.invoice_of", "id": intent["id"], "payment": payment["id"]})
    world.put({"object": "sim.payment_of", "id": invoice["id"], "payment": payment["id"]})


def payment_of(world: World, invoice: Json) -> Json | None:
    """Return the invoice's default payment, or None when nothing was ever due."""
    link = world.peek("sim.payment_of", invoice["id"])
    return world.get("invoice_payment", link["payment"]) if link else None


def intent_of(world: World, invoice: Json) -> Json | None:
    """Return the payment intent with which the invoice is paid, or None."""
    payment = payment_of(world, invoice)
    return world.get("payment_intent", payment["payment"]["payment_intent"]) if payment else None


def paying_method(world: World, invoice: Json) -> str | None:
    """Return what an automatic attempt uses: the invoice's, the subscription's, the customer's default."""
    subscription_id = subscription_of(invoice)
    own = invoice["default_payment_method"]
    if own is None and subscription_id:
        own = world.get("subscription", subscription_id)["default_payment_method"]
    return own or default_method(world, invoice["customer"])


def collect(
    world: World, invoice: Json, method_id: str | None = None, *, off_session: bool = True
) -> Outcome:
    """Try to pay an open invoice, by default with what is on file."""
    intent = intent_of(world, invoice)
    chosen = method_id or paying_method(world, invoice)
    if intent is None or chosen is None:
        _failed(world, invoice)
        return "declined"
    method = world.get("payment_method", chosen)
    result = intent_flow.attempt(world, intent, method, off_session=off_session)
    aftermath(world, intent)
    return result


@on_outcome
def _attempt_decided(world: World, intent: Json, result: Outcome) -> None:
    link = world.peek("sim.invoice_of", intent["id"])
    if link is None:
        return
    payment = world.get("invoice_payment", link["payment"])
    invoice = world.get("invoice", payment["invoice"])
    if result == "succeeded":
        _payment_paid(world, payment, intent)
        _paid(world, invoice)
    elif result == "declined":
        _failed(world, invoice)
    elif result == "requires_action":
        invoice["attempted"] = True
        world.emit("invoice.payment_action_required", world.put(invoice))
        _told(world, invoice, "action_required")
    else:
        changed(world, invoice, "invoice.updated", attempted=True)
        _told(world, invoice, "processing")


def _payment_paid(world: World, payment: Json, intent: Json) -> None:
    transitions = {**payment["status_transitions"], "paid_at": world.clock.now()}
    payment.update(status="paid", amount_paid=intent["amount_received"], status_transitions=transitions)
    world.emit("invoice_payment.paid", world.put(payment))


def _paid(world: World, invoice: Json, **more: Any) -> None:
    values: Json = {
        "status": "paid",
        "amount_paid": invoice["amount_due"],
        "amount_remaining": 0,
        "attempted": True,
        "attempt_count": invoice["attempt_count"] + (1 if invoice["amount_due"] else 0),
        "next_payment_attempt": None,
        "status_transitions": {**invoice["status_transitions"], "paid_at": world.clock.now()},
        **more,
    }
    changed(world, invoice, "invoice.updated", **values)
    world.emit("invoice.paid", invoice)
    world.emit("invoice.payment_succeeded", invoice)
    _told(world, invoice, "paid")


def _failed(world: World, invoice: Json) -> None:
    count = invoice["attempt_count"] + 1
    retries = _RETRIES_AFTER if invoice["billing_reason"] != "subscription_create" else ()
    again = world.clock.now() + retries[count - 1] if count <= len(retries) else None
    changed(
        world, invoice, "invoice.updated",
        attempted=True, attempt_count=count, next_payment_attempt=again if invoice["auto_advance"] else None,
    )  # fmt: skip
    world.emit("invoice.payment_failed", invoice)
    exhausted = again is None and bool(retries)
    _told(world, invoice, "exhausted" if exhausted else "failed")
    if again is not None and invoice["auto_advance"]:
        id = invoice["id"]
        world.schedule(again, lambda later: _retry(later, id), f"retry of invoice {id}")


def _retry(world: World, invoice_id: str) -> None:
    invoice = world.get("invoice", invoice_id)
    # Paid, voided or given up meanwhile: nothing to retry.
    if invoice["status"] != "open" or invoice["next_payment_attempt"] is None:
        return
    collect(world, invoice)


def _told(world: World, invoice: Json, fate: Fate) -> None:
    for listener in _listeners:
        listener(world, invoice, fate)


def pay_elsewhere(world: World, invoice: Json) -> Json:
    """Mark an invoice as paid outside Stripe."""
    _drop_payment(world, invoice)
    _paid(world, invoice, amount_paid_off_stripe=invoice["amount_due"])
    return invoice


def void(world: World, invoice: Json) -> Json:
    """Declare an open or uncollectible invoice void: it is owed no more."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise refuse(f"You can only void an open or uncollectible invoice; this one is {invoice['status']}.")
    _drop_payment(world, invoice)
    transitions = {**invoice["status_transitions"], "voided_at": world.clock.now()}
    changed(
        world, invoice, "invoice.updated",
        status="void", auto_advance=False, next_payment_attempt=None, status_transitions=transitions,
    )  # fmt: skip
    world.emit("invoice.voided", invoice)
    return invoice


def give_up(world: World, invoice: Json, *, reason: str = "user_forgiven") -> Json:
    """Mark an open invoice as uncollectible; it can still be paid or voided."""
    if invoice["status"] != "open":
        raise refuse(f"You can only mark an open invoice as uncollectible; this one is {invoice['status']}.")
    transitions = {**invoice["status_transitions"], "marked_uncollectible_at": world.clock.now()}
    changed(
        world, invoice, "invoice.updated",
        status="uncollectible", auto_advance=False, next_payment_attempt=None,
        status_transitions=transitions, status_details={"uncollectible": {"reason": reason}},
    )  # fmt: skip
    world.emit("invoice.marked_uncollectible", invoice)
    return invoice


def _drop_payment(world: World, invoice: Json) -> None:
    payment, intent = payment_of(world, invoice), intent_of(world, invoice)
    if payment is None or intent is None or intent["status"] in ("succeeded", "canceled"):
        return
    cancel(world, intent, "void_invoice")
    transitions = {**payment["status_transitions"], "canceled_at": world.clock.now()}
    changed(world, payment, None, status="canceled", status_transitions=transitions)
