"""Every misconfiguration that can be seen from here, each with its cure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from overseer_payment.errors import PaymentError, SignatureInvalid, WebhookNotConfigured
from overseer_payment.schemas import Finding, ProviderState, Viewer

if TYPE_CHECKING:
    from overseer_payment.service import Payments

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


async def examine(payments: Payments) -> list[Finding]:
    """Findings, errors first."""
    findings = [*await _database(payments), *_providers(payments), *_public_url(payments)]
    if payments.registry.configured():
        findings += [*_webhook(payments), *await _reachable(payments)]
    order = {"error": 0, "warning": 1, "ok": 2}
    return sorted(findings, key=lambda finding: order[finding.level])


async def _database(payments: Payments) -> list[Finding]:
    from overseer_payment.database import outdated

    try:
        if await outdated(payments.engine):
            return [
                _error("database", "The database schema is outdated.", "Run: overseer payment db upgrade")
            ]
        status = await payments.status(Viewer.operator("doctor"))
    except PaymentError as error:
        return [_error("database", error.detail, "Check OVERSEER_DATABASE_URL, then run this again.")]
    found = [_ok("database", "The database is reachable and up to date.")]
    if status.failed_events:
        count = f"{status.failed_events} events" if status.failed_events > 1 else "1 event"
        found.append(
            _warning(
                "events", f"{count} could not be applied.", "Look at them in the dashboard; mend and replay."
            )
        )
    return found


def _providers(payments: Payments) -> list[Finding]:
    rows = payments.providers()
    found = [
        _error(f"provider.{row.key}", f"{row.title} is broken: {row.error}", "Mend or uninstall it.")
        for row in rows
        if row.state is ProviderState.BROKEN
    ]
    if not any(row.state is ProviderState.READY for row in rows):
        found.append(
            _error(
                "provider",
                "No payment provider is configured.",
                "Set STRIPE_SECRET_KEY (a restricted key, rk_test_… or rk_live_…) and restart.",
            )
        )
    else:
        try:
            key = payments.provider_key()
            mode = "live" if payments.registry.get(key).livemode else "test"
            found.append(
                _ok("provider", f"{payments.registry.spec(key).title} is configured, in {mode} mode.")
            )
        except PaymentError as error:
            found.append(_error("provider", error.detail, "Correct the setting and restart."))
    return found


def _webhook(payments: Payments) -> list[Finding]:
    from overseer_payment.database import utcnow

    cure = (
        "Copy the endpoint's signing secret (whsec_…) from the provider's dashboard into its webhook setting."
    )
    found = []
    for key in payments.registry.configured():
        try:
            payments.registry.get(key).verify_webhook(b"{}", {}, now=utcnow())
        except WebhookNotConfigured as error:
            found.append(_error(f"webhook.{key}", error.detail, cure))
        except (SignatureInvalid, PaymentError):
            # An unsigned body must be refused: that it is, is the good news.
            found.append(_ok(f"webhook.{key}", "A webhook signing secret is set."))
    return found


async def _reachable(payments: Payments) -> list[Finding]:
    health = await payments.health()
    if health.healthy:
        return [_ok("health", health.message)]
    return [_error("health", health.message, "Check the API key, STRIPE_API_BASE and the network.")]


def _public_url(payments: Payments) -> list[Finding]:
    parts = urlsplit(payments.settings.public_url)
    if parts.scheme == "https":
        return [_ok("public_url", f"The public URL is {payments.settings.public_url}.")]
    if parts.hostname in _LOOPBACK:
        live = any(account.livemode for account in payments.homes())
        if not live:
            return []
        return [
            _error(
                "public_url",
                "A live key is set, but the public URL leads to this machine only.",
                "Set OVERSEER_PUBLIC_URL to the https address that buyers and the provider reach.",
            )
        ]
    return [
        _error(
            "public_url",
            "The public URL is not https: payments and log-ins would travel in the clear.",
            "Put the service behind https and set OVERSEER_PUBLIC_URL accordingly.",
        )
    ]


def _ok(id: str, title: str) -> Finding:
    return Finding(id=id, level="ok", title=title)


def _warning(id: str, title: str, cure: str) -> Finding:
    return Finding(id=id, level="warning", title=title, cure=cure)


def _error(id: str, title: str, cure: str) -> Finding:
    return Finding(id=id, level="error", title=title, cure=cure)
