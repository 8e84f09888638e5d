"""What we send to providers."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from overseer_payment.tables.columns import (
    account_id,
    big,
    metadata,
    moment,
    row_id,
)

operation = Table(
    "payment_operation",
    metadata,
    row_id(),
    account_id(),
    Column("kind", String(40), nullable=False),
    Column("status", String(10), nullable=False),
    Column("actor", String(255), nullable=False),
    Column("target", String(255)),
    Column("transaction_id", big),
    Column("amount", BigInteger),
    Column("currency", String(3)),
    Column("reason", String(255)),
    # What we send to the provider, so that a retry is the same request under the same key.
    Column("idempotency_key", String(255), nullable=False, unique=True),
    Column("request", Text, nullable=False),
    # What the caller sent: the same key by the same actor is the same operation.
    Column("client_key", String(255)),
    Column("client_digest", String(64)),
    Column("result", Text),
    # What its caller was answered besides, where nobody knows that later: a checkout's page.
    Column("answer", Text),
    Column("error_code", String(255)),
    Column("error", Text),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    moment("due_at"),
    moment("created_at", nullable=False),
    moment("finished_at"),
)

Index(
    "uq_payment_operation_client",
    operation.c.account_id,
    operation.c.actor,
    operation.c.client_key,
    unique=True,
    sqlite_where=operation.c.client_key.is_not(None),
    postgresql_where=operation.c.client_key.is_not(None),
)

Index(
    "ix_payment_operation_open",
    operation.c.due_at,
    sqlite_where=operation.c.due_at.is_not(None),
    postgresql_where=operation.c.due_at.is_not(None),
)

Index("ix_payment_operation_transaction", operation.c.transaction_id)

Index("ix_payment_operation_newest", operation.c.account_id, operation.c.id)

Index("ix_payment_operation_status", operation.c.account_id, operation.c.status, operation.c.id)

# How healing stands: one row for each account and kind of healing, which is its lease as well.
