"""Invoices through the API, those that subscriptions make and those sent by hand."""

from __future__ import annotations

from overseer_payment.simulator.api import Call, changed, endpoint, paged, register_expander
from overseer_payment.simulator.errors import parameter_missing
from overseer_payment.simulator.resources import invoice_flow, invoice_items
from overseer_payment.simulator.resources.amounts import known_currency
from overseer_payment.simulator.resources.customers import living_customer
from overseer_payment.simulator.resources.invoice_flow import intent_of
from overseer_payment.simulator.resources.invoice_shapes import subscription_of
from overseer_payment.simulator.resources.payment_intents import card_error
from overseer_payment.simulator.resources.payment_methods import named_method
from overseer_payment.simulator.resources.shapes import DAY, Json, given, listed, metadata, refuse
from overseer_payment.simulator.world import World

_EDITABLE = ("auto_advance", "collection_method", "custom_fields", "description", "due_date", "footer")


def _payments(world: World, invoice: Json) -> Json:
    found = world.find("invoice_payment", invoice=invoice["id"])
    return listed(f"/v1/invoice_payments?invoice={invoice['id']}", found)


def _confirmation_secret(world: World, invoice: Json) -> Json | None:
    intent = intent_of(world, invoice)
    return {"client_secret": intent["client_secret"], "type": "payment_intent"} if intent else None


register_expander("invoice", "payments", _payments)
register_expander("invoice", "confirmation_secret", _confirmation_secret)


@endpoint("POST", "/v1/invoices")
def create_invoice(call: Call) -> Json:
    """Create a draft for a customer; what waits for an invoice is put on it only on request."""
    world, params = call.world, call.params
    if "customer" not in params:
        raise parameter_missing("customer")
    customer = living_customer(world, params["customer"])
    currency = known_currency(params.get("currency") or customer["currency"] or "usd")
    fields = given(params, *_EDITABLE)
    fields |= {
        "auto_advance": params.get("auto_advance", False),
        "metadata": metadata(params.get("metadata")),
    }
    if params.get("collection_method") == "send_invoice":
        due = params.get("due_date") or world.clock.now() + params.get("days_until_due", 30) * DAY
        fields["due_date"] = due
    if "default_payment_method" in params:
        method = named_method(world, params["default_payment_method"], param="default_payment_method")
        fields["default_payment_method"] = method["id"]
    include = params.get("pending_invoice_items_behavior") == "include"
    pending = invoice_items.waiting(world, customer["id"], currency) if include else []
    lines = [invoice_items.line_of(world, item) for item in pending]
    invoice = invoice_flow.draft(world, customer, currency, lines, **fields)
    invoice_items.billed(world, pending, invoice["id"])
    return invoice


@endpoint("GET", "/v1/invoices")
def list_invoices(call: Call) -> Json:
    """List invoices; filters `customer`, `status`, `subscription`, `collection_method`."""
    params = call.params
    names = ("customer", "status", "collection_method")
    found = call.world.find("invoice", **{n: params[n] for n in names if n in params})
    if "subscription" in params:
        found = [invoice for invoice in found if subscription_of(invoice) == params["subscription"]]
    return paged(call, found)


@endpoint("GET", "/v1/invoices/{invoice}")
def retrieve_invoice(call: Call) -> Json:
    """Return one invoice."""
    return _named(call)


def _named(call: Call) -> Json:
    return call.world.get("invoice", call.ids["invoice"])


@endpoint("GET", "/v1/invoices/{invoice}/lines")
def list_lines(call: Call) -> Json:
    """List an invoice's lines."""
    return paged(call, _named(call)["lines"]["data"])


@endpoint("POST", "/v1/invoices/{invoice}")
def update_invoice(call: Call) -> Json:
    """Change a draft; of a finalized invoice only its labels."""
    invoice, params = _named(call), call.params
    values = given(params, *_EDITABLE)
    if invoice["status"] != "draft" and set(values) - {"auto_advance", "description"}:
        raise refuse("This invoice is no longer editable.", code="invoice_not_editable")
    if "metadata" in params:
        values["metadata"] = metadata(params["metadata"], invoice["metadata"])
    return changed(call.world, invoice, "invoice.updated", **values)


