"""Chargebacks, inquiries and early fraud warnings."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, UniqueConstraint, text

from overseer_payment.tables.columns import (
    account_id,
    big,
    flag,
    metadata,
    moment,
    money,
    provider_id,
    row_id,
)

dispute = Table(
    "payment_dispute",
    metadata,
    row_id(),
    account_id(),
    provider_id("provider_dispute_id"),
    Column("kind", String(20), nullable=False),
    Column("status", String(30), nullable=False),
    Column("reason", String(255)),
    money("amount"),
    money("funds_withdrawn"),
    Column("currency", String(3), nullable=False),
    Column("transaction_id", big, index=True),
    Column("customer_id", big),
    flag("refundable"),
    moment("evidence_due_by"),
    # While it is open: where it stands in the order of deadlines. NULL once it is closed.
    moment("answer_by"),
    flag("has_evidence"),
    Column("submission_count", Integer, nullable=False, server_default=text("0")),
    moment("occurred_at", nullable=False),
    moment("created_at", nullable=False),
    UniqueConstraint("account_id", "provider_dispute_id"),
)

Index("ix_payment_dispute_newest", dispute.c.account_id, dispute.c.occurred_at, dispute.c.id)

for _filter in (dispute.c.status, dispute.c.kind, dispute.c.currency):
    Index(
        f"ix_payment_dispute_{_filter.name}",
        dispute.c.account_id,
        _filter,
        dispute.c.occurred_at,
        dispute.c.id,
    )

Index("ix_payment_dispute_customer", dispute.c.customer_id, dispute.c.occurred_at, dispute.c.id)

Index(
    "ix_payment_dispute_open",
    dispute.c.account_id,
    dispute.c.answer_by,
    dispute.c.id,
    sqlite_where=dispute.c.answer_by.is_not(None),
    postgresql_where=dispute.c.answer_by.is_not(None),
)
