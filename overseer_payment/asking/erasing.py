"""Erasing one person: at once from rows and objects, then from the inbox, and at the provider if asked.

The first transaction leaves the tombstone and writes the operation down. Whoever dies afterwards leaves a
person who is erased from every list, and stays so; asking again finishes the inbox, and the objects of
whoever has more than a thousand.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from overseer_payment import operations, tables
from overseer_payment.committing import committed
from overseer_payment.database import utcnow
from overseer_payment.ledger import forgetting, forgetting_events
from overseer_payment.operations import Intent

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from overseer_payment.ledger.accounts import Account
    from overseer_payment.schemas import CustomerRow
    from overseer_payment.sending import Sender


async def erase(engine: AsyncEngine, id: int, intent: Intent) -> int:
    """Erase whom our customer `id` is about; answers how many stored deliveries they were taken out of."""
    account_id, parts = await committed(engine, _forget, id, intent)
    for some in parts[1:]:
        await committed(engine, forgetting.forget_more, account_id, some)
    if parts[1:]:
        await committed(engine, forgetting.blank_rows, id)
    ids = frozenset(chain.from_iterable(parts))
    total, after = 0, 0
    while True:
        count, following = await committed(engine, forgetting_events.blank_some, account_id, ids, after=after)
        total += count
        if following is None:
            return total
        after = following


def _forget(connection: Connection, id: int, intent: Intent) -> tuple[int, list[list[str]]]:
    query = select(tables.customer).where(tables.customer.c.id == id).with_for_update()
    row = connection.execute(query).one()
    now = utcnow()
    parts = forgetting.forget(connection, row, now=now)
    operations.note(connection, row.account_id, intent, now=now)
    return row.account_id, parts


async def delete_there(
    engine: AsyncEngine, sender: Sender, account: Account, found: CustomerRow, actor: str
) -> None:
    """Delete the customer at the provider, too. Raises what the provider raises."""
    intent = Intent(kind="customer_deletion", actor=actor, request={"customer": found.provider_customer_id})
    begun = await committed(engine, _begin, found.id, intent)
    await sender.carry_out(account, begun)


def _begin(connection: Connection, id: int, intent: Intent) -> operations.Begun:
    of = select(tables.customer.c.account_id).where(tables.customer.c.id == id)
    return operations.begin(connection, connection.execute(of).scalar_one(), intent, now=utcnow())
