"""How healing stands."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    String,
    Table,
    Text,
    text,
)

from overseer_payment.database import UtcDateTime
from overseer_payment.tables.columns import (
    big,
    metadata,
)

sync = Table(
    "payment_sync",
    metadata,
    Column("account_id", big, primary_key=True, autoincrement=False),
    Column("kind", String(20), primary_key=True),
    Column("state", String(10), nullable=False),
    # From which moment the present or last run reads, by the provider's clock; NULL: from the beginning.
    Column("since", UtcDateTime),
    # Where a run that was cut short goes on.
    Column("cursor", Text),
    # The provider's time when the present or last run began to read.
    Column("reached", UtcDateTime),
    # Every event until then was asked for; and since when some may be missing that nobody tells any more.
    Column("covered_until", UtcDateTime),
    Column("gap_since", UtcDateTime),
    Column("counts", Text, nullable=False, server_default=text("'{}'")),
    Column("drift", Text, nullable=False, server_default=text("'[]'")),
    Column("error", Text),
    # Whoever writes here must still be the holder: a run that was taken over ends at its next page.
    Column("holder", String(40)),
    Column("leased_until", UtcDateTime),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
)
