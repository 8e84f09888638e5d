"""Removes every row of one account: for example data, never for a real one."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, select

from overseer_payment import tables
from overseer_payment.ledger import accounts


def clear(connection: Connection, name: str) -> int:
    """Remove all rows of the made-up account `name`; answers how many events that were."""
    if name not in accounts.MADE_UP:
        raise ValueError(f"{name!r} is not a made-up account")
    ids = [id for account, id in accounts.known(connection).items() if account.account == name]
    if not ids:
        return 0
    event, customer = tables.event, tables.customer
    count = connection.execute(
        select(func.count()).select_from(event).where(event.c.account_id.in_(ids))
    ).scalar_one()
    owned = select(customer.c.id).where(customer.c.account_id.in_(ids))
    connection.execute(delete(tables.customer_total).where(tables.customer_total.c.customer_id.in_(owned)))
    for table in tables.metadata.sorted_tables:
        if "account_id" in table.c:
            connection.execute(delete(table).where(table.c.account_id.in_(ids)))
    connection.execute(delete(tables.provider).where(tables.provider.c.id.in_(ids)))
    return int(count)