@endpoint("POST", "/v1/invoices/{invoice}/finalize")
def finalize_invoice(call: Call) -> Json:
    """Finalize a draft now."""
    invoice = _named(call)
    if invoice["status"] != "draft":
        message = "This invoice is already finalized, you can't re-finalize a non-draft invoice."
        raise refuse(message, code="invoice_not_editable")
    if "auto_advance" in call.params:
        invoice["auto_advance"] = call.params["auto_advance"]
    return invoice_flow.finalize(call.world, invoice)


@endpoint("POST", "/v1/invoices/{invoice}/send")
def send_invoice(call: Call) -> Json:
    """Send an invoice to its customer; a draft is finalized first."""
    invoice = _named(call)
    if invoice["status"] == "draft":
        invoice_flow.finalize(call.world, invoice)
    if invoice["collection_method"] != "send_invoice":
        raise refuse("You can only manually send an invoice if its collection method is 'send_invoice'.")
    call.world.emit("invoice.sent", invoice)
    return invoice


@endpoint("POST", "/v1/invoices/{invoice}/pay")
def pay_invoice(call: Call) -> Json:
    """Attempt an invoice now. Raises the card error of a declined attempt."""
    world, params, invoice = call.world, call.params, _named(call)
    if invoice["status"] == "paid":
        raise refuse("Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] == "draft":
        invoice_flow.finalize(world, invoice)
    if invoice["status"] == "void":
        raise refuse("This invoice is void; it can't be paid.", code="invoice_not_editable")
    if params.get("paid_out_of_band"):
        return invoice_flow.pay_elsewhere(world, invoice)
    if invoice["status"] == "paid":  # nothing was due, so finalizing settled it
        return invoice
    chosen = params.get("payment_method")
    method = named_method(world, chosen, param="payment_method")["id"] if chosen else None
    if method is None and invoice_flow.paying_method(world, invoice) is None:
        message = "There is no default payment method set on this Customer or Invoice."
        raise refuse(message, code="missing")
    result = invoice_flow.collect(world, invoice, method, off_session=params.get("off_session", True))
    intent = intent_of(world, invoice)
    if result == "declined" and intent is not None:
        raise card_error(intent)
    if result == "requires_action" and intent is not None:
        message = "This payment requires additional user action before it can be completed successfully."
        raise refuse(message, code="invoice_payment_intent_requires_action", status=402)
    return invoice


@endpoint("POST", "/v1/invoices/{invoice}/void")
def void_invoice(call: Call) -> Json:
    """Void a finalized invoice."""
    return invoice_flow.void(call.world, _named(call))


@endpoint("POST", "/v1/invoices/{invoice}/mark_uncollectible")
def mark_uncollectible(call: Call) -> Json:
    """Give an open invoice up."""
    return invoice_flow.give_up(call.world, _named(call))


@endpoint("DELETE", "/v1/invoices/{invoice}")
def delete_invoice(call: Call) -> Json:
    """Delete a draft."""
    invoice = _named(call)
    if invoice["status"] != "draft":
        raise refuse("You can only delete draft invoices.", code="invoice_not_editable")
    stub = call.world.remove(invoice)
    call.world.emit("invoice.deleted", invoice)
    return stub


@endpoint("GET", "/v1/invoice_payments")
def list_invoice_payments(call: Call) -> Json:
    """List what ties invoices to payments; filters `invoice`, `status`, `payment`."""
    params = call.params
    found = call.world.find("invoice_payment", **{n: params[n] for n in ("invoice", "status") if n in params})
    if wanted := params.get("payment"):
        found = [payment for payment in found if wanted.items() <= payment["payment"].items()]
    return paged(call, found)


@endpoint("GET", "/v1/invoice_payments/{invoice_payment}")
def retrieve_invoice_payment(call: Call) -> Json:
    """Return one of them."""
    return call.world.get("invoice_payment", call.ids["invoice_payment"])
