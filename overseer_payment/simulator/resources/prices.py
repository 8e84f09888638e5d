"""Prices: how much a product costs, once or per interval."""

from __future__ import annotations

from typing import Any

from overseer_payment.simulator.api import Call, changed, endpoint, paged, register_expander
from overseer_payment.simulator.errors import parameter_missing
from overseer_payment.simulator.resources.amounts import known_currency
from overseer_payment.simulator.resources.products import new_product
from overseer_payment.simulator.resources.shapes import Json, given, metadata, refuse, text_of
from overseer_payment.simulator.resources.tiers import keep_tiers
from overseer_payment.simulator.world import World

_YEARS = {"day": 1095, "week": 156, "month": 36, "year": 3}


def new_price(
    world: World,
    product: str,
    unit_amount: int | None,
    currency: str,
    *,
    interval: str | None = None,
    interval_count: int = 1,
    usage_type: str = "licensed",
    meter: str | None = None,
    **fields: Any,
) -> Json:
    """Store and announce a price in minor units of `currency`; recurring when `interval` is given."""
    price: Json = {
        "id": world.new_id("price_"),
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": world.clock.now(),
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": product,
        "recurring": _recurring(interval, interval_count, usage_type, meter) if interval else None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if interval else "one_time",
        "unit_amount": unit_amount,
        "unit_amount_decimal": None if unit_amount is None else str(unit_amount),
    }
    price.update(fields)
    world.put(price)
    world.emit("price.created", price)
    return price


def _recurring(interval: str, interval_count: int, usage_type: str, meter: str | None) -> Json:
    if not 1 <= interval_count <= _YEARS[interval]:
        raise refuse(
            f"The maximum `interval_count` for interval '{interval}' is {_YEARS[interval]}.",
            param="recurring[interval_count]",
        )
    return {
        "interval": interval,
        "interval_count": interval_count,
        "meter": meter,
        "trial_period_days": None,
        "usage_type": usage_type,
    }


def price_from_data(world: World, data: Json, *, product: str | None = None, param: str) -> Json:
    """Make a price from `price_data`: ad hoc prices of checkouts and invoices, default prices, the endpoint.

    An ad hoc price is an inactive price object of its own, as at Stripe.
    """
    currency = known_currency(data["currency"], param=f"{param}[currency]")
    amount, decimal = _unit_amount(data, param)
    product = product or _product_of(world, data, param)
    recurring = data.get("recurring") or {}
    fields = given(data, "active", "lookup_key", "nickname", "tax_behavior")
    fields["metadata"] = metadata(data.get("metadata"))
    fields["unit_amount_decimal"] = decimal
    if decimal is None:
        fields |= _depends(data)
    if options := data.get("currency_options"):
        fields["id"] = world.new_id("price_")
        shown = {code: _option(code, option) for code, option in options.items()}
        world.put({"object": "sim.price_options", "id": fields["id"], "options": shown})
    if data.get("billing_scheme") == "tiered":
        fields["id"] = fields.get("id") or world.new_id("price_")
        keep_tiers(world, fields["id"], data, param)
    return new_price(
        world, product, amount, currency,
        interval=recurring.get("interval"), interval_count=recurring.get("interval_count", 1),
        usage_type=recurring.get("usage_type", "licensed"), meter=recurring.get("meter"), **fields,
    )  # fmt: skip


def _depends(data: Json) -> Json:
    """What a price has in place of a sum: tiers, or a choice of the buyer's."""
    if data.get("billing_scheme") == "tiered":
        return {"billing_scheme": "tiered", "tiers_mode": data.get("tiers_mode")}
    custom = data.get("custom_unit_amount") or {}
    return {"custom_unit_amount": {name: custom.get(name) for name in ("maximum", "minimum", "preset")}}


def _option(code: str, option: Json) -> Json:
    amount = int(option["unit_amount"])
    known_currency(code, param="currency_options")
    return {
        "custom_unit_amount": None,
        "tax_behavior": "unspecified",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }


