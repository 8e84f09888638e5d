"""Sums kept in step with the rows, so that no view grows with their number. Rebuildable from them."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Date,
    String,
    Table,
)

from overseer_payment.tables.columns import (
    big,
    metadata,
    money,
)

total = Table(
    "payment_total",
    metadata,
    Column("account_id", big, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("currency", String(3), primary_key=True),
    money("gross"),
    money("refunded"),
    money("disputed"),
    money("payments"),
    money("failed_payments"),
    money("transactions"),
)

customer_total = Table(
    "payment_customer_total",
    metadata,
    Column("customer_id", big, primary_key=True, autoincrement=False),
    Column("currency", String(3), primary_key=True),
    money("gross"),
    money("refunded"),
    money("disputed"),
    money("payments"),
)

gauge = Table(
    "payment_gauge",
    metadata,
    Column("account_id", big, primary_key=True, autoincrement=False),
    Column("name", String(40), primary_key=True),
    money("value"),
)

# Objects that the ledger wants to read from the provider: one row serves all that wait for it.
