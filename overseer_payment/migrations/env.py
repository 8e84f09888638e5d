"""Alembic's entry: always online, on the connection that `migrations.upgrade` passes."""

from __future__ import annotations

from typing import Literal

from alembic import context

from overseer_payment.database import UtcDateTime
from overseer_payment.tables import VERSION_TABLE, metadata


def _render(type_: str, item: object, _: object) -> str | Literal[False]:
    # A migration outlives our classes: write the plain type down.
    if type_ == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    include_name=lambda name, type_, _: type_ != "table" or name in metadata.tables,
    render_as_batch=True,
    compare_type=True,
    render_item=_render,
    compare_server_default=False,
)
# The caller's transaction holds the migration: it commits or nothing happened.
context.run_migrations()
