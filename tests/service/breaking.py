"""Breaks the database or the process at a chosen place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import twins
from overseer_payment.held import Held

COMMIT = "COMMIT"


class Died(BaseException):
    """The process ended here: nothing catches it, nothing is tidied up."""


@dataclass
class Breaker:
    """Watches every statement and commit of an engine; `at` decides where to raise."""

    at: Callable[[str], BaseException | None] = lambda _: None
    seen: list[str] = field(default_factory=list)

    def __call__(self, statement: str) -> None:
        self.seen.append(statement)
        error = self.at(statement)
        if error is not None:
            raise error


@contextmanager
def breaker(engine: AsyncEngine) -> Iterator[Breaker]:
    """A breaker on `engine` for the length of the block."""
    watch = Breaker()

    def before(_: Any, __: Any, statement: str, *___: Any) -> None:
        watch(statement)

    def commit(_: Any) -> None:
        if engine.dialect.name == "postgresql":  # elsewhere it is a statement of our own
            watch(COMMIT)

    true = Held.execute

    async def kept(held: Held, statement: str, values: Sequence[Any]) -> bool:
        if held._engine is engine:
            try:
                watch(statement)
                watch(COMMIT)  # the statement commits itself
            except OSError:
                held.close()
                return False
        return await true(held, statement, values)

    watched = twins.engines(engine)
    for each in watched:
        event.listen(each, "before_cursor_execute", before)
        event.listen(each, "commit", commit)
    try:
        with mock.patch.object(Held, "execute", kept):
            yield watch
    finally:
        for each in watched:
            event.remove(each, "before_cursor_execute", before)
            event.remove(each, "commit", commit)


def dying_at_commit(number: int) -> Callable[[str], BaseException | None]:
    """Die at the `number`th commit of something written from now on (the first is 1)."""
    left, written = number, False

    def at(statement: str) -> BaseException | None:
        nonlocal left, written
        written |= statement.lstrip().startswith(("INSERT", "UPDATE", "DELETE", "WITH"))
        if statement != COMMIT or not written:
            return None
        left, written = left - 1, False
        return Died() if left == 0 else None

    return at


def failing_on(*parts: str) -> Callable[[str], BaseException | None]:
    """Lose the database at each statement that contains all of `parts`."""
    return lambda statement: OSError("connection lost") if all(p in statement for p in parts) else None
