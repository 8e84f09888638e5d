"""The one template environment, and the two shapes of every view: a whole page, or a fragment of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response

from overseer_payment.cards import timeline, words
from overseer_payment.cards.assets import SCRIPT, STYLESHEET
from overseer_payment.cards.links import Links
from overseer_payment.cards.methods import method

if TYPE_CHECKING:
    from starlette.requests import Request

    from overseer_payment.host_contract import Host

FRAGMENT = "text/vnd.overseer.fragment+html"
"""What our script accepts: the view alone, to be put into the page that is already there."""

PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("overseer_payment.cards", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["words"] = words
    environment.globals["timeline"] = timeline
    environment.filters["phrase"] = words.phrase
    environment.filters["method"] = method
    environment.filters["mail"] = mail
    return environment


def render(template: str, **context: Any) -> Markup:
    """One of our templates as safe HTML; everything in `context` is escaped."""
    # Trusted: the output of an autoescaping environment over our own templates.
    return Markup(_environment().get_template(f"overseer_payment/{template}").render(context))


def mail(address: str) -> Markup:
    """An address that is parted before its host where it doesn't fit, rather than within a word."""
    return escape(address).replace("@", Markup("<wbr>@"))


def part(name: str, *args: object) -> Markup:
    """One of the small parts of `macros.html`, for words that are put together here."""
    macros = _environment().get_template("overseer_payment/macros.html").module
    return Markup(str(getattr(macros, name)(*args)).strip())


def wants_fragment(request: Request) -> bool:
    """Did our script ask, or someone who needs a whole page?"""
    return FRAGMENT in request.headers.get("accept", "")


@dataclass(frozen=True, slots=True)
class View:
    """Something to show: its title, its HTML, and the status that is true of it."""

    title: str
    body: Markup
    status: int = 200


async def answer(host: Host, request: Request, view: View) -> Response:
    """The view as a fragment for our script, or as a page in the host's design."""
    if wants_fragment(request):
        # The script tells our fragments by this header from, say, a login page it was redirected to.
        headers = {**PRIVATE, "Vary": "Accept", "X-Overseer-Fragment": "1"}
        return HTMLResponse(view.body, view.status, headers)
    # A plain string: a host that adds to it must not escape its own part.
    response = await host.page(
        request, title=view.title, body=str(with_assets(Links.of(request), view.body, heading="Payments"))
    )
    response.status_code = view.status
    response.headers.update(PRIVATE)
    response.headers.add_vary_header("Accept")
    return response


def with_assets(links: Links, body: Markup, *, heading: str = "") -> Markup:
    """`body` with our stylesheet and script, for hosts that know nothing of them.

    `heading` is the page's own, for those who listen; the views begin at the second level.
    """
    assets = {"stylesheet": links.asset(STYLESHEET), "script": links.asset(SCRIPT)}
    return render("page.html", **assets, body=body, heading=heading)
