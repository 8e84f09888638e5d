"""From a fact to what a handler gets: the row as it stands now, and whom it concerns."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from overseer_payment import tables
from overseer_payment.errors import NotFound
from overseer_payment.ledger import queries
from overseer_payment.ledger.accounts import Account
from overseer_payment.ledger.scope import Scope
from overseer_payment.listening import TOPICS, News
from overseer_payment.schemas import CheckoutRow, DisputeRow, InvoiceRow, SubscriptionRow, TransactionRow
from overseer_payment.telling import terms
from overseer_payment.telling.standing import AnyRow, holds

_checkout, _customer = tables.checkout, tables.customer


def look(
    connection: Connection,
    account: Account,
    news: Row[Any],
    listener: str,
    *,
    now: datetime,
    before: str | None = None,
) -> News | None:
    """What to tell `listener` of this row of `payment_news`; None if what it is about is gone.

    `before`: terms that it was told last.
    """
    row = _row(connection, news.account_id, news.topic, news.provider_id, now)
    if row is None:
        return None
    return News(
        topic=news.topic,
        effect_id=_effect_id(account, news, listener),
        row=row,
        provider=account.provider,
        account=account.account,
        livemode=account.livemode,
        user_id=_user(connection, news.account_id, row),
        occurred_at=news.occurred_at,
        overtaken=not holds(news.topic, news.mark, row),
        backfilled=news.history,
        before=terms.read(connection, news.account_id, before) if before else None,
    )


def _effect_id(account: Account, news: Row[Any], listener: str) -> str:
    """Made of what the provider calls things, so that a restored or rebuilt database tells the same ids."""
    parts = (account.provider, account.account, account.livemode, news.provider_id)
    which = news.generation if TOPICS[news.topic].state else 1
    text = "\n".join(map(str, (*parts, news.topic, news.mark, which, listener)))
    return f"effect_{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _row(connection: Connection, account_id: int, topic: str, id: str, now: datetime) -> AnyRow | None:
    scope = Scope((account_id,))
    try:
        match TOPICS[topic].subject:
            case "checkout":
                return queries.checkout(connection, [account_id], id)
            case "transaction":
                return queries.transaction(connection, scope, id)
            case "invoice":
                return queries.invoice(connection, scope, id)
            case "subscription":
                return queries.subscription(connection, scope, id)
            case "dispute":
                return queries.dispute(connection, scope, id, now=now)
    except NotFound:
        return None


def _user(connection: Connection, account_id: int, row: AnyRow) -> str | None:
    """The host's user whom the customer belongs to, else the one for whom the checkout was opened."""
    if row_of := getattr(row, "customer_id", None):
        query = select(_customer.c.user_id).where(_customer.c.id == row_of)
        if found := connection.execute(query).scalar_one_or_none():
            return str(found)
    mine = select(_checkout.c.user_id).where(
        _checkout.c.account_id == account_id, _checkout.c.user_id.is_not(None)
    )
    match row:
        case CheckoutRow():
            mine = mine.where(_checkout.c.session_id == row.session_id)
        case TransactionRow():
            mine = mine.where(_checkout.c.transaction_id == (row.parent_id or row.id))
        case SubscriptionRow():
            mine = mine.where(_checkout.c.subscription_id == row.id)
        case InvoiceRow():
            mine = mine.where(_checkout.c.subscription_id == row.subscription_id)
        case DisputeRow():
            mine = mine.where(_checkout.c.transaction_id == row.transaction_id)
    return connection.execute(mine.limit(1)).scalar_one_or_none()
