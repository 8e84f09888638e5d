"""Takes the pictures that README and docs show, from the demo itself, so that they stay true.

    python scripts/screens.py                renew docs/screens/
    python scripts/screens.py --all FOLDER   every page, dialog and state, both themes, four widths, one sheet

Needs Chromium (`CHROMIUM=/path/to/it` if it is not found).
"""

from __future__ import annotations

import argparse
import re
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parent.parent
# The tests' own ways to a server and a browser; a script's folder is all that Python looks into by itself.
sys.path.insert(0, str(ROOT))

SHOWN = ROOT / "docs" / "screens"
WIDTHS = (375, 768, 1440, 2560)
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
TOKEN = secrets.token_urlsafe(24)
START_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of the documentation: what is open, over what, and how large the window is.

    `clicks` are selectors within the topmost layer; `only` cuts the picture to one element.
    """

    name: str
    clicks: Sequence[str] = ()
    theme: Theme = "light"
    size: tuple[int, int] = (1280, 800)
    only: str = ""


def tab(key: str) -> str:
    return f".op-tabs a[href$='/{key}']"


FIRST = ".op-link-row a"
OPEN = ".op-card-link"
PAID = ".op-link-row:has-text('Succeeded'):not(:has-text('−')) a"
PICTURES = (
    Picture("card", only=".op-card", size=(1080, 500)),
    Picture("overview", (OPEN,)),
    Picture("transactions", (OPEN, tab("transactions")), theme="dark"),
    Picture("payment", (OPEN, tab("transactions"), PAID)),
    Picture("subscription", (OPEN, tab("subscriptions"), ".op-link-row:has-text('Past due') a")),
    Picture("dispute", (OPEN, tab("disputes"), FIRST)),
    Picture("events", (OPEN, tab("events")), theme="dark"),
    Picture("actions", (OPEN, tab("actions")), theme="dark"),
    Picture("settings", (OPEN, tab("settings"))),
    Picture("phone", (OPEN,), size=(390, 780)),
)
# Beside every tab and each list's first row: other shapes of them, and pages that belong to neither.
PAGES = (
    *("/payment/modal?days=7", "/payment/modal?days=90", "/payment/modal?days=365"),
    *("/payment/modal/operations", "/payment/modal/transactions?order=largest&currency=usd"),
    *("/payment/modal/disputes?status=all", "/payment/cancel", "/payment/success?session_id=cs_unknown"),
)
UNFOLD = ".op-action:not([open]) summary:has-text('{}')"
SEND = ".op-action[open] button[type=submit]"
DISPUTE = (OPEN, tab("disputes"), FIRST)
PLAN = (OPEN, tab("subscriptions"), ".op-link-row:has-text('Renews') a")
LAYERS = (
    *(one for one in PICTURES if one.clicks),
    Picture("refund-form", (OPEN, tab("transactions"), PAID, UNFOLD.format("Refund"))),
    Picture("refund-confirm", (OPEN, tab("transactions"), PAID, UNFOLD.format("Refund"), SEND)),
    Picture("cancel-confirm", (*PLAN, UNFOLD.format("Cancel"), SEND)),
    Picture("pause-form", (*PLAN, UNFOLD.format("Pause"))),
    Picture("plan-choice", (*PLAN, "a:has-text('Change plan')")),
    Picture("upcoming", (*PLAN, "a:has-text('Next invoice')")),
    Picture("evidence", (*DISPUTE, "summary:has-text('Write evidence')")),
    Picture("accept-confirm", (*DISPUTE, "a:has-text('Accept')")),
    Picture("customer", (OPEN, tab("customers"), FIRST)),
    Picture("erase-form", (OPEN, tab("customers"), FIRST, UNFOLD.format("Erase"))),
    Picture("event", (OPEN, tab("events"), FIRST)),
)


@contextmanager
def demo() -> Iterator[str]:
    """The demo on a free port, once its history is in. Yields its address."""
    from tests.support.server import free_port, running

    port = free_port()
    command: list[str | Path] = [
        Path(sys.executable).with_name("overseer"),
        "serve",
        "--demo",
        "--port",
        str(port),
    ]
    with tempfile.TemporaryDirectory() as name:
        folder, url = Path(name), f"http://127.0.0.1:{port}"
        env = {"OVERSEER_TOKEN": TOKEN}
        with running(command, url=f"{url}/healthz", log=folder / "log", env=env, cwd=folder) as server:
            deadline = time.monotonic() + START_SECONDS
            while "is running" not in server.output():
                if time.monotonic() > deadline:
                    raise SystemExit(f"The demo did not start:\n{server.output()}")
                time.sleep(0.2)
            yield url


@contextmanager
def chromium() -> Iterator[Browser]:
    from tests.support.browser import FLAGS, find_chromium

    with sync_playwright() as playwright:
        found = find_chromium(playwright.chromium.executable_path)
        if found is None:
            raise SystemExit("No browser: apt-get install chromium, or set CHROMIUM=/path/to/it")
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


def signed_in(browser: Browser, url: str, theme: Theme, width: int, height: int) -> Page:
    """A window of an operator."""
    context = browser.new_context(
        color_scheme=theme, viewport={"width": width, "height": height}, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(f"{url}/login?token={TOKEN}")
    return page


def take(page: Page, url: str, picture: Picture, folder: Path) -> None:
    """Open what the picture shows, and take it."""
    page.goto(f"{url}/")
    for selector in picture.clicks:
        layer = page.locator("dialog[open]").last if page.locator("dialog[open]").count() else page
        layer.locator(selector).first.click()
        page.wait_for_timeout(400)  # by then a new layer is open, with what it shows or still without
        page.locator("dialog[open]").last.locator(".op-body").wait_for()
        # Not until the network is idle: an open dashboard asks whether anything is new.
        page.locator("[data-op-view][aria-busy]").first.wait_for(state="detached")
    page.mouse.move(0, 0)
    target = page.locator(picture.only) if picture.only else page
    target.screenshot(path=folder / f"{picture.name}.png")


def renew() -> None:
    """The pictures of the documentation."""
    SHOWN.mkdir(parents=True, exist_ok=True)
    with demo() as url, chromium() as browser:
        for picture in PICTURES:
            page = signed_in(browser, url, picture.theme, *picture.size)
            take(page, url, picture, SHOWN)
            page.context.close()
            size = (SHOWN / f"{picture.name}.png").stat().st_size // 1024
            click.echo(f"docs/screens/{picture.name}.png  {size} KB")


def addresses(page: Page, url: str) -> list[str]:
    """Every tab, and of each list its first row."""
    page.goto(f"{url}/payment/modal")
    tabs = [str(link.get_attribute("href")) for link in page.locator(".op-tabs a").all()]
    rows = []
    for address in tabs:
        page.goto(url + address)
        if page.locator(FIRST).count():
            rows.append(str(page.locator(FIRST).first.get_attribute("href")))
    return ["/", *tabs, *PAGES, *rows]


def everything(folder: Path) -> None:
    """Every screen in both themes and four widths."""
    folder.mkdir(parents=True, exist_ok=True)
    with demo() as url, chromium() as browser:
        found = addresses(signed_in(browser, url, "light", 1440, 900), url)
        for theme, width in product(THEMES, WIDTHS):
            page = signed_in(browser, url, theme, width, 900)
            for address in found:
                page.goto(url + address)
                page.screenshot(path=folder / f"{named(address)}.{width}.{theme}.png", full_page=True)
            for layer in LAYERS:
                take(page, url, replace(layer, name=f"over-{layer.name}.{width}.{theme}"), folder)
            bought(page, url, folder, f"{width}.{theme}")
            page.context.clear_cookies()
            page.goto(f"{url}/login")
            page.screenshot(path=folder / f"login.{width}.{theme}.png", full_page=True)
            page.context.close()
            click.echo(f"{theme}, {width} px: {len(found)} pages, {len(LAYERS)} dialogs")
        states(browser, folder)
    sheet(folder)


def bought(page: Page, url: str, folder: Path, kind: str) -> None:
    """The way of a buyer: a checkout is opened, shown by the provider, paid, and the landing page says so."""
    page.goto(f"{url}/payment/modal/actions")
    page.locator(".op-catalog button:has-text('Checkout')").first.click()
    page.wait_for_url("**/pay/**")
    page.screenshot(path=folder / f"hosted.{kind}.png", full_page=True)
    page.locator("button[name=use]").first.click()
    page.screenshot(path=folder / f"hosted-filled.{kind}.png", full_page=True)
    page.locator("#pay button.primary").click()
    page.wait_for_url("**/payment/success**")
    page.locator("text=Paid").first.wait_for()
    page.screenshot(path=folder / f"landing-paid.{kind}.png", full_page=True)


def named(address: str) -> str:
    return re.sub(r"\W+", "-", address.removeprefix("/payment")).strip("-") or "home"


def states(browser: Browser, folder: Path) -> None:
    """What a demo never gets into: empty, broken, forbidden, in other scripts and other currencies."""
    from scripts.states import STATES
    from tests.cards.fakes import Stage, build_app, serving_payments
    from tests.support.server import serving

    stage = Stage()
    with serving_payments(lambda: stage.payments), serving(build_app(stage.host)) as url:
        for state, theme, width in product(STATES, THEMES, WIDTHS):
            page = browser.new_context(
                color_scheme=theme, viewport={"width": width, "height": 900}
            ).new_page()
            stage.clear()
            if not state.name.startswith(("signed", "database")):
                page.goto(f"{url}/")  # so that the card has figures to remember
            state.prepare(stage)
            for number, address in enumerate(state.pages):
                page.goto(url + address)
                name = f"state-{state.name}-{number}-{named(address)}.{width}.{theme}"
                page.screenshot(path=folder / f"{name}.png", full_page=True)
            if state.sent:
                page.get_by_role("button", name=state.sent).click()
                page.locator(".op-notice[role=alert]").wait_for()
                page.screenshot(path=folder / f"state-{state.name}-sent.{width}.{theme}.png", full_page=True)
            page.context.close()
    click.echo(f"{len(STATES)} states")


def sheet(folder: Path) -> None:
    """One page with all of them, smallest width first."""
    names = sorted(folder.glob("*.png"), key=lambda path: (path.name.split(".")[0], path.name))
    images = "".join(
        f'<figure><img src="{one.name}" loading="lazy"><figcaption>{one.stem}</figcaption></figure>'
        for one in names
    )
    style = "body{display:flex;flex-wrap:wrap;gap:12px;font:12px sans-serif}figure{margin:0}img{height:420px}"
    (folder / "index.html").write_text(f"<!doctype html><meta charset=utf-8><style>{style}</style>{images}")
    click.echo(folder / "index.html")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="every screen, outside the repository")
    chosen = parser.parse_args().all
    if chosen is None:
        renew()
    else:
        everything(chosen)


if __name__ == "__main__":
    main()
