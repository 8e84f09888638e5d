"""What a check finds, and the list of everything that may be found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from overseer_payment.schemas import Finding


@dataclass(frozen=True, slots=True)
class Known:
    """One kind of finding. An id that ends in `.KEY` is told for each provider by its key."""

    about: str
    levels: tuple[str, ...]
    cure: str


CATALOGUE: Mapping[str, Known] = {
    "database": Known(
        "The database is reachable and its schema up to date.",
        ("ok", "error"),
        "`overseer payment db upgrade`, or `OVERSEER_DATABASE_URL`",
    ),
    "demo": Known(
        "A live key on a database that holds a demo.", ("error",), "Another database for live payments"
    ),
    "events": Known(
        "Events that could not be applied.", ("warning",), "`overseer payment events --failed`, then replay"
    ),
    "provider": Known(
        "A provider is configured, and `PAYMENT_PROVIDER` names one that is there.",
        ("ok", "error"),
        "`STRIPE_SECRET_KEY` or `PAYMENT_PROVIDER`",
    ),
    "provider.KEY": Known(
        "A provider's plugin that can't be loaded, or whose settings are wrong.",
        ("error",),
        "The setting that is named; `OVERSEER_DISABLE_PLUGINS`",
    ),
    "webhook.KEY": Known(
        "A signing secret is set, no placeholder, and unsigned deliveries are refused.",
        ("ok", "error"),
        "`STRIPE_WEBHOOK_SECRET`",
    ),
    "settings.KEY": Known(
        "A setting that is left out because it can't be used, such as one of several secrets.",
        ("warning",),
        "Correct or remove it",
    ),
    "mode.KEY": Known(
        "Events arrive of the mode that the key does not belong to.",
        ("warning",),
        "Key and endpoint of one mode",
    ),
    "endpoint.KEY": Known(
        "The provider delivers to our public address.",
        ("ok", "warning"),
        "`overseer payment webhook create`, or `webhook listen`",
    ),
    "endpoint_disabled.KEY": Known(
        "Our endpoint is disabled.", ("error",), "`overseer payment webhook update ID`"
    ),
    "endpoint_events.KEY": Known(
        "Our endpoint lacks event types that are handled.",
        ("warning",),
        "`overseer payment webhook update ID`",
    ),
    "endpoint_version.KEY": Known(
        "Our endpoint sends payloads in another API version.",
        ("warning",),
        "`overseer payment webhook rotate ID`",
    ),
    "endpoint_secret.KEY": Known(
        "The secret of our endpoint is not among the configured ones. Known of endpoints that were made by "
        "`overseer payment webhook`.",
        ("error",),
        "`STRIPE_WEBHOOK_SECRET`, or `overseer payment webhook rotate ID`",
    ),
    "healing": Known(
        "The provider was asked for missed events not long ago.",
        ("ok", "warning"),
        "A running server or worker; `overseer payment sync`",
    ),
    "drift": Known(
        "Differences from the provider that were left as they are.",
        ("warning",),
        "`overseer payment reconcile --heal`",
    ),
    "health": Known(
        "The provider answers with this key.", ("ok", "error"), "The key, `STRIPE_API_BASE`, the network"
    ),
    "clock": Known(
        "This machine's clock agrees with the provider's within 30 s; five minutes off, deliveries are "
        "refused.",
        ("ok", "warning", "error"),
        "NTP",
    ),
    "public_url": Known(
        "The public address is https, and not of this machine alone when the key is live.",
        ("ok", "error"),
        "`OVERSEER_PUBLIC_URL`",
    ),
    "reach": Known(
        "Our webhook answers at its public address. Asked by the command line only.",
        ("ok", "warning", "error"),
        "Server, proxy, `OVERSEER_PUBLIC_URL`",
    ),
    "success_url": Known("The address after paying can be used.", ("warning",), "`PAYMENT_SUCCESS_URL`"),
    "cancel_url": Known("The address after giving up can be used.", ("warning",), "`PAYMENT_CANCEL_URL`"),
    "redirect_hosts": Known(
        "Every allowed host is a host name.", ("warning",), "`PAYMENT_ALLOWED_REDIRECT_HOSTS`"
    ),
}
"""Every id that may be told, in the order of the documentation."""

ORDER = {"error": 0, "warning": 1, "ok": 2}


def ok(id: str, title: str) -> Finding:
    """Something that is as it should be."""
    return Finding(id=id, level="ok", title=title)


def warning(id: str, title: str, cure: str) -> Finding:
    """Something that works, and should be different."""
    return Finding(id=id, level="warning", title=title, cure=cure)


def error(id: str, title: str, cure: str) -> Finding:
    """Something that keeps payments from working, or from being safe."""
    return Finding(id=id, level="error", title=title, cure=cure)
