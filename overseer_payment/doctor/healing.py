"""Was the provider asked for what never arrived, and does the ledger agree with it?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from overseer_payment.committing import queried
from overseer_payment.database import utcnow
from overseer_payment.doctor.findings import ok, warning
from overseer_payment.errors import DatabaseError
from overseer_payment.ledger import accounts, reports
from overseer_payment.ledger.accounts import Account
from overseer_payment.schemas import Finding
from overseer_payment.sync import Healing, LastRun, last_runs, sources

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from overseer_payment.service import Payments

_LONG = timedelta(hours=3)  # recovery is due every hour


async def healing(payments: Payments) -> list[Finding]:
    try:
        runs = {(run.account, run.kind): run for run in await last_runs(payments.engine)}
        heard = await queried(payments.engine, _first_heard)
    except DatabaseError:
        return []  # told as such already
    found = []
    for source in sources(payments.registry, payments.homes()):
        recovery = runs.get((source.account, Healing.RECOVERY))
        if source.tells_events and source.account.account not in accounts.MADE_UP:
            found += _recovery(source.spec.title, recovery, heard.get(source.account))
        compared = runs.get((source.account, Healing.RECONCILIATION))
        if compared is not None and (left := compared.counts.get("unhealed")):
            problem = f"The last comparison with {source.spec.title} left {left} differences."
            found.append(warning("drift", problem, "Mend them: overseer payment reconcile --heal"))
    return found


def _first_heard(connection: Connection) -> dict[Account, datetime]:
    known = accounts.known(connection)
    heard = {account: reports.first_event_at(connection, [id]) for account, id in known.items()}
    return {account: at for account, at in heard.items() if at is not None}


def _recovery(title: str, run: LastRun | None, heard: datetime | None) -> list[Finding]:
    """Was a provider asked for missed events lately, if anything was ever heard of it?"""
    since = run.finished_at if run is not None and run.finished_at is not None else heard
    if since is None:
        return []
    if utcnow() - since <= _LONG:
        return [ok("healing", f"{title} was asked for missed events not long ago.")] if run else []
    why = f" The last try: {run.error}" if run is not None and run.error else ""
    problem = f"{title} has not been asked for missed events since {since:%Y-%m-%d %H:%M} UTC.{why}"
    cure = (
        "Keep a server or `overseer payment work` running, without PAYMENT_HEALING=0. "
        "At once: overseer payment sync"
    )
    return [warning("healing", problem, cure)]
