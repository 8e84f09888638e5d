"""Coupons and promotion codes: what they take off a checkout. Discounts last for one payment here."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from overseer_payment.simulator.api import Call, changed, endpoint, paged
from overseer_payment.simulator.errors import SimError
from overseer_payment.simulator.resources.amounts import known_currency
from overseer_payment.simulator.resources.shapes import Json, metadata, refuse
from overseer_payment.simulator.world import World


@endpoint("POST", "/v1/coupons")
def create_coupon(call: Call) -> Json:
    """Create a coupon that takes off a part or a sum."""
    params = call.params
    if ("amount_off" in params) == ("percent_off" in params):
        raise refuse("You must pass exactly one of `amount_off` and `percent_off`.", param="percent_off")
    if "amount_off" in params and "currency" not in params:
        raise refuse("You must pass currency when passing amount_off", param="currency")
    currency = known_currency(params["currency"], param="currency") if "amount_off" in params else None
    coupon: Json = {
        "id": params.get("id") or call.world.new_id(""),
        "object": "coupon",
        "amount_off": params.get("amount_off"),
        "created": call.world.clock.now(),
        "currency": currency,
        "duration": params.get("duration", "once"),
        "duration_in_months": params.get("duration_in_months"),
        "livemode": False,
        "max_redemptions": params.get("max_redemptions"),
        "metadata": metadata(params.get("metadata")),
        "name": params.get("name"),
        "percent_off": params.get("percent_off"),
        "redeem_by": params.get("redeem_by"),
        "times_redeemed": 0,
        "valid": True,
    }
    call.world.put(coupon)
    call.world.emit("coupon.created", coupon)
    return coupon


@endpoint("GET", "/v1/coupons/{coupon}")
def retrieve_coupon(call: Call) -> Json:
    """Return one coupon."""
    return call.world.get("coupon", call.ids["coupon"])


@endpoint("POST", "/v1/promotion_codes")
def create_promotion_code(call: Call) -> Json:
    """Create a code that buyers type to get a coupon."""
    params = call.params
    coupon = call.world.get("coupon", params["promotion"].get("coupon"), param="promotion[coupon]")
    id = call.world.new_id("promo_")
    code: Json = {
        "id": id,
        "object": "promotion_code",
        "active": params.get("active", True),
        "code": params.get("code") or id[-8:].upper(),
        "created": call.world.clock.now(),
        "customer": params.get("customer"),
        "customer_account": None,
        "expires_at": params.get("expires_at"),
        "livemode": False,
        "max_redemptions": params.get("max_redemptions"),
        "metadata": metadata(params.get("metadata")),
        "promotion": {"type": "coupon", "coupon": coupon["id"]},
        "restrictions": {
            "first_time_transaction": False,
            "minimum_amount": None,
            "minimum_amount_currency": None,
        },
        "times_redeemed": 0,
    }
    call.world.put(code)
    call.world.emit("promotion_code.created", code)
    return code


@endpoint("GET", "/v1/promotion_codes")
def list_promotion_codes(call: Call) -> Json:
    """List promotion codes; filters `active` and `code`."""
    equal = {name: call.params[name] for name in ("active", "code") if name in call.params}
    return paged(call, call.world.find("promotion_code", **equal))


@endpoint("POST", "/v1/promotion_codes/{promotion_code}")
def update_promotion_code(call: Call) -> Json:
    """Switch a code on or off."""
    code = call.world.get("promotion_code", call.ids["promotion_code"])
    if "active" in call.params:
        changed(call.world, code, "promotion_code.updated", active=call.params["active"])
    return code


def coupon_of(world: World, discounts: list[Json]) -> tuple[Json | None, Json | None]:
    """Return the coupon that a checkout asks for, and its code; refuse what doesn't exist or is off."""
    if not discounts:
        return None, None
    if len(discounts) > 1:
        raise refuse("You can only pass one discount.", param="discounts")
    kind, id = next(iter(discounts[0].items()))
    found = world.peek(kind, id)
    if found is None or kind not in {"coupon", "promotion_code"}:
        message = f"No such {kind.replace('_', ' ')}: '{id}'"
        raise SimError(400, message, code="resource_missing", param=f"discounts[0][{kind}]")
    if kind == "coupon":
        return found, None
    if not found["active"]:
        raise refuse("This promotion code is not active.", param="discounts[0][promotion_code]")
    return world.get("coupon", found["promotion"]["coupon"]), found


def taken_off(coupon: Json | None, total: int, currency: str) -> int:
    """Return what a coupon takes off `total`, in minor units; refuse one of another currency."""
    if coupon is None:
        return 0
    if coupon["percent_off"] is not None:
        part = Decimal(total) * Decimal(str(coupon["percent_off"])) / 100
        return int(part.quantize(Decimal(1), ROUND_HALF_UP))
    if coupon["currency"] != currency:
        message = f"This coupon takes off {coupon['currency']}, but the session is in {currency}."
        raise refuse(message, param="discounts")
    return min(total, int(coupon["amount_off"]))


def discounted(coupon: Json | None, code: Json | None, off: int) -> dict[str, Any]:
    """Return a session's fields about its discount."""
    if coupon is None:
        return {}
    return {
        "discounts": [{"coupon": coupon["id"], "promotion_code": code["id"] if code else None}],
        "total_details": {"amount_discount": off, "amount_shipping": 0, "amount_tax": 0},
    }
