"""An application that is told of payments: its own table, its listeners, and what they heard."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from overseer_payment.listening import Listener, News, inside, on
from tests.service.shop import Shop

own = MetaData()
access = Table(
    "app_access",
    own,
    Column("id", Integer, primary_key=True),
    Column("subscription", String(80), nullable=False, unique=True),
)
"""A table of the application's own, on the same engine."""

Open = Callable[..., AbstractAsyncContextManager[Shop]]
"""Opens a shop whose application has the given listeners."""

on_one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what does not depend on the database."""


class Ears:
    """A listener that remembers what it was told, and fails as often as it is asked to."""

    def __init__(self) -> None:
        self.heard: list[News] = []
        self.failures = 0

    def __call__(self, *topics: str, **options: Any) -> Listener:
        async def listen(news: News) -> None:
            if self.failures:
                self.failures -= 1
                raise ValueError("as asked")
            self.heard.append(news)

        return on(*topics, name=options.pop("name", "ears"), **options)(listen)

    @property
    def topics(self) -> list[str]:
        return [news.topic for news in self.heard]


@inside("subscription.started", name="grant")
async def grant(connection: AsyncConnection, news: News) -> None:
    """As an application would: a row of its own in the same commit."""
    await connection.execute(insert(access).values(subscription=news.subscription.provider_subscription_id))


async def granted(shop: Shop) -> int:
    """How many have access."""
    return await shop.count(access)
