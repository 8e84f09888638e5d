"""The hosted pages in a real browser: they fit, are accessible, and lead a person through to the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, Literal

import anyio
import pytest
from playwright.sync_api import Page

from overseer_payment.simulator import World, assert_contract, serving
from tests.conftest import NewContext
from tests.simulator.test_hosted import opened


@pytest.fixture
def shop() -> Iterator[World]:
    """A world that is served on a port, from a thread: the browser's driver blocks this one."""
    world, up, down = World(), threading.Event(), threading.Event()

    async def serve() -> None:
        async with serving(world):
            up.set()
            await anyio.to_thread.run_sync(down.wait)

    thread = threading.Thread(target=anyio.run, args=(serve,))
    thread.start()
    assert up.wait(20)
    yield world
    down.set()
    thread.join(20)
    assert_contract(world)


def _opened_here(world: World) -> dict[str, Any]:
    """A checkout that leads back to this same server, so that the browser stays off the network."""
    session = opened(world)
    session["success_url"] = f"{world.public_url}/receipts/{{CHECKOUT_SESSION_ID}}"
    session["cancel_url"] = f"{world.public_url}/"
    return session


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1440])
def test_the_page_fits_and_is_accessible(
    shop: World, new_context: NewContext, scheme: Literal["light", "dark"], width: int
) -> None:
    """Nothing is cut off sideways, and axe finds nothing, with problems on the page too."""
    from axe_playwright_python.sync_playwright import Axe

    page: Page = new_context(color_scheme=scheme, viewport={"width": width, "height": 900}).new_page()
    page.goto(_opened_here(shop)["url"])
    page.fill("#email", "ada@example.com")
    page.fill("#name", "Ada")
    page.click("button.primary")  # without a card: problems are shown
    assert page.locator(".problem").count() == 3
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert Axe().run(page).response["violations"] == []


def test_a_person_pays_with_a_card_that_asks_back(shop: World, new_context: NewContext, console: Any) -> None:
    """Two presses of a button fill and send the form; the bank's page leads to the shop's."""
    console.allow("404")  # the shop's page of thanks does not exist here
    session, page = _opened_here(shop), new_context().new_page()
    page.goto(session["url"])
    page.click("button:has-text('3-D Secure')")
    page.click("button.primary")
    page.click("text=Complete authentication")
    assert page.url.endswith(session["id"])
    assert (session["status"], session["payment_status"]) == ("complete", "paid")


def test_choosing_a_bank_account_changes_the_fields(shop: World, new_context: NewContext) -> None:
    """Without any script: the choice alone shows the account's field and hides the card's."""
    page = new_context(java_script_enabled=False).new_page()
    page.goto(_opened_here(shop)["url"])
    assert page.locator("#number").is_visible()
    assert not page.locator("#account").is_visible()
    page.click("text=Bank account")
    assert page.locator("#account").is_visible()
    assert not page.locator("#number").is_visible()
