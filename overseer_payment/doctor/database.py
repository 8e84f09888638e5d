"""Is there a database to work on, is it up to date, and is it the right one?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.database import outdated
from overseer_payment.doctor.findings import error, ok, warning
from overseer_payment.errors import ConfigurationError, PaymentError
from overseer_payment.schemas import Finding, Viewer

if TYPE_CHECKING:
    from overseer_payment.service import Payments


async def database(payments: Payments) -> list[Finding]:
    try:
        if await outdated(payments.engine):
            if payments.engine.dialect.name == "sqlite":
                return [ok("database", "The SQLite database is made or brought up to date at its first use.")]
            return [
                error(
                    "database",
                    "The database schema is missing or outdated.",
                    "Run: overseer payment db upgrade",
                )
            ]
        if mixed := await _mixed_with_demo(payments):
            return mixed
        status = await payments.status(Viewer.operator("doctor"))
    except PaymentError as failure:
        return [error("database", failure.detail, "Check OVERSEER_DATABASE_URL, then run this again.")]
    if status.read_only:
        return [
            error(
                "database",
                "The database is read-only: nothing new is recorded, and nothing can be changed.",
                "Give this process write access to it, or point OVERSEER_DATABASE_URL at the primary.",
            )
        ]
    found = [ok("database", "The database is reachable and up to date.")]
    if status.failed_events:
        count = f"{status.failed_events} events" if status.failed_events > 1 else "1 event"
        cure = (
            "See why: overseer payment events --failed. "
            "Mend the cause, then: overseer payment events replay --failed"
        )
        found.append(warning("events", f"{count} could not be applied.", cure))
    return found


async def _mixed_with_demo(payments: Payments) -> list[Finding]:
    try:
        await payments.require_no_demo()
    except ConfigurationError as failure:
        return [error("demo", failure.detail, "Keep live payments and demos in databases of their own.")]
    return []
