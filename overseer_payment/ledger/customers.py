"""Which host user a customer belongs to. This link is ours: no news from the provider alters it."""

from __future__ import annotations

from sqlalchemy import Connection, update

from overseer_payment import tables
from overseer_payment.provider import CheckoutSnapshot, CustomerSnapshot, Snapshot


def remember(connection: Connection, account_id: int, snapshot: Snapshot, user_id: str | None) -> None:
    """Note for whom a customer or a checkout was just made, in the transaction that records it."""
    if user_id is None:
        return
    if isinstance(snapshot, CustomerSnapshot):
        table, key = tables.customer, tables.customer.c.provider_customer_id
    elif isinstance(snapshot, CheckoutSnapshot):
        table, key = tables.checkout, tables.checkout.c.session_id
    else:
        return
    mine = (table.c.account_id == account_id) & (key == snapshot.id)
    connection.execute(update(table).where(mine).values(user_id=user_id))
