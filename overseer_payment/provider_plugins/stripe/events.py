"""Which events speak of money, whether their payload can be believed, and what they say.

A payload is believed when its API version belongs to a family that this plugin was written for. Other
payloads only say which object to ask for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from overseer_payment.errors import PayloadInvalid
from overseer_payment.provider import AsOf, Event, Parsed, Ref, Source
from overseer_payment.provider_plugins.stripe.translate import KINDS, Context, translate
from overseer_payment.provider_plugins.stripe.translate import fields as f

# Longest first: `charge.dispute.` before `charge.`.
_OBJECT_OF_PREFIX: Mapping[str, str] = {
    "radar.early_fraud_warning.": "radar.early_fraud_warning",
    "customer.subscription.": "subscription",
    "charge.dispute.": "dispute",
    "checkout.session.": "checkout.session",
    "invoice_payment.": "invoice_payment",
    "payment_intent.": "payment_intent",
    "charge.refund.": "refund",
    "invoice.": "invoice",
    "charge.": "charge",
    "refund.": "refund",
    "product.": "product",
    "price.": "price",
}
# The prefix `customer.` also has sources, discounts and tax ids.
_OBJECT_OF_TYPE = {f"customer.{what}": "customer" for what in ("created", "updated", "deleted")}
_NOT_YET_REAL = frozenset({"invoice.upcoming"})  # a preview: it has no id and may never come

_VERSION = re.compile(r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})(?:\.(?P<family>[a-z_]+))?\Z")
_OLDEST = "2024-06-20"
_FIRST_NAMED = "2024-09-30"  # from Acacia on every version names its family
_FAMILIES = frozenset({"acacia", "basil", "clover", "dahlia", "endive"})


def parse(event: Event) -> Parsed:
    """Translate an event of Stripe's. Raises PayloadInvalid when one that speaks of money can't be read."""
    name = object_name(event.type.removeprefix("v1."))
    if name is None:
        return Parsed()
    if event.payload.get("object") == "v2.core.event":
        return _ask_for(name, f.inner(event.payload, "related_object"))
    obj = f.inner(event.payload, "data", "object")
    if not obj:
        raise PayloadInvalid(f"Stripe's event {event.type} has no object.")
    told = f.text(obj, "object")
    name = told if told is not None and told in KINDS else name
    if not is_known_version(event.api_version) or _is_cut_off(name, obj, event.type):
        return _ask_for(name, obj)
    ctx = Context(AsOf(event.occurred_at, Source.EVENT), event.livemode, event.type)
    return Parsed(snapshots=translate(name, obj, ctx))


def object_name(type: str) -> str | None:
    """Stripe's name of the object that an event of this type carries; None when it isn't about money."""
    if type in _NOT_YET_REAL:
        return None
    for prefix, name in _OBJECT_OF_PREFIX.items():
        if type.startswith(prefix):
            return name
    return _OBJECT_OF_TYPE.get(type)


def is_known_version(version: str | None) -> bool:
    """Can this plugin read payloads of that API version? One that isn't told is taken for the current one."""
    if version is None:
        return True
    found = _VERSION.match(version)
    if found is None:
        return False
    if found["family"] is None:
        return _OLDEST <= found["date"] < _FIRST_NAMED
    return found["family"] in _FAMILIES


def _is_cut_off(name: str, obj: Mapping[str, Any], type: str) -> bool:
    """Does the payload lack what its object is about?

    The items of a subscription, of which only the first are told; the other currencies of a price that
    is on sale, which no event tells (page "Price object": `currency_options` is there if expanded).
    """
    if name == "price":
        sold = obj.get("active") is True and not type.endswith(".deleted")
        return sold and "currency_options" not in obj
    return name == "subscription" and f.inner(obj, "items").get("has_more") is True


def _ask_for(name: str, obj: Mapping[str, Any]) -> Parsed:
    return Parsed(fetch=(Ref(KINDS[name], f.required_id(obj, "id")),))
