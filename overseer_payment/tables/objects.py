"""What each provider says about each of its objects."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    SmallInteger,
    String,
    Table,
    Text,
)

from overseer_payment.tables.columns import (
    big,
    metadata,
    provider_id,
)

provider_object = Table(
    "payment_object",
    metadata,
    Column("account_id", big, primary_key=True, autoincrement=False),
    Column("provider_id", String(255), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("stage", SmallInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("tie", String(60), nullable=False),
    provider_id("payment_ref", nullable=True),
    provider_id("charge_ref", nullable=True),
    provider_id("invoice_ref", nullable=True),
    Column("data", Text, nullable=False),
    Column("raw", Text, nullable=False),
)

for _ref in (provider_object.c.payment_ref, provider_object.c.charge_ref, provider_object.c.invoice_ref):
    Index(
        f"ix_payment_object_{_ref.name}",
        provider_object.c.account_id,
        _ref,
        sqlite_where=_ref.is_not(None),
        postgresql_where=_ref.is_not(None),
    )
