"""A price: how much one product costs, once or per interval, in one currency or several."""

from __future__ import annotations

from collections.abc import Iterator

from overseer_payment.errors import Invalid
from overseer_payment.money import UnitAmount, unit_amount
from overseer_payment.provider import PriceOption, PriceScheme, PriceSnapshot, Snapshot
from overseer_payment.provider_plugins.stripe.translate import fields as f


def price(obj: f.Json, ctx: f.Context) -> Iterator[Snapshot]:
    """The price. Its other currencies are told only where `currency_options` was expanded."""
    deleted = f.flag(obj, "deleted") or ctx.event_type == "price.deleted"
    recurring = f.inner(obj, "recurring")
    yield PriceSnapshot(
        **f.common(obj, ctx),
        product=f.required_id(obj, "product"),
        currency=f.currency(obj),
        amount=amount_of(obj),
        scheme=scheme_of(obj),
        package=package_of(obj),
        options=tuple(_options(obj)),
        interval=f.text(recurring, "interval"),
        interval_count=max(1, f.whole(recurring, "interval_count", 1)),
        nickname=f.text(obj, "nickname"),
        active=not deleted and obj.get("active") is not False,
    )


def scheme_of(obj: f.Json) -> PriceScheme:
    """How the sum of a price comes about, or of the plan that older objects have in its place."""
    if f.text(obj, "billing_scheme") == "tiered":
        return PriceScheme.TIERED
    if f.inner(obj, "custom_unit_amount"):
        return PriceScheme.CUSTOM
    if f.text(f.inner(obj, "recurring") or obj, "usage_type") == "metered":
        return PriceScheme.METERED
    return PriceScheme.FLAT


def amount_of(obj: f.Json) -> UnitAmount | None:
    """Minor units for one piece, fractions and all ("Decimal amounts for pricing"); None when it depends.

    Stripe leaves `unit_amount` empty where that would have to be rounded. What can't be read depends, too.
    """
    for whole, exact in (("unit_amount", "unit_amount_decimal"), ("amount", "amount_decimal")):
        if (amount := f.whole(obj, whole, -1)) >= 0:
            return amount
        if (written := f.text(obj, exact)) is not None:
            try:
                found = unit_amount(written)
            except Invalid:
                return None
            return found if found >= 0 else None
    return None


def package_of(obj: f.Json) -> int:
    """For how many pieces at once the amount is ("Transform quantities")."""
    return max(1, f.whole(transformed(obj), "divide_by", 1))


def transformed(obj: f.Json) -> f.Json:
    """How the quantity becomes what is billed; a plan calls it usage."""
    return f.inner(obj, "transform_quantity") or f.inner(obj, "transform_usage")


def _options(obj: f.Json) -> Iterator[PriceOption]:
    main = f.currency(obj)
    for code, option in sorted(f.inner(obj, "currency_options").items()):
        currency = f.currency_or_none({"currency": code})
        if currency is not None and currency != main and isinstance(option, dict):
            yield PriceOption(currency=currency, amount=amount_of(option))
