"""Which rows a question is about: accounts that are looked at, and customers that a user owns."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, select, true
from sqlalchemy.sql.elements import KeyedColumnElement

from overseer_payment import tables
from overseer_payment.ledger.counting import ALIKE, Counting
from overseer_payment.ledger.paging import MOST_RUNS


@dataclass(frozen=True, slots=True)
class Scope:
    """Rows of these accounts; of a user's own customers only, unless `user_id` is None."""

    account_ids: tuple[int, ...]
    user_id: str | None = None
    counting: Counting = ALIKE
    """How the sums of these accounts are added."""

    def rows(self, table: Any) -> ColumnElement[bool]:
        """Rows of a table that has `account_id` and `customer_id`."""
        return and_(table.c.account_id.in_(self.account_ids), self.own(table.c.customer_id))

    def customers(self) -> ColumnElement[bool]:
        here = tables.customer.c.account_id.in_(self.account_ids)
        return here if self.user_id is None else and_(here, tables.customer.c.user_id == self.user_id)

    def own(self, customer_id: KeyedColumnElement[Any]) -> ColumnElement[bool]:
        if self.user_id is None:
            return true()
        mine: Select[Any] = select(tables.customer.c.id).where(self.customers())
        return customer_id.in_(mine)

    def listed(
        self, connection: Connection, table: Any, customers: Collection[int] | None = None
    ) -> ColumnElement[bool]:
        """The same rows as `rows`, for lists: of these `customers` (of our accounts) only, if they are given.

        With customers it names no account: databases would walk through all of the account's rows in the
        list's order, instead of going to the customer's few.
        """
        if self.user_id is not None:
            own = set(connection.execute(select(tables.customer.c.id).where(self.customers())).scalars())
            customers = own if customers is None else own & set(customers)
        if customers is None:
            in_accounts: ColumnElement[bool] = table.c.account_id.in_(self.account_ids)
            return in_accounts
        key = table.c.id if table is tables.customer else table.c.customer_id
        of_customers: ColumnElement[bool] = key.in_(sorted(customers))
        return of_customers

    def runs(
        self, connection: Connection, table: Any, customers: Collection[int] | None = None
    ) -> list[ColumnElement[bool]]:
        """What `listed` finds in parts, each of which an index has in the list's order.

        With several accounts in one question, databases would sort all rows that there are.
        """
        several = 1 < len(self.account_ids) <= MOST_RUNS
        if several and customers is None and self.user_id is None:
            return [table.c.account_id == id for id in self.account_ids]
        return [self.listed(connection, table, customers)]
