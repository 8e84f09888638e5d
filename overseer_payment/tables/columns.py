"""What the tables are made of: their names, their keys, money and moments."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    MetaData,
    String,
    text,
)

from overseer_payment.database import UtcDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


KEY_LENGTH = 160  # of what is sought by its beginning

VERSION_TABLE = "overseer_payment_alembic_version"


big = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts only INTEGER keys up by itself


def row_id() -> Column[int]:
    return Column("id", big, primary_key=True)


def account_id() -> Column[int]:
    return Column("account_id", big, nullable=False)


def money(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=text("0"))


def flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, default=False)


def moment(name: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, UtcDateTime, nullable=nullable)


def sought(name: str) -> Column[str]:
    """A text as it is looked up by its beginning: folded (`ledger.folding`), ordered by code points."""
    ordered = String(KEY_LENGTH).with_variant(String(KEY_LENGTH, collation="C"), "postgresql")
    return Column(name, ordered)


def provider_id(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, String(255), nullable=nullable)
