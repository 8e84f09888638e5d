"""Rendering of the hosted pages: templates, their security headers, and amounts as payers read them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from overseer_payment.simulator.resources.amounts import money
from overseer_payment.simulator.resources.shapes import Json
from overseer_payment.simulator.world import World

HERE = Path(__file__).parent
_MERCHANT = "Simulated business"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["money"] = lambda amount, currency: money(amount, currency)
    environment.filters["day"] = written_day
    return environment


def written_day(moment: int) -> str:
    """Write a moment as a day in words: `23 November 2026`."""
    day = datetime.fromtimestamp(moment, UTC)
    return f"{day.day} {day:%B %Y}"


def per(recurring: Json) -> str:
    """Write an interval: `month`, `3 months`."""
    count: int = recurring["interval_count"]
    return str(recurring["interval"]) if count == 1 else f"{count} {recurring['interval']}s"


_ENVIRONMENT = _environment()


def page(
    world: World,
    request: Request,
    template: str,
    *,
    status: int = 200,
    leads_to: tuple[str | None, ...] = (),
    **values: Any,
) -> HTMLResponse:
    """Render a page. `leads_to` are the addresses that its forms may end at after a redirect."""
    root = request.scope.get("root_path", "")
    html = _ENVIRONMENT.get_template(template).render(
        root=root, here=f"{root}{request.scope['path'].removeprefix(root)}",
        merchant=world.settings.get("merchant", _MERCHANT), **values,
    )  # fmt: skip
    return HTMLResponse(html, status, headers=_headers(leads_to))


def _headers(leads_to: tuple[str | None, ...]) -> dict[str, str]:
    # Browsers apply form-action to the redirect after a form too, so its target has to be allowed.
    targets = ["'self'", *sorted({origin(url) for url in leads_to if url})]
    policy = [
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        f"form-action {' '.join(targets)}",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def origin(url: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def see_other(url: str) -> RedirectResponse:
    """Return the redirect that turns a sent form into a page that can be reloaded."""
    return RedirectResponse(url, 303, headers={"Cache-Control": "no-store"})
