"""The accounts: one row for each provider, account and mode."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    String,
    Table,
    UniqueConstraint,
)

from overseer_payment.tables.columns import (
    metadata,
    moment,
    provider_id,
    row_id,
)

provider = Table(
    "payment_provider",
    metadata,
    row_id(),
    Column("provider", String(40), nullable=False),
    # default: the one the API key belongs to; example, demo; else a connected account's id
    Column("account", String(255), nullable=False),
    Column("livemode", Boolean, nullable=False),
    provider_id("provider_account_id", nullable=True),
    Column("title", String(255)),
    # The catalogue: whole as of, and since when somebody is reading it anew.
    moment("catalog_read_at"),
    moment("catalog_asked_at"),
    moment("created_at", nullable=False),
    UniqueConstraint("provider", "account", "livemode"),
)
