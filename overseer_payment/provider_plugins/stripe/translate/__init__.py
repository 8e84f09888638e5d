"""From one JSON object of Stripe's to snapshots. Pure: no I/O, no clock, the SDK isn't needed.

Every translator reads all API dialects from 2024-06-20 on, by looking for a fact wherever one of them
keeps it, and gives the same snapshots for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from overseer_payment.errors import PayloadInvalid
from overseer_payment.provider import Kind, Snapshot
from overseer_payment.provider_plugins.stripe.translate.charge import charge
from overseer_payment.provider_plugins.stripe.translate.checkout import checkout_session
from overseer_payment.provider_plugins.stripe.translate.customer import customer
from overseer_payment.provider_plugins.stripe.translate.dispute import dispute, early_fraud_warning
from overseer_payment.provider_plugins.stripe.translate.fields import OBJECT, Context, Json, text
from overseer_payment.provider_plugins.stripe.translate.invoice import invoice
from overseer_payment.provider_plugins.stripe.translate.links import invoice_payment
from overseer_payment.provider_plugins.stripe.translate.payment_intent import payment_intent
from overseer_payment.provider_plugins.stripe.translate.price import price
from overseer_payment.provider_plugins.stripe.translate.product import product
from overseer_payment.provider_plugins.stripe.translate.refund import refund
from overseer_payment.provider_plugins.stripe.translate.subscription import subscription

__all__ = ["KINDS", "Context", "Json", "translate"]

_Translator: TypeAlias = Callable[[Json, Context], Iterator[Snapshot]]

_TRANSLATORS: Mapping[str, _Translator] = {
    "charge": charge,
    "checkout.session": checkout_session,
    "customer": customer,
    "dispute": dispute,
    "invoice": invoice,
    "invoice_payment": invoice_payment,
    "payment_intent": payment_intent,
    "price": price,
    "product": product,
    "radar.early_fraud_warning": early_fraud_warning,
    "refund": refund,
    "subscription": subscription,
}

KINDS: Mapping[str, Kind] = {
    "charge": Kind.CHARGE,
    "checkout.session": Kind.CHECKOUT,
    "customer": Kind.CUSTOMER,
    "dispute": Kind.DISPUTE,
    "invoice": Kind.INVOICE,
    "invoice_payment": Kind.INVOICE_PAYMENT,
    "payment_intent": Kind.PAYMENT,
    "price": Kind.PRICE,
    "product": Kind.PRODUCT,
    "radar.early_fraud_warning": Kind.DISPUTE,
    "refund": Kind.REFUND,
    "subscription": Kind.SUBSCRIPTION,
}
"""Stripe's name of an object → ours."""

# Where another object may stand in place of its id. A path goes through lists.
_EXPANDABLE: Mapping[str, tuple[str, ...]] = {
    "charge": ("payment_intent", "customer", "invoice", "dispute"),
    "checkout.session": ("payment_intent", "invoice", "subscription", "customer"),
    "dispute": ("charge", "payment_intent"),
    "invoice": (
        "payment_intent",
        "charge",
        "subscription",
        "parent.subscription_details.subscription",
        "customer",
        "payments.data.payment.payment_intent",
        "payments.data.payment.charge",
    ),
    "invoice_payment": ("invoice", "payment.payment_intent", "payment.charge"),
    "payment_intent": ("latest_charge", "customer", "invoice"),
    "price": ("product",),
    "radar.early_fraud_warning": ("charge", "payment_intent"),
    "refund": ("charge", "payment_intent"),
    "subscription": ("customer", "latest_invoice", "items.data.price.product"),
}
_PATHS = {name: [path.split(".") for path in paths] for name, paths in _EXPANDABLE.items()}
_DEEPEST = 8  # Stripe expands four levels


def translate(name: str, obj: Json, ctx: Context) -> tuple[Snapshot, ...]:
    """The snapshots of one object that Stripe calls `name`, and of the objects expanded inside it.

    The object's own snapshot comes first. Raises PayloadInvalid when it lacks something essential.
    """
    found: dict[tuple[Kind, str], Snapshot] = {}
    for snapshot in _walk(name, obj, ctx, 0):
        found.setdefault((snapshot.kind, snapshot.id), snapshot)
    return tuple(found.values())


def _walk(name: str, obj: Json, ctx: Context, depth: int) -> Iterator[Snapshot]:
    yield from _TRANSLATORS[name](obj, ctx)
    if depth < _DEEPEST:
        inside = ctx.nested()
        for path in _PATHS.get(name, ()):
            for value in _reach(obj, path):
                yield from _nested(value, inside, depth + 1)


def _nested(value: Any, ctx: Context, depth: int) -> Iterator[Snapshot]:
    name = text(value, "object") if isinstance(value, OBJECT) else None
    if name is None or name not in _TRANSLATORS:
        return
    try:
        yield from list(_walk(name, value, ctx, depth))
    except PayloadInvalid:
        return  # expanded but not whole: its id was read, and that is all the outer object promised


def _reach(value: Any, path: list[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _reach(item, path)
    elif not path:
        yield value
    elif isinstance(value, OBJECT):
        yield from _reach(value.get(path[0]), path[1:])
