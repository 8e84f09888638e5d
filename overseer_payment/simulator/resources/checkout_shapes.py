"""The shapes of checkout sessions, and the rules by which a request for one is refused."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from overseer_payment.simulator.errors import SimError, parameter_missing
from overseer_payment.simulator.resources.amounts import chargeable
from overseer_payment.simulator.resources.prices import options_of, price_from_data
from overseer_payment.simulator.resources.shapes import DAY, Json, refuse
from overseer_payment.simulator.resources.subscription_shapes import inactive_message
from overseer_payment.simulator.resources.tiers import line_total
from overseer_payment.simulator.world import World

_SHORTEST, _LONGEST, _TRIAL_AHEAD = 30 * 60, DAY, 2 * DAY
_MAX_ITEMS = 100


def line_items(world: World, params: Json) -> list[Json]:
    """Build the session's line items from prices, stored or ad hoc; refuse what can't be sold."""
    wanted = params.get("line_items") or []
    if params["mode"] == "setup":
        return []
    if not wanted:
        raise parameter_missing("line_items")
    if len(wanted) > _MAX_ITEMS:
        raise refuse("You can only pass up to 100 line items.", param="line_items")
    found = [
        _line_item(world, wish, f"line_items[{position}]", params.get("currency"))
        for position, wish in enumerate(wanted)
    ]
    _check_mode(params["mode"], [item["price"] for item in found])
    return found


def _line_item(world: World, wish: Json, param: str, currency: str | None) -> Json:
    price = _in_currency(world, _price(world, wish, param), currency, param)
    if "quantity" not in wish:
        raise parameter_missing(f"{param}[quantity]")
    quantity = wish["quantity"]
    if quantity < 1:
        raise refuse(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param=f"{param}[quantity]",
        )
    total = line_total(world, price, quantity)
    return {
        "id": world.new_id("li_"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": price["currency"],
        "description": world.get("product", price["product"])["name"],
        "metadata": {},
        "price": dict(price),
        "quantity": quantity,
    }


def _price(world: World, wish: Json, param: str) -> Json:
    if "price" in wish:
        price = world.get("price", wish["price"], param=f"{param}[price]")
        if not price["active"]:
            raise refuse(inactive_message(price), param=f"{param}[price]")
        if price["unit_amount_decimal"] is None:
            raise refuse(
                "Prices without a fixed amount can be listed here, not sold.", param=f"{param}[price]"
            )
        return price
    if "price_data" in wish:
        price = price_from_data(world, wish["price_data"], param=f"{param}[price_data]")
        return world.put({**price, "active": False})  # ad hoc prices can't be used again
    raise parameter_missing(f"{param}[price]")


def _in_currency(world: World, price: Json, currency: str | None, param: str) -> Json:
    """Return the price as it is in the currency that was chosen."""
    if currency is None or currency == price["currency"]:
        return price
    option = options_of(world, price).get(currency)
    if option is None:
        message = f"The price specified does not support currency `{currency}`."
        raise refuse(message, param=f"{param}[price]")
    amounts = {name: option[name] for name in ("unit_amount", "unit_amount_decimal")}
    return {**price, "currency": currency, **amounts}


def _check_mode(mode: str, prices: list[Json]) -> None:
    recurring = [price for price in prices if price["type"] == "recurring"]
    if mode == "payment" and recurring:
        raise refuse(
            "You specified `payment` mode but passed a recurring price. Either switch to `subscription` "
            "mode or use only one-time prices.",
            param="line_items[0][price]",
        )
    if mode == "subscription" and not recurring:
        message = "You must provide at least one recurring price in `subscription` mode when using prices."
        raise refuse(message, param="line_items")
    if len({price["currency"] for price in prices}) > 1:
        message = (
            "You cannot combine currencies on a single Checkout Session. All prices must use one currency."
        )
        raise refuse(message, param="line_items")


def checked(world: World, params: Json) -> None:
    """Refuse what contradicts itself in a request for a session."""
    if "mode" not in params:
        raise parameter_missing("mode")
    if params.get("ui_mode", "hosted_page") == "hosted_page" and "success_url" not in params:
        raise parameter_missing("success_url")
    for name in ("success_url", "cancel_url", "return_url"):
        if name in params and urlsplit(params[name]).scheme not in ("http", "https"):
            raise refuse("Not a valid URL", code="url_invalid", param=name)
    if "customer" in params and "customer_email" in params:
        message = "You may only specify one of these parameters: customer, customer_email."
        raise refuse(message, param="customer")
    _belongs(params, "payment_intent_data", "payment")
    _belongs(params, "subscription_data", "subscription")
    _belongs(params, "invoice_creation", "payment")
    if params["mode"] == "subscription" and "customer_creation" in params:
        message = "`customer_creation` can only be used in `payment` and `setup` mode."
        raise refuse(message, param="customer_creation")
    if params.get("discounts") and params.get("allow_promotion_codes"):
        raise refuse("You may only specify one of these parameters: allow_promotion_codes, discounts.")
    known = params.get("customer_update") or {}
    asks = (params.get("tax_id_collection") or {}).get("enabled")
    if "customer" in params and asks and known.get("name") != "auto":
        raise refuse(
            "Tax ID collection requires updating business name on the customer. To enable tax ID collection "
            "for an existing customer, please set `customer_update[name]` to `auto`.",
            param="customer_update[name]",
        )
    if known and "customer" not in params:
        raise refuse("`customer_update` can only be used with `customer`.", param="customer_update")
    _check_times(world, params)


def _belongs(params: Json, name: str, mode: str) -> None:
    if name in params and params["mode"] != mode:
        raise refuse(f"You can not pass `{name}` in `{params['mode']}` mode.", param=name)


def _check_times(world: World, params: Json) -> None:
    now = world.clock.now()
    lasts = params.get("expires_at", now + _LONGEST) - now
    if lasts > _LONGEST:
        message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise refuse(message, param="expires_at")
    if lasts < _SHORTEST:
        message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise refuse(message, param="expires_at")
    data = params.get("subscription_data") or {}
    if "trial_end" in data and data["trial_end"] < now + _TRIAL_AHEAD:
        message = "The `trial_end` date has to be at least 2 days in the future."
        raise refuse(message, param="subscription_data[trial_end]")
    if data.get("trial_period_days", 1) < 1:
        message = "The minimum number of trial period days is 1."
        raise refuse(message, param="subscription_data[trial_period_days]")


def total_of(items: list[Json], *, trial: bool) -> int:
    """Return what is due today: with a trial, recurring prices are not."""
    return sum(i["amount_total"] for i in items if not (trial and i["price"]["type"] == "recurring"))


def check_total(mode: str, total: int, currency: str) -> None:
    """Refuse a total that nobody could be charged."""
    if mode == "payment" or total:
        try:
            chargeable(total, currency, param="line_items")
        except SimError as error:
            if error.code == "amount_too_small":
                least = error.message.removeprefix("Amount must be at least ")
                message = f"The Checkout Session's total amount due must add up to at least {least}"
                raise refuse(message, code=error.code) from error
            raise


def new_session(world: World, id: str, mode: str, **fields: Any) -> Json:
    """Build a session. It is neither stored nor announced: Stripe has no event for an opened session."""
    now = world.clock.now()
    session: Json = {
        "id": id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": None,
        "amount_total": None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": None,
        "client_reference_id": None,
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": now,
        "currency": None,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": None,
        "customer_account": None,
        "customer_creation": None,
        "customer_details": None,
        "customer_email": None,
        "discounts": [],
        "expires_at": now + _LONGEST,
        "integration_identifier": None,
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": None,
        "managed_payments": {"enabled": False},
        "metadata": {},
        "mode": mode,
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "always" if mode == "subscription" else "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": None,
        "subscription": None,
        "success_url": None,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{world.public_url}/c/pay/{id}",
        "wallet_options": None,
    }
    session.update(fields)
    return session
