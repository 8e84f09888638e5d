"""The inbox, and what the ledger wants to read."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from overseer_payment.tables.columns import (
    account_id,
    big,
    metadata,
    moment,
    provider_id,
    row_id,
)

event = Table(
    "payment_event",
    metadata,
    row_id(),
    account_id(),
    provider_id("provider_event_id"),
    Column("type", String(255), nullable=False),
    Column("api_version", String(40)),
    Column("status", String(10), nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("last_error", Text),
    moment("occurred_at", nullable=False),
    moment("received_at", nullable=False),
    moment("due_at", nullable=False),
    moment("applied_at"),
    Column("payload", Text, nullable=False),
    UniqueConstraint("account_id", "provider_event_id"),
)

Index(
    "ix_payment_event_due",
    event.c.due_at,
    event.c.id,
    sqlite_where=event.c.status.in_(("pending", "failed")),
    postgresql_where=event.c.status.in_(("pending", "failed")),
)

Index("ix_payment_event_status", event.c.account_id, event.c.status, event.c.id)

# What waits is found by its status: its type is not to cost who delivers it.
Index(
    "ix_payment_event_type",
    event.c.account_id,
    event.c.type,
    event.c.id,
    sqlite_where=event.c.status != "pending",
    postgresql_where=event.c.status != "pending",
)

# What each provider says about each of its objects, newest word only. All other rows derive from these.

wanted = Table(
    "payment_wanted",
    metadata,
    Column("account_id", big, primary_key=True, autoincrement=False),
    Column("provider_id", String(255), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("reason", String(40), nullable=False),
    # By the provider's clock: news from then on settles a doubt.
    moment("since"),
    # How often it was asked for: a read that began before the last asking does not answer it.
    Column("asked", Integer, nullable=False, server_default=text("1")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("last_error", Text),
    moment("due_at", nullable=False),
    moment("created_at", nullable=False),
)

Index("ix_payment_wanted_due", wanted.c.due_at)
