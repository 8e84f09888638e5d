"""Values that are written into statements, where a database must know them to plan well."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, bindparam


def spelled(value: int | str) -> BindParameter[Any]:
    """A value that is written into the statement, for an index that begins with what few rows have.

    PostgreSQL may plan a statement for any value at once. It then takes a rare state for a common one, and
    walks through all rows to find its first.
    """
    return bindparam(None, value, literal_execute=True)
