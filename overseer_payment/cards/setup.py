"""The Settings tab: mode, providers, the webhook address to copy, and what the doctor says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from overseer_payment.cards.addresses import Address
from overseer_payment.cards.frame import frame_of, view
from overseer_payment.schemas import Finding, ProviderState

if TYPE_CHECKING:
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit

_ORDER = {"error": 0, "warning": 1, "ok": 2}


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where one provider sends its events."""

    provider: str
    title: str
    url: str


async def settings(seen: Visit) -> View:
    """What is configured, and what is wrong with it."""
    providers = seen.payments.providers()
    usable = [row for row in providers if row.state in {ProviderState.READY, ProviderState.NOT_CONFIGURED}]
    return view(
        seen,
        "settings.html",
        title="Settings",
        frame=await frame_of(seen, "settings"),
        providers=providers,
        webhooks=[Webhook(row.key, row.title, _webhook(seen, row.key)) for row in usable],
        findings=sorted(await seen.payments.doctor(), key=_urgency),
    )


def _urgency(finding: Finding) -> int:
    return _ORDER[finding.level]


def _webhook(seen: Visit, provider: str) -> str:
    """The public address when it is configured, else the one this request came to."""
    public = str(seen.host.config.get("OVERSEER_PUBLIC_URL") or "").rstrip("/")
    here = f"{seen.request.url.scheme}://{seen.request.url.netloc}"
    return f"{public or here}{seen.links.root}/api/v1/payment/webhook/{provider}"


PAGES = (Address("/payment/modal/settings", settings, "payment.admin"),)
