"""A customer."""

from __future__ import annotations

from collections.abc import Iterator

from overseer_payment.provider import CustomerSnapshot, Snapshot
from overseer_payment.provider_plugins.stripe.translate import fields as f


def customer(obj: f.Json, ctx: f.Context) -> Iterator[Snapshot]:
    """The customer. The event of a deletion carries the whole customer as it was; a read only its id."""
    yield CustomerSnapshot(
        **f.common(obj, ctx),
        email=f.text(obj, "email"),
        name=f.text(obj, "name"),
        currency=f.currency_or_none(obj),
        deleted=f.flag(obj, "deleted") or ctx.event_type == "customer.deleted",
    )
