"""Does our own webhook answer at its public address?"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from overseer_payment.doctor.findings import error, ok, warning
from overseer_payment.doctor.urls import LOOPBACK
from overseer_payment.schemas import Finding
from overseer_payment.shown.endpoints import webhook_urls

if TYPE_CHECKING:
    import httpx

    from overseer_payment.service import Payments

_PATIENCE = 5.0
# A delivery without a signature is refused, or there is no secret to check one with: either is our webhook.
_OURS = frozenset({"signature_invalid", "webhook_not_configured"})


async def reach(payments: Payments) -> list[Finding]:
    """Knock at the webhook's public address with an unsigned delivery, which must be refused."""
    key = payments.registry.default()
    if key is None or urlsplit(payments.settings.public_url).hostname in LOOPBACK:
        return []  # while somebody develops, the server needn't run
    import httpx

    async with httpx.AsyncClient(timeout=_PATIENCE) as http:
        return [await knock(http, webhook_urls(payments, key)[0])]


async def knock(http: httpx.AsyncClient, url: str) -> Finding:
    """What answers there?"""
    import httpx

    cure = "Check that the server runs, that the proxy passes this path on, and OVERSEER_PUBLIC_URL."
    try:
        answer = await http.post(url, content=b"{}", headers={"content-type": "application/json"})
    except (httpx.HTTPError, ValueError):
        return error("reach", f"Nobody answers at {url}.", cure)
    try:
        code = answer.json().get("code")
    except (ValueError, AttributeError):
        code = None
    if code in _OURS:
        return ok("reach", f"The webhook answers at {url}.")
    problem = f"Something else than the webhook answers at {url} (HTTP {answer.status_code})."
    return warning("reach", problem, cure)
