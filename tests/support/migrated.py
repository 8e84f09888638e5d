"""Our tables, made as an operator makes them."""

from __future__ import annotations

from overseer_payment import database


async def migrate(url: str) -> None:
    """Bring the database at `url` up to date, and leave nobody connected to it."""
    engine = database.create_engine(url)
    await database.upgrade(engine)
    await engine.dispose()
