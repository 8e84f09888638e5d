"""One PostgreSQL database for many tests: emptied after each, which takes a twentieth of making another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg
from psycopg import Connection, sql

from overseer_payment.tables.columns import VERSION_TABLE
from tests.support.postgres import Postgres

# Whatever alters a table, an index or a sequence leaves a row of a later transaction in these.
_SHAPE = """
    SELECT count(*), max(pg_class.xmin::text::bigint), max(pg_attribute.xmin::text::bigint)
    FROM pg_class LEFT JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = 'public'::regnamespace
"""
_VERSION = sql.SQL("SELECT xmin::text FROM {}").format(sql.Identifier(VERSION_TABLE))
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_LEAVE = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_COUNT_FROM_ONE = """
    SELECT setval(oid::regclass, 1, false) FROM pg_class
    WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace
"""


@dataclass
class Emptied:
    """Lends databases with the tables of `like` and no row; altered ones are not lent again."""

    server: Postgres
    like: str
    _idle: list[_Lent] = field(default_factory=list)
    _all: ExitStack = field(default_factory=ExitStack)

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of one for the length of the block. Connections left open in it are ended."""
        lent = self._idle.pop() if self._idle else _Lent.made(self)
        yield lent.url
        if lent.emptied():
            self._idle.append(lent)

    def made(self) -> str:
        """Another one, dropped when all are."""
        return self._all.enter_context(self.server.database(like=self.like))

    def close(self) -> None:
        """Drop them."""
        self._all.close()


@dataclass
class _Lent:
    url: str
    tables: list[str] = field(default_factory=list)
    shape: tuple[Any, ...] = ()

    @classmethod
    def made(cls, among: Emptied) -> _Lent:
        lent = cls(among.made())
        with lent._connected() as connection:
            lent.tables = lent._tables(connection)
            lent.shape = lent._shape(connection)
        return lent

    def emptied(self) -> bool:
        """Take out every row and every table of a test's own; False if one of ours was altered."""
        with self._connected() as connection:
            connection.execute(_LEAVE)
            _each(connection, "DROP TABLE {}", set(self._tables(connection)) - set(self.tables))
            if self._shape(connection) != self.shape:
                return False
            _each(connection, "DELETE FROM {}", self.tables)
            connection.execute(_COUNT_FROM_ONE)
        return True

    def _tables(self, connection: Connection[Any]) -> list[str]:
        return [name for (name,) in connection.execute(_TABLES) if name != VERSION_TABLE]

    def _shape(self, connection: Connection[Any]) -> tuple[Any, ...]:
        return (*connection.execute(_VERSION), *connection.execute(_SHAPE))

    @contextmanager
    def _connected(self) -> Iterator[Connection[Any]]:
        plain = self.url.replace("postgresql+psycopg://", "postgresql://")
        with closing(psycopg.connect(plain, autocommit=True)) as connection:
            yield connection


def _each(connection: Connection[Any], statement: LiteralString, tables: Iterable[str]) -> None:
    one = sql.SQL(statement)
    connection.execute(sql.SQL(";").join(one.format(sql.Identifier(name)) for name in tables))
