"""Does the provider deliver here: everything, in the right version, signed with a secret that we know?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from overseer_payment.doctor.findings import error, ok, warning
from overseer_payment.doctor.urls import LOOPBACK
from overseer_payment.errors import NotSupported, PaymentError
from overseer_payment.schemas import EndpointRow, Finding
from overseer_payment.shown.endpoints import needed

if TYPE_CHECKING:
    from overseer_payment.service import Payments

_PATIENCE = 5.0  # the dashboard waits for this, too
_CREATE = "Run: overseer payment webhook create"
_LISTEN = "On a machine that it can't reach: overseer payment webhook listen"


async def endpoints(payments: Payments) -> list[Finding]:
    """What is wrong with the endpoints of every configured provider that tells them."""
    found = []
    for key in payments.built():
        try:
            async with asyncio.timeout(_PATIENCE):
                needs = await needed(payments, key)
                rows = [needs.row(one) for one in await needs.manager.list_endpoints()]
        except NotSupported:
            continue
        except (PaymentError, TimeoutError):
            # A restricted key needn't see them, and that the provider is away is told already.
            found.append(
                ok(f"endpoint.{key}", f"{payments.registry.spec(key).title}'s endpoints can't be seen.")
            )
            continue
        found += _of(payments, key, needs.title, [row for row in rows if "other_url" not in row.faults], rows)
    return found


def _of(
    payments: Payments, key: str, title: str, ours: list[EndpointRow], all: list[EndpointRow]
) -> list[Finding]:
    if not ours:
        return _nowhere(payments, key, title, all)
    # While a secret is being replaced two of them deliver: one that is right is enough.
    best = min(ours, key=lambda row: len(row.faults))
    found = [fault for what, fault in _faults(key, best).items() if what in best.faults]
    return found or [ok(f"endpoint.{key}", f"{title} delivers to {best.url}.")]


def _nowhere(payments: Payments, key: str, title: str, all: list[EndpointRow]) -> list[Finding]:
    if urlsplit(payments.settings.public_url).hostname in LOOPBACK:
        return []  # nobody can deliver to this machine: told where it matters, of a live key
    elsewhere = f"; its {len(all)} endpoints lead elsewhere" if all else ""
    problem = f"{title} delivers nothing to {payments.settings.public_url}{elsewhere}."
    return [warning(f"endpoint.{key}", problem, f"{_CREATE}. {_LISTEN}")]


def _faults(key: str, row: EndpointRow) -> dict[str, Finding]:
    update = f"Run: overseer payment webhook update {row.id}"
    replace = f"Replace it: overseer payment webhook rotate {row.id}"
    some = ", ".join(row.missing_events[:3]) + ("…" if len(row.missing_events) > 3 else "")
    return {
        "disabled": error(
            f"endpoint_disabled.{key}", f"The endpoint {row.id} is disabled: nothing arrives.", update
        ),
        "missing_events": warning(
            f"endpoint_events.{key}",
            f"The endpoint {row.id} lacks {len(row.missing_events)} event types that are handled: {some}.",
            update,
        ),
        "api_version": warning(
            f"endpoint_version.{key}",
            f"The endpoint {row.id} sends payloads in {row.api_version or 'the version of the account'}, "
            "not in the one that is read best.",
            replace,
        ),
        "secret_not_set": error(
            f"endpoint_secret.{key}",
            f"None of the configured secrets is that of the endpoint {row.id}: its deliveries are refused.",
            f"Set the secret that was shown when it was made. {replace}",
        ),
    }
