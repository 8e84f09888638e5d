"""The Settings tab: mode, providers, the webhook address to copy, and what the doctor says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from overseer_payment.cards.addresses import Address
from overseer_payment.cards.frame import frame_of, view
from overseer_payment.provider import NamesItsKey
from overseer_payment.schemas import Finding, ProviderRow, ProviderState

if TYPE_CHECKING:
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit


@dataclass(frozen=True, slots=True)
class Connected:
    """One provider that can send events: where to, and what is known of its key and its secret."""

    provider: str
    title: str
    url: str
    fingerprint: str | None
    """Tells one key from another; the key itself is never shown."""
    livemode: bool | None
    secret: Finding | None
    """What the doctor says of the signing secret."""


async def settings(seen: Visit) -> View:
    """What is configured, and what is wrong with it."""
    from overseer_payment import doctor

    providers = seen.payments.providers()
    findings, heard = await doctor.at_once(seen.payments)
    usable = [row for row in providers if row.state in {ProviderState.READY, ProviderState.NOT_CONFIGURED}]
    return view(
        seen,
        "settings.html",
        title="Settings",
        frame=await frame_of(seen, "settings"),
        providers=providers,
        connected=[_connected(seen, row, findings) for row in usable],
        findings=findings,
        heard=heard,
        wrong=sum(finding.level != "ok" for finding in findings),
    )


def _connected(seen: Visit, row: ProviderRow, findings: list[Finding]) -> Connected:
    built = seen.payments.built().get(row.key)
    return Connected(
        provider=row.key,
        title=row.title,
        url=_webhook(seen, row.key),
        fingerprint=built.key_fingerprint if isinstance(built, NamesItsKey) else None,
        livemode=None if built is None else built.livemode,
        secret=next((one for one in findings if one.id == f"webhook.{row.key}"), None),
    )


def _webhook(seen: Visit, provider: str) -> str:
    """The public address when it is configured, else the one this request came to."""
    public = str(seen.host.config.get("OVERSEER_PUBLIC_URL") or "").rstrip("/")
    here = f"{seen.request.url.scheme}://{seen.request.url.netloc}"
    return f"{public or here}{seen.links.root}/api/v1/payment/webhook/{provider}"


PAGES = (Address("/payment/modal/settings", settings, "payment.admin"),)
