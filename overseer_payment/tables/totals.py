"""Sums kept in step with the rows, so that no view grows with their number. Rebuildable from them."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Date,
    Integer,
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

# What began and what ended to recur on a day, by the interval that it is billed in: a sum of amounts of
# one interval is exact, one of months is not. The sum over all days is what recurs now.

recurring = Table(
    "payment_recurring",
    metadata,
    Column("account_id", big, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("currency", String(3), primary_key=True),
    Column("interval", String(10), primary_key=True),
    Column("interval_count", Integer, primary_key=True, autoincrement=False),
    money("added"),
    money("lost"),
)

# Who began and who ceased to pay on a day: subscriptions, and customers over all of theirs.

subscriber = Table(
    "payment_subscriber",
    metadata,
    Column("account_id", big, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("currency", String(3), primary_key=True),
    money("started"),
    money("ended"),
    money("joined"),
    money("departed"),
)
