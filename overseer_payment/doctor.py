"""Every misconfiguration that can be seen from here, each with its cure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from overseer_payment.committing import queried
from overseer_payment.database import outdated, utcnow
from overseer_payment.errors import ConfigurationError, DatabaseError, PaymentError, WebhookNotConfigured
from overseer_payment.ledger import accounts, reports
from overseer_payment.ledger.accounts import Account
from overseer_payment.provider import TellsFaults
from overseer_payment.redirects import checked
from overseer_payment.schemas import Finding, ProviderState, Viewer
from overseer_payment.sync import Healing, LastRun, last_runs, sources

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from overseer_payment.service import Payments

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_LONG = timedelta(hours=3)  # recovery is due every hour
_UNUSED = "Correct or remove it, and restart."
_ORDER = {"error": 0, "warning": 1, "ok": 2}


async def examine(payments: Payments) -> list[Finding]:
    """Findings, errors first."""
    findings = [*await _database(payments), *_providers(payments), *_urls(payments)]
    if payments.registry.configured():
        findings += [*_webhook(payments), *await _healing(payments), *await _reachable(payments)]
    return sorted(findings, key=lambda finding: _ORDER[finding.level])


async def _database(payments: Payments) -> list[Finding]:
    try:
        if await outdated(payments.engine):
            if payments.engine.dialect.name == "sqlite":
                return [
                    _ok("database", "The SQLite database is made or brought up to date at its first use.")
                ]
            return [
                _error(
                    "database",
                    "The database schema is missing or outdated.",
                    "Run: overseer payment db upgrade",
                )
            ]
        if mixed := await _mixed_with_demo(payments):
            return mixed
        status = await payments.status(Viewer.operator("doctor"))
    except PaymentError as error:
        return [_error("database", error.detail, "Check OVERSEER_DATABASE_URL, then run this again.")]
    found = [_ok("database", "The database is reachable and up to date.")]
    if status.failed_events:
        count = f"{status.failed_events} events" if status.failed_events > 1 else "1 event"
        cure = (
            "See why: overseer payment events --failed. "
            "Mend the cause, then: overseer payment events replay --failed"
        )
        found.append(_warning("events", f"{count} could not be applied.", cure))
    return found


async def _mixed_with_demo(payments: Payments) -> list[Finding]:
    try:
        await payments.require_no_demo()
    except ConfigurationError as error:
        return [_error("demo", error.detail, "Keep live payments and demos in databases of their own.")]
    return []


def _providers(payments: Payments) -> list[Finding]:
    rows = payments.providers()
    found = [
        _error(f"provider.{row.key}", f"{row.title} can't be used: {row.error}", _cure(row.error))
        for row in rows
        if row.state is ProviderState.BROKEN
    ]
    try:
        key = payments.registry.default()
        if key is None:
            return [*found, *([] if found else [_nothing_configured()])]
        mode = "live" if payments.registry.get(key).livemode else "test"
    except PaymentError as error:
        return [*found, _error("provider", error.detail, "Correct the setting and restart.")]
    return [*found, _ok("provider", f"{payments.registry.spec(key).title} is configured, in {mode} mode.")]


def _cure(error: str | None) -> str:
    """A wrong setting is corrected; a plugin that can't be loaded is mended by its author."""
    if error and re.match(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+ ", error):
        return f"Correct {error.split()[0]} and restart."
    return "Mend the plugin, uninstall it, or name it in OVERSEER_DISABLE_PLUGINS."


def _nothing_configured() -> Finding:
    return _error(
        "provider",
        "No payment provider is configured.",
        "Set STRIPE_SECRET_KEY (a restricted key, rk_test_… or rk_live_…) and restart.",
    )


def _webhook(payments: Payments) -> list[Finding]:
    cure = (
        "Copy the endpoint's signing secret (whsec_…) from the provider's dashboard into its webhook setting."
    )
    found = []
    for key, provider in payments.built().items():
        try:
            provider.verify_webhook(b"{}", {}, now=utcnow())
        except WebhookNotConfigured as error:
            found.append(_error(f"webhook.{key}", error.detail, cure))
        except PaymentError:
            # An unsigned body must be refused: that it is, is the good news.
            found.append(_ok(f"webhook.{key}", "A webhook signing secret is set."))
        except Exception as error:
            problem = f"Checking a delivery fails with {type(error).__name__}."
            found.append(_error(f"webhook.{key}", problem, "Mend or uninstall the provider's plugin."))
        else:
            problem = "Deliveries without a signature are accepted: anybody could invent payments."
            found.append(_error(f"webhook.{key}", problem, "Uninstall the provider's plugin."))
        if isinstance(provider, TellsFaults):
            found += [_warning(f"settings.{key}", fault, _UNUSED) for fault in provider.faults()]
    return found


async def _healing(payments: Payments) -> list[Finding]:
    try:
        runs = {(run.account, run.kind): run for run in await last_runs(payments.engine)}
        heard = await queried(payments.engine, _first_heard)
    except DatabaseError:
        return []  # told as such already
    found = []
    for source in sources(payments.registry, payments.homes()):
        recovery = runs.get((source.account, Healing.RECOVERY))
        if source.tells_events:
            found += _recovery(source.spec.title, recovery, heard.get(source.account))
        compared = runs.get((source.account, Healing.RECONCILIATION))
        if compared is not None and (left := compared.counts.get("unhealed")):
            problem = f"The last comparison with {source.spec.title} left {left} differences."
            found.append(_warning("drift", problem, "Mend them: overseer payment reconcile --heal"))
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
        return [_ok("healing", f"{title} was asked for missed events not long ago.")] if run else []
    why = f" The last try: {run.error}" if run is not None and run.error else ""
    problem = f"{title} has not been asked for missed events since {since:%Y-%m-%d %H:%M} UTC.{why}"
    cure = (
        "Keep a server or `overseer payment work` running, without PAYMENT_HEALING=0. "
        "At once: overseer payment sync"
    )
    return [_warning("healing", problem, cure)]


async def _reachable(payments: Payments) -> list[Finding]:
    health = await payments.health(fresh=True)
    if health.healthy:
        return [_ok("health", health.message)]
    return [_error("health", health.message, "Check the API key, STRIPE_API_BASE and the network.")]


def _urls(payments: Payments) -> list[Finding]:
    return [*_public_url(payments), *_landing(payments)]


def _public_url(payments: Payments) -> list[Finding]:
    parts = urlsplit(payments.settings.public_url)
    live = any(account.livemode for account in payments.homes())
    if parts.hostname in _LOOPBACK:
        problem = "A live key is set, but the public URL leads to this machine only."
        cure = "Set OVERSEER_PUBLIC_URL to the https address that buyers and the provider reach."
        return [_error("public_url", problem, cure)] if live else []
    if parts.scheme == "https":
        return [_ok("public_url", f"The public URL is {payments.settings.public_url}.")]
    problem = "The public URL is not https: payments and log-ins would travel in the clear."
    cure = "Put the service behind https and set OVERSEER_PUBLIC_URL accordingly."
    return [_error("public_url", problem, cure)]


def _landing(payments: Payments) -> list[Finding]:
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
        except PaymentError as error:
            found.append(_warning(name.lower(), error.detail, f"Correct {name} and restart."))
    return found


def _ok(id: str, title: str) -> Finding:
    return Finding(id=id, level="ok", title=title)


def _warning(id: str, title: str, cure: str) -> Finding:
    return Finding(id=id, level="warning", title=title, cure=cure)


def _error(id: str, title: str, cure: str) -> Finding:
    return Finding(id=id, level="error", title=title, cure=cure)
