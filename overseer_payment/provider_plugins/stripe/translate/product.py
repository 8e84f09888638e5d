"""A product."""

from __future__ import annotations

from collections.abc import Iterator

from overseer_payment.provider import ProductSnapshot, Snapshot
from overseer_payment.provider_plugins.stripe.translate import fields as f


def product(obj: f.Json, ctx: f.Context) -> Iterator[Snapshot]:
    """The product. The event of a deletion carries the whole product as it was; a read only its id."""
    deleted = f.flag(obj, "deleted") or ctx.event_type == "product.deleted"
    yield ProductSnapshot(
        **f.common(obj, ctx),
        name=f.text(obj, "name"),
        description=f.text(obj, "description"),
        active=not deleted and obj.get("active") is not False,
        deleted=deleted,
    )
