"""The host in a real browser: signing in, both themes, all widths, and what the strict policy allows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from overseer_payment.host import create_app
from tests.conftest import NewContext
from tests.host.conftest import HEAD, TOKEN
from tests.support.browser import ConsoleGuard
from tests.support.distributions import Install
from tests.support.server import serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

SHOP = (
    HEAD
    + """
from starlette.responses import RedirectResponse
from starlette.routing import Route
from overseer_payment.host_contract import Card

FORM = '<form method="post" action="/buy/{how}"><button>Buy {how}</button></form>'
ON = '<meta http-equiv="refresh" content="0;url={url}"><a href="{url}">Continue</a>'

async def fine(host, request):
    return "<article><h2>Fine</h2><p>All is well.</p></article>"

async def broken(host, request):
    raise RuntimeError

def card(id, render, width):
    return Card(id=id, title=id.title(), permission="shop", load=render, render=render, href="/shop",
                modal_href="/shop", width=width)

@hookimpl
def register_permissions():
    return {"shop": "look"}

@hookimpl
def register_cards(host):
    return [card("fine", fine, 2), card("broken", broken, 1), card("wide", fine, 3)]

@hookimpl
def register_routes(host):
    url = host.config["CHECKOUT"]

    async def shop(request):
        forms = FORM.format(how="redirected") + FORM.format(how="led")
        return await host.page(request, title="Shop", body="<h1>Shop</h1>" + forms)

    async def redirected(request):
        return RedirectResponse(url, 303)

    async def led(request):
        return await host.page(request, title="On", body=ON.format(url=url))

    return [Route("/shop", shop), Route("/buy/redirected", redirected, methods=["POST"]),
            Route("/buy/led", led, methods=["POST"])]
"""
)


async def _checkout(request: Request) -> Response:
    return HTMLResponse("<!doctype html><title>Checkout</title><link rel=icon href=data:,><h1>Pay here</h1>")


@pytest.fixture
def url(install_plugin: Install, config: dict[str, Any]) -> Iterator[str]:
    """A running host; its plugin's forms lead to a checkout on another origin."""
    install_plugin("shop", SHOP)
    with ExitStack() as stack:
        checkout = stack.enter_context(serving(Starlette(routes=[Route("/", _checkout)])))
        # Another name is another site, as a real checkout's is.
        config["CHECKOUT"] = checkout.replace("127.0.0.1", "localhost") + "/"
        yield stack.enter_context(serving(create_app(config)))


def sign_in(page: Page, url: str, path: str = "/") -> None:
    page.goto(url + path)
    page.get_by_label("Admin token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(url + path)


def test_person_signs_in_and_out(page: Page, url: str) -> None:
    """A person is asked for the token, comes to the page they wanted, and can leave again."""
    sign_in(page, url, "/shop")
    assert page.get_by_role("heading", name="Shop").is_visible()

    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{url}/login")
    page.goto(f"{url}/shop")
    assert page.get_by_label("Admin token").is_visible()


def test_wrong_token_is_said_at_the_field(page: Page, url: str, console: ConsoleGuard) -> None:
    """After a wrong token the field has the focus again and names the error to assistive technology."""
    console.allow("status of 401")
    page.goto(f"{url}/login")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")

    field = page.get_by_label("Admin token")
    page.get_by_role("alert").wait_for()
    assert (
        page.locator(f"#{field.get_attribute('aria-describedby')}").inner_text() == "That is not the token."
    )
    assert field.evaluate("node => node === document.activeElement")


def test_first_tab_skips_to_the_content(page: Page, url: str) -> None:
    """By keyboard the first stop is a visible link past the header."""
    sign_in(page, url)
    page.keyboard.press("Tab")

    link = page.get_by_role("link", name="Skip to content")
    assert link.evaluate("node => node === document.activeElement")
    assert link.bounding_box()["y"] >= 0  # type: ignore[index]  # the link was found above


@pytest.mark.parametrize(("theme", "width"), [("light", 375), ("dark", 1440), ("light", 2560)])
def test_pages_are_whole_and_accessible(
    new_context: NewContext, console: ConsoleGuard, url: str, theme: Literal["light", "dark"], width: int
) -> None:
    """In both themes and at every width axe finds no fault, and nothing sticks out at the side."""
    console.allow("status of 404")
    context = new_context(color_scheme=theme, viewport={"width": width, "height": 800})
    page = context.new_page()
    for path in ("/login", "/nowhere", "/shop", "/"):
        if path == "/shop":
            sign_in(page, url, path)
        page.goto(url + path)

        found = Axe().run(page)

        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_form_can_not_lead_to_another_site_by_itself(page: Page, url: str, console: ConsoleGuard) -> None:
    """Chromium holds `form-action` against redirects too: a 303 to a hosted checkout goes nowhere."""
    console.allow("form-action")
    sign_in(page, url, "/shop")
    with page.expect_console_message(lambda message: "form-action" in message.text):
        page.get_by_role("button", name="Buy redirected").click()

    assert f"{url}/shop" == page.url


def test_page_may_lead_to_another_site(page: Page, url: str, config: dict[str, Any]) -> None:
    """A page that goes on by refresh, or has a link, reaches the hosted checkout under the strict policy."""
    sign_in(page, url, "/shop")
    page.get_by_role("button", name="Buy led").click()
    page.wait_for_url(config["CHECKOUT"])

    assert page.get_by_role("heading", name="Pay here").is_visible()


def test_way_back_from_another_site_needs_no_login(page: Page, url: str, config: dict[str, Any]) -> None:
    """Who comes back from the hosted checkout by a link is still signed in."""
    sign_in(page, url, "/shop")
    page.goto(config["CHECKOUT"])
    page.evaluate("url => { location.href = url }", f"{url}/shop")
    page.wait_for_url(f"{url}/shop")

    assert page.get_by_role("heading", name="Shop").is_visible()
