"""Which rows a question is about: accounts that are looked at, and customers that a user owns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select, true
from sqlalchemy.sql.elements import KeyedColumnElement

from overseer_payment import tables


@dataclass(frozen=True, slots=True)
class Scope:
    """Rows of these accounts; of a user's own customers only, unless `user_id` is None."""

    account_ids: tuple[int, ...]
    user_id: str | None = None

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
