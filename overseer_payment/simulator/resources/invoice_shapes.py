"""The shapes of invoices, their lines and their payments."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from overseer_payment.simulator.resources.amounts import money
from overseer_payment.simulator.resources.periods import written_date
from overseer_payment.simulator.resources.shapes import Json, listed
from overseer_payment.simulator.resources.tiers import line_total
from overseer_payment.simulator.world import World


def new_invoice(world: World, customer: Json, currency: str, **fields: Any) -> Json:
    """Build a draft invoice without lines. It is neither stored nor announced."""
    now = world.clock.now()
    id = fields.pop("id", None) or world.new_id("in_")
    invoice: Json = {
        "id": id,
        "object": "invoice",
        "account_country": "US",
        "account_name": world.settings.get("merchant", "Simulated business"),
        "account_tax_ids": None,
        "amount_due": 0,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": _no_tax(),
        "automatically_finalizes_at": None,
        "billing_reason": "manual",
        "collection_method": "charge_automatically",
        "created": now,
        "currency": currency,
        "custom_fields": None,
        "customer": customer["id"],
        "customer_account": None,
        **_customer_fields(customer),
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "due_date": None,
        "effective_at": None,
        "ending_balance": None,
        "footer": None,
        "from_invoice": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": listed(f"/v1/invoices/{id}/lines"),
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None,
        "number": None,
        "on_behalf_of": None,
        "parent": None,
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": now,
        "period_start": now,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "subtotal": 0,
        "subtotal_excluding_tax": 0,
        "test_clock": None,
        "total": 0,
        "total_discount_amounts": [],
        "total_excluding_tax": 0,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": None,
    }
    invoice.update(fields)
    return invoice


def _no_tax() -> Json:
    return {"disabled_reason": None, "enabled": False, "liability": None, "provider": None, "status": None}


def _customer_fields(customer: Json) -> Json:
    return {
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": customer["shipping"],
        "customer_tax_exempt": customer["tax_exempt"],
        "customer_tax_ids": [],
    }


def with_lines(world: World, invoice: Json, lines: Iterable[Json]) -> Json:
    """Put lines on a draft and add them up; what the customer's balance covers is not due."""
    kept = list(lines)
    for line in kept:
        line["invoice"] = invoice["id"]
    invoice["lines"] = listed(f"/v1/invoices/{invoice['id']}/lines", kept)
    total = sum(line["amount"] for line in kept)
    for name in ("subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax"):
        invoice[name] = total
    invoice["starting_balance"] = world.get("customer", invoice["customer"]).get("balance", 0)
    invoice["amount_due"] = max(0, total + invoice["starting_balance"])
    invoice["amount_remaining"] = invoice["amount_due"]
    return invoice


def new_line(
    world: World,
    amount: int,
    currency: str,
    description: str | None,
    *,
    period: tuple[int, int],
    price: Json | None = None,
    quantity: int = 1,
    parent: Json | None = None,
    subscription: str | None = None,
    metadata: Json | None = None,
) -> Json:
    """Build one invoice line of `amount` minor units."""
    return {
        "id": world.new_id("il_"),
        "object": "line_item",
        "amount": amount,
        "currency": currency,
        "description": description,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": dict(metadata or {}),
        "parent": parent,
        "period": {"end": period[1], "start": period[0]},
        "pretax_credit_amounts": [],
        "pricing": pricing(price) if price else None,
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "subscription": subscription,
        "subtotal": amount,
        "taxes": [],
    }


def pricing(price: Json) -> Json:
    """Return how a line or an invoice item names its price."""
    return {
        "type": "price_details",
        "price_details": {"price": price["id"], "product": price["product"]},
        "unit_amount_decimal": price["unit_amount_decimal"],
    }


def item_line(world: World, subscription: Json, item: Json, *, trial: bool = False) -> Json:
    """Build the line for one subscription item's current period; a trial costs nothing."""
    price, quantity = item["price"], item["quantity"] or 0
    name = world.get("product", price["product"])["name"]
    recurring, count = price["recurring"], price["recurring"]["interval_count"]
    every = recurring["interval"] if count == 1 else f"{count} {recurring['interval']}s"
    unit = price["unit_amount_decimal"]
    each = "tiered" if unit is None else money(Decimal(unit), price["currency"])
    described = f"{quantity} × {name} (at {each} / {every})"
    return new_line(
        world,
        0 if trial else line_total(world, price, quantity),
        price["currency"],
        f"Trial period for {name}" if trial else described,
        period=(item["current_period_start"], item["current_period_end"]),
        price=price, quantity=quantity, subscription=subscription["id"],
        parent=_item_parent(subscription["id"], item["id"]), metadata=item["metadata"],
    )  # fmt: skip


def _item_parent(subscription: str, item: str) -> Json:
    details = {
        "invoice_item": None,
        "proration": False,
        "proration_details": {"credited_items": None},
        "subscription": subscription,
        "subscription_item": item,
    }
    return {
        "type": "subscription_item_details",
        "invoice_item_details": None,
        "subscription_item_details": details,
    }


def subscription_parent(subscription: Json) -> Json:
    """Return the `parent` of an invoice that a subscription made."""
    details = {"metadata": dict(subscription["metadata"]), "subscription": subscription["id"]}
    return {"type": "subscription_details", "quote_details": None, "subscription_details": details}


def subscription_of(invoice: Json) -> str | None:
    """Return the id of the subscription an invoice belongs to, if any."""
    details = (invoice["parent"] or {}).get("subscription_details")
    return details["subscription"] if details else None


def new_invoice_payment(world: World, invoice: Json, intent: Json) -> Json:
    """Build the open payment that ties a finalized invoice to its payment intent."""
    return {
        "id": world.new_id("inpay_"),
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": intent["amount"],
        "created": world.clock.now(),
        "currency": intent["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": False,
        "payment": {"type": "payment_intent", "payment_intent": intent["id"]},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }


def proration_text(world: World, price: Json, quantity: int, at: int, *, unused: bool) -> str:
    """Word a proration as invoices do: `Unused time on 2 × Team after 23 Nov 2026`."""
    name = world.get("product", price["product"])["name"]
    amount = f"{quantity} × {name}" if quantity != 1 else name
    return f"{'Unused' if unused else 'Remaining'} time on {amount} after {written_date(at)}"
