"""What drivers raise about the database itself, as one sentence with the cure in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from overseer_payment.errors import DatabaseError, DatabaseReadOnly

_READ_ONLY = (
    "The database is read-only, so nothing can be recorded or sent. Give this process write access to it, "
    "or point OVERSEER_DATABASE_URL at the primary."
)
_NO_SERVER = "The database can't be reached. Check OVERSEER_DATABASE_URL and that the server is up."
_NO_FILE = (
    "The database's file can't be opened. Make the folder that OVERSEER_DATABASE_URL names, "
    "and let this process write in it."
)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what a driver raises about the database itself into one clear DatabaseError."""
    try:
        yield
    except DBAPIError as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        kind = DatabaseReadOnly if sentence == _READ_ONLY else DatabaseError
        raise kind(sentence, retry_after=5) from error
    except (OSError, sqlite3.OperationalError) as error:
        raise DatabaseError(
            f"The database can't be reached ({type(error).__name__}).", retry_after=5
        ) from error


def _sentence(error: DBAPIError) -> str | None:
    """What to tell a person, or None when it is a fault of ours rather than of the database."""
    if is_transient(error):  # PostgreSQL's text names who is "blocked": that is no locked file
        return "The database is too busy. Try again in a moment."
    text = str(error.orig).lower()
    state = getattr(error.orig, "sqlstate", None) or ""
    if "no such table" in text or "no such column" in text or state in {"42P01", "42703"}:
        return "The database schema is missing or outdated. Run: overseer payment db upgrade"
    if "locked" in text or "busy" in text:
        return "The database is locked by another process. Try again in a moment."
    if "readonly" in text or "read-only" in text or state == "25006":
        return _READ_ONLY
    if "disk is full" in text or state == "53100":
        return "The database has no room left."
    if "unable to open" in text:
        return _NO_FILE
    if error.connection_invalidated or state.startswith(("08", "57P", "28", "3D")):
        return _NO_SERVER
    kind = type(error.orig)
    if kind.__name__ == "OperationalError" and not state and "sqlite" not in kind.__module__:
        return _NO_SERVER
    return None


def is_transient(error: BaseException) -> bool:
    """A deadlock or serialisation failure: the same transaction, run again, will do."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in {"40P01", "40001"}
