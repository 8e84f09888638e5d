"""Who listens on which database, in this process.

Everything that records (events, answers, reads, repairs) does so over an engine and knows nothing of
applications. Bound to the engine, listeners are found wherever something is recorded, none forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import twins
from overseer_payment.listening import Listener

_attached: WeakKeyDictionary[Engine, Mapping[str, Listener]] = WeakKeyDictionary()


def attach(engine: AsyncEngine, listeners: Iterable[Listener]) -> Mapping[str, Listener]:
    """Have these be told from now on of what is recorded over `engine`; answers them by name."""
    named = {listener.name: listener for listener in listeners}
    if named:  # another service on the same engine that brings none takes nobody's away
        for each in twins.engines(engine):
            _attached[each] = named
        if any(listener.inside for listener in named.values()):
            twins.do_without(engine)  # their handlers are awaited by the loop, within the transaction
    return named


def here(connection: Connection) -> Mapping[str, Listener]:
    """The listeners whose code this process has, by name."""
    return _attached.get(connection.engine, {})
