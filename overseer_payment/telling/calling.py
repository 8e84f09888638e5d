"""Calling a handler: bounded, sync or async, and whatever it raises contained."""

from __future__ import annotations

import asyncio
import inspect
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.util import await_only

from overseer_payment.breakdowns import is_transient
from overseer_payment.errors import ConfigurationError, ListenerFailed
from overseer_payment.listening import Listener, News
from overseer_payment.plugins import is_our_end
from overseer_payment.telling.hands import AllHang, Hands

log = logging.getLogger("overseer_payment.telling")

_ENDED = "transaction_ended"
_NOT_YOURS = "Told inside, a listener leaves the transaction to us: no commit, no rollback."


async def tell(listener: Listener, news: News, hands: Hands) -> None:
    """Call a handler after the commit; a plain function in a thread. Raises ListenerFailed."""
    try:
        async with asyncio.timeout(listener.timeout):
            if inspect.iscoroutinefunction(listener.handler):
                await listener.handler(news)
            else:
                answer, error = await hands.call(partial(listener.handler, news))
                if error is not None:
                    raise _failed(listener, news, error)
                if inspect.isawaitable(answer):  # an object whose call is async
                    await answer
    except ListenerFailed:
        raise
    except BaseException as error:
        if is_our_end(error):
            raise
        raise _failed(listener, news, error) from None


def tell_inside(listener: Listener, connection: Connection, news: News) -> None:
    """Call a handler in the transaction of `connection`. Raises ListenerFailed, which undoes all of it."""
    try:
        with _ours_to_end(connection):
            if inspect.iscoroutinefunction(listener.handler):
                # We run in SQLAlchemy's greenlet: what is awaited here, the loop outside awaits for us.
                await_only(_bounded(listener, connection, news))
            elif inspect.iscoroutine(answer := listener.handler(connection, news)):
                answer.close()
                raise ConfigurationError("it hides that it is async. Mark the `async def` itself.")
    except BaseException as error:
        if is_transient(error) or is_our_end(error):
            raise  # the same transaction, run again, will do
        raise _failed(listener, news, error) from None


def try_inside(listener: Listener, connection: Connection, news: News) -> bool:
    """The same; if it fails, only what the handler wrote is undone. Answers whether it was told.

    Raises ListenerFailed still for one that tried to end the transaction: of that nothing is left.
    """
    try:
        with connection.begin_nested():
            tell_inside(listener, connection, news)
    except ListenerFailed as error:
        if error.code == _ENDED:
            raise
        return False
    return True


async def _bounded(listener: Listener, connection: Connection, news: News) -> None:
    async with asyncio.timeout(listener.timeout):
        await listener.handler(AsyncConnection(AsyncEngine(connection.engine), connection), news)


@contextmanager
def _ours_to_end(connection: Connection) -> Iterator[None]:
    """Refuse whoever would end the transaction within the block. Raises ConfigurationError."""
    tried = False

    def refuse(_: Any) -> None:
        nonlocal tried
        tried = True
        raise ConfigurationError(_NOT_YOURS, code=_ENDED)

    event.listen(connection, "commit", refuse)
    event.listen(connection, "rollback", refuse)
    try:
        yield
    finally:
        event.remove(connection, "commit", refuse)
        event.remove(connection, "rollback", refuse)
        if tried:
            # What was refused half way left SQLAlchemy's idea of the transaction useless: undo it whole,
            # also if the listener caught our error.
            connection.rollback()
            raise ConfigurationError(_NOT_YOURS, code=_ENDED)


def _failed(listener: Listener, news: News, error: BaseException) -> ListenerFailed:
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "nowhere known"
    # Never the text: it may hold what the handler was given.
    log.warning("%s failed on %s: %s at %s", listener.name, news.topic, type(error).__name__, where)
    if isinstance(error, TimeoutError):
        return ListenerFailed(f"{listener.name} did not end within {listener.timeout:g} seconds.")
    if isinstance(error, AllHang):
        return ListenerFailed(
            f"{listener.name} still hangs in earlier calls. Mend it and restart the process."
        )
    if isinstance(error, ConfigurationError):
        return ListenerFailed(f"{listener.name}: {error.detail}", code=error.code)
    return ListenerFailed(f"{listener.name} raised {type(error).__name__}. The server's log names the place.")
