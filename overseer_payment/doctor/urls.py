"""Can the addresses be used that buyers and the provider are sent to?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from overseer_payment.doctor.findings import error, ok, warning
from overseer_payment.errors import PaymentError
from overseer_payment.redirects import checked
from overseer_payment.schemas import Finding

if TYPE_CHECKING:
    from overseer_payment.service import Payments

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?\Z|\[[0-9a-fA-F:]+\](?::[0-9]{1,5})?\Z"
)


def public_url(payments: Payments) -> list[Finding]:
    parts = urlsplit(payments.settings.public_url)
    live = any(account.livemode for account in payments.homes())
    if parts.hostname in LOOPBACK:
        problem = "A live key is set, but the public URL leads to this machine only."
        cure = "Set OVERSEER_PUBLIC_URL to the https address that buyers and the provider reach."
        return [error("public_url", problem, cure)] if live else []
    if parts.scheme == "https":
        return [ok("public_url", f"The public URL is {payments.settings.public_url}.")]
    problem = "The public URL is not https: payments and log-ins would travel in the clear."
    cure = "Put the service behind https and set OVERSEER_PUBLIC_URL accordingly."
    return [error("public_url", problem, cure)]


def landing(payments: Payments) -> list[Finding]:
    """The operator's own return addresses are used as they are: is a mistake in them seen in time?"""
    settings, found = payments.settings, []
    for name, url in (
        ("PAYMENT_SUCCESS_URL", settings.success_url),
        ("PAYMENT_CANCEL_URL", settings.cancel_url),
    ):
        if url is None:
            continue
        host = urlsplit(url).hostname or ""
        try:
            checked(settings, url, name, also=(host,))
        except PaymentError as failure:
            found.append(
                warning(name.removeprefix("PAYMENT_").lower(), failure.detail, f"Correct {name} and restart.")
            )
    return found


def redirect_hosts(payments: Payments) -> list[Finding]:
    """An entry that is no host name allows nothing, and looks as if it did."""
    wrong = [entry for entry in payments.settings.allowed_redirect_hosts if not _HOST.match(entry)]
    if not wrong:
        return []
    problem = (
        f"PAYMENT_ALLOWED_REDIRECT_HOSTS names {', '.join(wrong)}: not a host name, so it allows nothing."
    )
    cure = "Name hosts alone, as in shop.example,pay.shop.example:8443, without scheme, path or *."
    return [warning("redirect_hosts", problem, cure)]
