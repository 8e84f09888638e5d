"""A price: how much one product costs, once or per interval, in one currency or several."""

from __future__ import annotations

from collections.abc import Iterator

from overseer_payment.provider import PriceOption, PriceScheme, PriceSnapshot, Snapshot
from overseer_payment.provider_plugins.stripe.translate import fields as f


def price(obj: f.Json, ctx: f.Context) -> Iterator[Snapshot]:
    """The price. Its other currencies are told only where `currency_options` was expanded."""
    deleted = f.flag(obj, "deleted") or ctx.event_type == "price.deleted"
    scheme, recurring = _scheme(obj), f.inner(obj, "recurring")
    yield PriceSnapshot(
        **f.common(obj, ctx),
        product=f.required_id(obj, "product"),
        currency=f.currency(obj),
        amount=_amount(obj) if scheme is PriceScheme.FLAT else None,
        scheme=scheme,
        options=tuple(_options(obj, scheme)),
        interval=f.text(recurring, "interval"),
        interval_count=max(1, f.whole(recurring, "interval_count", 1)),
        nickname=f.text(obj, "nickname"),
        active=not deleted and obj.get("active") is not False,
    )


def _scheme(obj: f.Json) -> PriceScheme:
    if f.text(obj, "billing_scheme") == "tiered":
        return PriceScheme.TIERED
    if f.inner(obj, "custom_unit_amount"):
        return PriceScheme.CUSTOM
    if f.text(f.inner(obj, "recurring"), "usage_type") == "metered":
        return PriceScheme.METERED
    return PriceScheme.FLAT


def _amount(obj: f.Json) -> int | None:
    """None for a fraction of a minor unit, which only a quantity makes whole."""
    amount = f.whole(obj, "unit_amount", -1)
    return amount if amount >= 0 else None


def _options(obj: f.Json, scheme: PriceScheme) -> Iterator[PriceOption]:
    main = f.currency(obj)
    for code, option in sorted(f.inner(obj, "currency_options").items()):
        currency = f.currency_or_none({"currency": code})
        if currency is not None and currency != main and isinstance(option, dict):
            flat = scheme is PriceScheme.FLAT and not f.inner(option, "custom_unit_amount")
            yield PriceOption(currency=currency, amount=_amount(option) if flat else None)