def options_of(world: World, price: Json) -> Json:
    """Return a price in each of its currencies, by code."""
    found = world.peek("sim.price_options", price["id"])
    main = {
        "custom_unit_amount": price["custom_unit_amount"],
        "tax_behavior": price["tax_behavior"],
        "unit_amount": price["unit_amount"],
        "unit_amount_decimal": price["unit_amount_decimal"],
    }
    return {price["currency"]: main, **(found["options"] if found else {})}


register_expander("price", "currency_options", options_of)


def _unit_amount(data: Json, param: str) -> tuple[int | None, str | None]:
    if data.get("billing_scheme") == "tiered" or "custom_unit_amount" in data:
        return None, None
    if "unit_amount" in data:
        amount = int(data["unit_amount"])
        if amount < 0:
            raise refuse(
                "Invalid non-negative integer",
                code="parameter_invalid_integer",
                param=f"{param}[unit_amount]",
            )
        return amount, str(amount)
    if "unit_amount_decimal" in data:
        written = text_of(data["unit_amount_decimal"])
        return None if "." in written else int(written), written
    raise parameter_missing(f"{param}[unit_amount]" if param else "unit_amount")


def _product_of(world: World, data: Json, param: str) -> str:
    if "product" in data:
        return str(
            world.get("product", data["product"], param=f"{param}[product]" if param else "product")["id"]
        )
    if described := data.get("product_data"):
        fields = given(
            described, "active", "description", "images", "statement_descriptor", "tax_code", "unit_label"
        )
        fields["metadata"] = metadata(described.get("metadata"))
        return str(new_product(world, described["name"], **fields)["id"])
    raise parameter_missing(f"{param}[product]" if param else "product")


@endpoint("POST", "/v1/prices")
def create_price(call: Call) -> Json:
    """Create a price of an existing product, or of one that `product_data` describes."""
    key = call.params.get("lookup_key")
    holder = call.world.first("price", lookup_key=key) if key else None
    if holder and not call.params.get("transfer_lookup_key"):
        raise refuse(
            f"A price (`{holder['id']}`) already uses that lookup key.",
            code="resource_already_exists", param="lookup_key",
        )  # fmt: skip
    if holder:
        changed(call.world, holder, "price.updated", lookup_key=None)
    return price_from_data(call.world, call.params, param="")


@endpoint("GET", "/v1/prices")
def list_prices(call: Call) -> Json:
    """List prices; filters `active`, `currency`, `product`, `type`, `lookup_keys`, `recurring[interval]`."""
    params = call.params
    equal = {name: params[name] for name in ("active", "currency", "product", "type") if name in params}
    found = call.world.find("price", **equal)
    if "lookup_keys" in params:
        found = [price for price in found if price["lookup_key"] in params["lookup_keys"]]
    if wanted := params.get("recurring"):
        found = [p for p in found if p["recurring"] and wanted.items() <= p["recurring"].items()]
    return paged(call, found)


@endpoint("GET", "/v1/prices/{price}")
def retrieve_price(call: Call) -> Json:
    """Return one price."""
    return call.world.get("price", call.ids["price"], param="price")


@endpoint("POST", "/v1/prices/{price}")
def update_price(call: Call) -> Json:
    """Change a price's labels or archive it; its amount never changes."""
    price, params = call.world.get("price", call.ids["price"], param="price"), call.params
    values = given(params, "active", "lookup_key", "nickname", "tax_behavior")
    if "metadata" in params:
        values["metadata"] = metadata(params["metadata"], price["metadata"])
    return changed(call.world, price, "price.updated", **values)


def plan_of(price: Json) -> Json:
    """Return the legacy `plan` that subscription items still carry beside their price."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": dict(price["metadata"]),
        "meter": recurring["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": price["tiers_mode"],
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": recurring["usage_type"],
    }
