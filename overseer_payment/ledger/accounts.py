"""Provider accounts: one row for each account in each mode. Everything else hangs on its id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from overseer_payment.database import utcnow
from overseer_payment.tables import provider as table

DEFAULT = "default"  # the account that the API key belongs to
EXAMPLE = "example"  # `payment seed`
DEMO = "demo"  # `overseer serve --demo`
MADE_UP = frozenset({EXAMPLE, DEMO})
OWN = MADE_UP | {DEFAULT}
"""Names of ours. Every other is the id of a connected account, as its events tell it."""


_ALL = str(select(table.c.provider, table.c.account, table.c.livemode, table.c.id))


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """Names one account in one mode. `account` is one of the words above, or a connected account's id."""

    provider: str
    account: str
    livemode: bool


def ensure(connection: Connection, accounts: Iterable[Account]) -> dict[Account, int]:
    """The ids of `accounts`, made where they were missing."""
    wanted = sorted(set(accounts))
    found = known(connection)
    missing = [account for account in wanted if account not in found]
    if missing:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        values = [_values(account) for account in missing]
        connection.execute(dialect.insert(table).on_conflict_do_nothing(), values)
        found = known(connection)
    return {account: found[account] for account in wanted}


def _values(account: Account) -> dict[str, Any]:
    return {
        "provider": account.provider,
        "account": account.account,
        "livemode": account.livemode,
        "created_at": utcnow(),
    }


def known(connection: Connection) -> dict[Account, int]:
    """Every account that was ever seen."""
    # As text: nearly every transaction begins with it, and building it takes longer than running it.
    found = connection.exec_driver_sql(_ALL)
    return {Account(provider, account, bool(livemode)): id for provider, account, livemode, id in found}


def of(connection: Connection, id: int) -> Account:
    """The account that has this id."""
    return next(account for account, number in known(connection).items() if number == id)
