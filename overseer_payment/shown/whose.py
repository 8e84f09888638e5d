"""Whose rows are shown: the decision which accounts of this database a question is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from sqlalchemy import Connection, exists, or_, select

from overseer_payment import tables
from overseer_payment.ledger import accounts, reports
from overseer_payment.ledger.accounts import Account

Which: TypeAlias = Callable[[Connection, Sequence[Account], str], dict[Account, int]]
"""A decision of this module: which accounts, with their ids."""


def of(provider: str | None) -> Which:
    """`listed`, of one provider alone if one is named: the decision is then made among its accounts."""

    def of_provider(connection: Connection, homes: Sequence[Account], name: str) -> dict[Account, int]:
        own = [account for account in homes if account.provider == provider]
        known = {a: id for a, id in accounts.known(connection).items() if a.provider == provider}
        return _listed(connection, known, own, name)

    return listed if provider is None else of_provider


def listed(connection: Connection, homes: Sequence[Account], name: str) -> dict[Account, int]:
    """The accounts whose rows are listed and summed: the configured ones; example data until there is real.

    Without a usable key the ledger still shows what it knows of the account called `name`. With a live
    key nothing stands in for the live account, also before its first event, nor beside it, such as another
    provider's test account: real money is never mixed up.
    """
    return _listed(connection, accounts.known(connection), homes, name)


def _listed(
    connection: Connection, known: dict[Account, int], homes: Sequence[Account], name: str
) -> dict[Account, int]:
    if live := [account for account in homes if account.livemode]:
        return _among(known, live)
    home = _among(known, homes) if homes else _left(connection, known, name)
    if _has_business(connection, home):
        return home
    example = {account: id for account, id in known.items() if account.account == accounts.EXAMPLE}
    return example or home or {a: id for a, id in known.items() if a.account in accounts.MADE_UP}


def findable(connection: Connection, homes: Sequence[Account], name: str) -> dict[Account, int]:
    """The accounts in which one row is looked up by its id: also the real one beside example data."""
    known = accounts.known(connection)
    return _listed(connection, known, homes, name) | _among(known, homes)


def received(connection: Connection, homes: Sequence[Account], name: str) -> dict[Account, int]:
    """The accounts whose inbox and operations are shown: those that are listed, and every real one.

    Nothing is summed there and each row names its account and mode. An event of a connected account or
    of the other mode must be seen when it fails: the same process applies it.
    """
    known = accounts.known(connection)
    real = {account: id for account, id in known.items() if account.account not in accounts.MADE_UP}
    return _listed(connection, known, homes, name) | real


def _among(known: dict[Account, int], homes: Sequence[Account]) -> dict[Account, int]:
    return {account: known[account] for account in homes if account in known}


def _left(connection: Connection, known: dict[Account, int], name: str) -> dict[Account, int]:
    """What an earlier key left, in one mode: test and live never meet in a sum.

    The mode with the larger business: one stray event of the other mode must not replace it.
    """
    left = {account: id for account, id in known.items() if account.account == name}
    modes = [{a: id for a, id in left.items() if a.livemode is livemode} for livemode in (False, True)]
    return max(modes, key=lambda mode: (reports.transactions(connection, list(mode.values())), bool(mode)))


def _has_business(connection: Connection, accounts: dict[Account, int]) -> bool:
    ids = list(accounts.values())
    transaction, subscription = tables.transaction.c, tables.subscription.c
    some = or_(
        exists().where(transaction.account_id.in_(ids), transaction.placeholder.is_(False)),
        exists().where(subscription.account_id.in_(ids), subscription.placeholder.is_(False)),
    )
    return bool(ids) and bool(connection.execute(select(some)).scalar_one())
