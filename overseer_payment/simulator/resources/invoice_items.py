"""Invoice items: amounts that wait for a customer's next invoice, prorations among them."""

from __future__ import annotations

from typing import Any

from overseer_payment.simulator.api import Call, endpoint, paged
from overseer_payment.simulator.errors import parameter_missing
from overseer_payment.simulator.resources.amounts import known_currency
from overseer_payment.simulator.resources.customers import living_customer
from overseer_payment.simulator.resources.invoice_shapes import new_line, pricing, with_lines
from overseer_payment.simulator.resources.prices import price_from_data
from overseer_payment.simulator.resources.shapes import Json, metadata, refuse
from overseer_payment.simulator.resources.tiers import line_total
from overseer_payment.simulator.world import World


def new_item(world: World, customer: str, amount: int, currency: str, **fields: Any) -> Json:
    """Build an invoice item of `amount` minor units, negative for a credit. Nothing is stored."""
    now = world.clock.now()
    item: Json = {
        "id": world.new_id("ii_"),
        "object": "invoiceitem",
        "amount": amount,
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "date": now,
        "description": None,
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "net_amount": amount,
        "parent": None,
        "period": {"end": now, "start": now},
        "pricing": None,
        "proration": False,
        "quantity": 1,
        "quantity_decimal": "1",
        "tax_rates": [],
        "test_clock": None,
    }
    item.update(fields)
    return item


def announce(world: World, item: Json) -> Json:
    """Store and announce an invoice item."""
    world.put(item)
    world.emit("invoiceitem.created", item)
    return item


def waiting(world: World, customer: str, currency: str, *, subscription: str | None = None) -> list[Json]:
    """Return what waits for an invoice in `currency`, oldest first; `subscription` leaves others' out."""
    found = world.find("invoiceitem", customer=customer, currency=currency, invoice=None)
    return [item for item in reversed(found) if _subscription(item) in (None, subscription)]


def _subscription(item: Json) -> str | None:
    details = (item["parent"] or {}).get("subscription_details")
    return details["subscription"] if details else None


def line_of(world: World, item: Json) -> Json:
    """Build the invoice line that an invoice item becomes."""
    details = {
        "invoice_item": item["id"],
        "proration": item["proration"],
        "proration_details": {"credited_items": None},
        "subscription": _subscription(item),
    }
    line = new_line(
        world, item["amount"], item["currency"], item["description"],
        period=(item["period"]["start"], item["period"]["end"]), quantity=item["quantity"],
        subscription=_subscription(item), metadata=item["metadata"],
        parent={
            "type": "invoice_item_details",
            "invoice_item_details": details,
            "subscription_item_details": None,
        },
    )  # fmt: skip
    line["pricing"] = item["pricing"]
    return line


def billed(world: World, items: list[Json], invoice_id: str) -> None:
    """Note on which invoice the items stand."""
    for item in items:
        item["invoice"] = invoice_id
        world.put(item)


@endpoint("POST", "/v1/invoiceitems")
def create_item(call: Call) -> Json:
    """Add an amount, or a price and quantity, to a customer's next invoice or to a draft."""
    world, params = call.world, call.params
    if "customer" not in params:
        raise parameter_missing("customer")
    customer = living_customer(world, params["customer"])
    quantity = params.get("quantity", 1)
    fields: Json = {
        "description": params.get("description"),
        "metadata": metadata(params.get("metadata")),
        "quantity": quantity,
        "quantity_decimal": str(quantity),
    }
    price = _price(world, params)
    if price is not None:
        fields["pricing"] = pricing(price)
        fields["description"] = fields["description"] or world.get("product", price["product"])["name"]
        amount, currency = line_total(world, price, quantity), price["currency"]
    elif "amount" in params:
        amount, currency = params["amount"], known_currency(params.get("currency", "usd"))
    else:
        raise parameter_missing("amount")
    item = announce(world, new_item(world, customer["id"], amount, currency, **fields))
    if "invoice" in params:
        _onto_draft(world, params["invoice"], item)
    return item


def _price(world: World, params: Json) -> Json | None:
    if named := (params.get("pricing") or {}).get("price"):
        return world.get("price", named, param="pricing[price]")
    if data := params.get("price_data"):
        return price_from_data(world, data, param="price_data")
    return None


def _onto_draft(world: World, invoice_id: str, item: Json) -> None:
    invoice = world.get("invoice", invoice_id, param="invoice")
    if invoice["status"] != "draft":
        raise refuse("This invoice is no longer editable.", code="invoice_not_editable", param="invoice")
    billed(world, [item], invoice_id)
    with_lines(world, invoice, [*invoice["lines"]["data"], line_of(world, item)])
    world.emit("invoice.updated", world.put(invoice))


@endpoint("GET", "/v1/invoiceitems")
def list_items(call: Call) -> Json:
    """List invoice items; filters `customer`, `invoice`, `pending`."""
    params = call.params
    found = call.world.find("invoiceitem", **{n: params[n] for n in ("customer", "invoice") if n in params})
    if "pending" in params:
        found = [item for item in found if (item["invoice"] is None) == params["pending"]]
    return paged(call, found)


@endpoint("GET", "/v1/invoiceitems/{invoiceitem}")
def retrieve_item(call: Call) -> Json:
    """Return one invoice item."""
    return call.world.get("invoiceitem", call.ids["invoiceitem"])


@endpoint("DELETE", "/v1/invoiceitems/{invoiceitem}")
def delete_item(call: Call) -> Json:
    """Take back an invoice item that stands on no finalized invoice."""
    item = call.world.get("invoiceitem", call.ids["invoiceitem"])
    if item["invoice"] is not None:
        raise refuse("Invoice items that stand on an invoice can't be deleted.", code="invoice_not_editable")
    stub = call.world.remove(item)
    call.world.emit("invoiceitem.deleted", item)
    return stub
