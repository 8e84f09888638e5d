"""Are deliveries believed if and only if they should be?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from overseer_payment.committing import queried
from overseer_payment.database import utcnow
from overseer_payment.doctor.findings import error, ok, warning
from overseer_payment.errors import DatabaseError, PaymentError, WebhookNotConfigured
from overseer_payment.ledger import accounts, reports
from overseer_payment.ledger.accounts import Account
from overseer_payment.provider import TellsFaults
from overseer_payment.schemas import Finding

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from overseer_payment.service import Payments

_UNUSED = "Correct or remove it, and restart."
_LATELY = timedelta(days=2)


def secrets(payments: Payments) -> list[Finding]:
    cure = (
        "Copy the endpoint's signing secret (whsec_…) from the provider's dashboard into its webhook setting."
    )
    found = []
    for key, provider in payments.built().items():
        try:
            provider.verify_webhook(b"{}", {}, now=utcnow())
        except WebhookNotConfigured as failure:
            found.append(error(f"webhook.{key}", failure.detail, cure))
        except PaymentError:
            # An unsigned body must be refused: that it is, is the good news.
            found.append(ok(f"webhook.{key}", "A webhook signing secret is set."))
        except Exception as failure:
            problem = f"Checking a delivery fails with {type(failure).__name__}."
            found.append(error(f"webhook.{key}", problem, "Mend or uninstall the provider's plugin."))
        else:
            problem = "Deliveries without a signature are accepted: anybody could invent payments."
            found.append(error(f"webhook.{key}", problem, "Uninstall the provider's plugin."))
        if isinstance(provider, TellsFaults):
            found += [warning(f"settings.{key}", fault, _UNUSED) for fault in provider.faults()]
    return found


async def modes(payments: Payments) -> list[Finding]:
    """Do deliveries of the mode arrive that the key does not belong to?"""
    homes = payments.homes()
    try:
        foreign = await queried(payments.engine, _foreign, homes)
    except DatabaseError:
        return []  # told as such already
    found = []
    for home in foreign:
        key, other = ("live", "test") if home.livemode else ("test", "live")
        problem = f"A {key} key is set, but events of {other} mode arrive: key and endpoint differ in mode."
        cure = f"Use the key and the endpoint's secret of one mode; delete the {other} endpoint if unneeded."
        found.append(warning(f"mode.{home.provider}", problem, cure))
    return found


def _foreign(connection: Connection, homes: list[Account]) -> list[Account]:
    """Accounts whose other mode was heard of lately, and later than they were themselves."""
    known, found = accounts.known(connection), []
    for home in homes:
        other = Account(home.provider, home.account, not home.livemode)
        theirs = reports.last_event_at(connection, [known[other]]) if other in known else None
        ours = reports.last_event_at(connection, [known[home]]) if home in known else None
        if theirs is not None and utcnow() - theirs < _LATELY and (ours is None or ours < theirs):
            found.append(home)
    return found
