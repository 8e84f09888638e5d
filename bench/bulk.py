"""A ledger of any size in seconds: rows by one statement for each table, sums by the ledger itself.

What the rows say is consistent, and spread over a year whatever their number; `totals.rebuild` computes the
sums from them.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.common import say
from overseer_payment import database
from overseer_payment.ledger import accounts, totals
from overseer_payment.ledger.accounts import Account

YEAR = 365 * 86_400
_SERIES = (
    "WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {count}) "
    "INSERT INTO {table} ({columns}) SELECT {values} FROM series"
)
_ITEMS = (
    """'[{"id":"si","price_id":"price_1","product_id":null,"name":"Team","quantity":1,"amount":4900,"total":4900,"""
    """"interval":"month","interval_count":1}]'"""
)


async def fill(engine: AsyncEngine, count: int) -> None:
    """Write `count` payments and refunds and what belongs to them into the account of the key."""
    begun = time.perf_counter()
    async with database.write(engine) as connection:
        await connection.run_sync(_rows, count)
    async with database.write(engine) as connection:
        await connection.run_sync(totals.rebuild)
    async with engine.connect() as connection:
        raw = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await raw.exec_driver_sql("ANALYZE")
    say(f"  ({count:,} rows in {time.perf_counter() - begun:.0f} s)")


def _rows(connection: Connection, count: int) -> None:
    account = Account("stripe", accounts.DEFAULT, False)
    id = accounts.ensure(connection, [account])[account]
    people, subscribers = max(count // 10, 1), max(count // 50, 30)

    def when(rows: int) -> str:
        return _moment(connection, YEAR / rows)

    customer = f"n % {people} + 1"
    _insert(
        connection,
        "payment_customer",
        people,
        id="n",
        account_id=str(id),
        provider_customer_id="'cus_' || n",
        placeholder="false",
        deleted="false",
        email="'Person' || n || '@example.com'",
        email_key="'person' || n || '@example.com'",
        name="'Person ' || n",
        name_key="'person ' || n",
        occurred_at=when(people),
        created_at=when(people),
    )
    refund = "n % 10 = 0"
    _insert(
        connection,
        "payment_transaction",
        count,
        id="n",
        account_id=str(id),
        provider_transaction_id=f"CASE WHEN {refund} THEN 're_' ELSE 'pi_' END || n",
        type=f"CASE WHEN {refund} THEN 'refund' WHEN n % 3 = 0 THEN 'subscription' ELSE 'charge' END",
        status="CASE WHEN n % 50 = 1 THEN 'failed' ELSE 'succeeded' END",
        placeholder="false",
        amount="500 + n % 9000",
        currency="CASE WHEN n % 5 = 0 THEN 'eur' ELSE 'usd' END",
        customer_id=customer,
        subscription_id=f"CASE WHEN n % 3 = 0 THEN n % {subscribers} + 1 END",
        parent_id=f"CASE WHEN {refund} THEN n - 1 END",
        description="'Order ' || n || CASE WHEN n % 1000 = 7 THEN ' wool' ELSE '' END",
        method="'visa'",
        occurred_at=when(count),
        created_at=when(count),
    )
    _insert(
        connection,
        "payment_reference",
        count,
        account_id=str(id),
        provider_id=f"CASE WHEN {refund} THEN 're_' ELSE 'pi_' END || n",
        transaction_id=f"CASE WHEN {refund} THEN n - 1 ELSE n END",
    )
    _insert(
        connection,
        "payment_subscription",
        subscribers,
        id="n",
        account_id=str(id),
        provider_subscription_id="'sub_' || n",
        placeholder="false",
        customer_id=f"n % {people} + 1",
        status="CASE WHEN n % 7 = 0 THEN 'canceled' WHEN n % 11 = 0 THEN 'past_due' ELSE 'active' END",
        ended_at=f"CASE WHEN n % 7 = 0 THEN {_moment(connection, 0)} END",
        amount="4900",
        currency="'usd'",
        interval="'month'",
        quantity="1",
        items=_ITEMS,
        cancel_at_period_end="false",
        collection_paused="false",
        occurred_at=when(subscribers),
        created_at=when(subscribers),
    )
    _insert(
        connection,
        "payment_invoice",
        max(count // 3, 1),
        id="n",
        account_id=str(id),
        provider_invoice_id="'in_' || n",
        placeholder="false",
        status="CASE WHEN n % 20 = 0 THEN 'open' ELSE 'paid' END",
        currency="'usd'",
        total="4900",
        customer_id=customer,
        subscription_id=f"n % {subscribers} + 1",
        occurred_at=when(max(count // 3, 1)),
        created_at=when(max(count // 3, 1)),
    )
    _insert(
        connection,
        "payment_dispute",
        max(count // 200, 30),
        id="n",
        account_id=str(id),
        provider_dispute_id="'du_' || n",
        kind="'chargeback'",
        status="CASE WHEN n % 4 = 0 THEN 'needs_response' ELSE 'won' END",
        amount="500",
        currency="'usd'",
        transaction_id="n",
        customer_id=customer,
        refundable="false",
        has_evidence="false",
        evidence_due_by=_moment(connection, -30),
        occurred_at=when(max(count // 200, 30)),
        created_at=when(max(count // 200, 30)),
    )
    _insert(
        connection,
        "payment_event",
        count,
        account_id=str(id),
        provider_event_id="'evt_' || n",
        type="'charge.succeeded'",
        status="'applied'",
        occurred_at=when(count),
        received_at=when(count),
        due_at=when(count),
        payload="'{}'",
    )


def _insert(connection: Connection, table: str, count: int, **columns: str) -> None:
    quoted = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(columns.values())
    statement = _SERIES.format(count=count, table=table, columns=quoted, values=values)
    connection.execute(text(statement.replace(":", "\\:")))


def _moment(connection: Connection, seconds: float) -> str:
    """SQL for the moment `n` times so many seconds ago, as the database keeps moments."""
    now = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
    if connection.dialect.name == "postgresql":
        return f"TIMESTAMPTZ '{now}Z' - n * {seconds} * INTERVAL '1 second'"
    return f"strftime('%Y-%m-%d %H:%M:%f', '{now}', (-n * {seconds}) || ' seconds') || '000'"
