"""For how much things are sold; what is sold has its rows beside those that name it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, UniqueConstraint, text

from overseer_payment.tables.columns import account_id, flag, metadata, moment, provider_id, row_id

price = Table(
    "payment_price",
    metadata,
    row_id(),
    account_id(),
    provider_id("provider_price_id"),
    # The provider's id: a product may be described later than its prices.
    provider_id("product_ref"),
    Column("nickname", Text),
    Column("scheme", String(10), nullable=False),
    # For one piece, exactly: a text, for it may be a fraction of a minor unit. NULL where it depends.
    Column("amount_decimal", String(64)),
    # The same where it is whole minor units.
    Column("amount", BigInteger),
    Column("package", BigInteger, nullable=False, server_default=text("1")),
    Column("currency", String(3), nullable=False),
    # Other currencies in which it can be paid, as JSON: [{"currency": …, "amount": …}].
    Column("options", Text, nullable=False, server_default=text("'[]'")),
    Column("interval", String(10)),
    Column("interval_count", Integer, nullable=False, server_default=text("1")),
    flag("active"),
    moment("occurred_at", nullable=False),
    moment("created_at", nullable=False),
    UniqueConstraint("account_id", "provider_price_id"),
)

Index("ix_payment_price_newest", price.c.account_id, price.c.active, price.c.occurred_at, price.c.id)

Index("ix_payment_price_product", price.c.account_id, price.c.product_ref, price.c.occurred_at, price.c.id)
