"""The demo as a person meets it: one command, a browser, and money that ends where it should."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.server import Running, free_port, running

pytestmark = pytest.mark.slow

START_SECONDS = 90
_SHOWN = 20_000  # milliseconds for what has to travel: delivery, applying, the page's own refresh


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`overseer serve --demo` in an empty folder, once its banner is printed."""
    folder = tmp_path_factory.mktemp("demo")
    port = free_port()
    command: list[str | Path] = [
        Path(sys.executable).parent / "overseer",
        "serve",
        "--demo",
        "--port",
        str(port),
    ]
    with running(
        command,
        url=f"http://127.0.0.1:{port}/healthz",
        log=folder / "log",
        cwd=folder,
        start_seconds=START_SECONDS,
    ) as server:
        _login_url(server)
        yield server


def _login_url(demo: Running) -> str:
    """The address with the login token, as the banner prints it when history is in."""
    for _ in range(START_SECONDS * 10):
        if found := re.search(r"http://\S+/login\?token=\S+", demo.output()):
            return found.group()
        time.sleep(0.1)
    raise TimeoutError(demo.output())


@pytest.fixture
def operator(page: Page, demo: Running) -> Page:
    """A browser of somebody who opened the printed address."""
    page.set_default_timeout(_SHOWN)
    page.goto(_login_url(demo))
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    return page


def _open_checkout(page: Page, demo: Running, *, recurring: bool = False) -> str:
    """From the card to the hosted page in a few clicks; answers the price as it was shown."""
    page.goto(f"{demo.url.removesuffix('/healthz')}/")
    page.get_by_role("link", name="Payments").first.click()
    page.get_by_role("link", name="Actions", exact=True).click()
    offer = (
        page.locator(".op-catalog form", has_text="month" if recurring else "once")
        .filter(has_text="USD")
        .first
    )
    shown = offer.locator("b").inner_text()
    offer.get_by_role("button").click()
    # The script goes on by itself; the link is there for those without.
    page.wait_for_url("**/_stripe/c/pay/**")
    return shown


def _pay(page: Page, number: str, *, email: str) -> None:
    """Fill in the hosted page and press the button."""
    with page.expect_navigation():
        page.locator(f'button[name="use"][value="{number}"]').click()
    page.get_by_label("E-mail").fill(email)
    page.locator("#name").fill("Ada Example")
    if page.locator("#postal_code").is_visible():
        page.locator("#postal_code").fill("94107")
    page.locator("form#pay button.primary").click()


def _row(page: Page, demo: Running, email: str, state: str) -> Locator:
    """The newest payment of that buyer in the list, once its event has arrived and says `state`."""
    row = page.locator("tbody tr").first
    for _ in range(40):
        page.goto(f"{demo.url.removesuffix('/healthz')}/payment/modal/transactions?q={email}")
        if row.count() and state in row.inner_text():
            break
        page.wait_for_timeout(250)
    expect(row).to_contain_text(state)
    return row


def test_the_card_shows_ninety_days_of_history(operator: Page) -> None:
    """Logged in, one sees what came in, in three currencies, and that it is a demo."""
    card = operator.locator(".op-card").first
    expect(card).to_contain_text("DEMO")
    expect(card).to_contain_text(re.compile(r"[\d,]+\.\d\d USD"))
    expect(card).to_contain_text("EUR")
    expect(card).to_contain_text("JPY")
    count = re.search(r"Transactions\s+([\d,]+)", card.inner_text())
    assert count is not None
    assert int(count.group(1).replace(",", "")) > 400


def test_a_good_card_pays_and_the_payment_appears(operator: Page, demo: Running) -> None:
    """Card → modal → two clicks → hosted page → a success page with the true sum → the list."""
    shown = _open_checkout(operator, demo)
    _pay(operator, "4242424242424242", email="e2e-good@example.com")
    operator.wait_for_url("**/payment/success?session_id=cs_*")
    expect(operator.locator("main")).to_contain_text(shown)
    expect(_row(operator, demo, "e2e-good@example.com", "Succeeded")).to_contain_text(shown)


def test_a_declined_card_is_told_and_listed_as_failed(operator: Page, demo: Running) -> None:
    """The hosted page says why, nothing is claimed, and the attempt is in the list."""
    _open_checkout(operator, demo)
    _pay(operator, "4000000000000002", email="e2e-declined@example.com")
    expect(operator.get_by_text("declined").first).to_be_visible()
    expect(_row(operator, demo, "e2e-declined@example.com", "Failed")).to_be_visible()


def test_a_bank_debit_is_pending_and_then_succeeds(operator: Page, demo: Running) -> None:
    """Not revenue until the bank has paid; then it is."""
    _open_checkout(operator, demo)
    _pay(operator, "000123456789", email="e2e-debit@example.com")
    operator.wait_for_url("**/payment/success?session_id=cs_*")
    expect(operator.locator("main")).to_contain_text("processing")
    expect(_row(operator, demo, "e2e-debit@example.com", "Pending")).to_be_visible()
    operator.get_by_role("link", name="Actions", exact=True).click()
    operator.get_by_role("button", name=re.compile("Settle bank debits")).click()
    expect(operator.get_by_role("status").filter(has_text="decided")).to_be_visible()
    expect(_row(operator, demo, "e2e-debit@example.com", "Succeeded")).to_be_visible()


def test_a_part_of_a_payment_is_given_back(operator: Page, demo: Running) -> None:
    """Drawer → amount → exact sum confirmed → the true result, and a row of its own."""
    _open_checkout(operator, demo)
    _pay(operator, "4242424242424242", email="e2e-refund@example.com")
    operator.wait_for_url("**/payment/success?session_id=cs_*")
    _row(operator, demo, "e2e-refund@example.com", "Succeeded").get_by_role("link").first.click()
    operator.get_by_text("Refund…").click()
    operator.get_by_label("Amount in USD").fill("1.50")
    operator.get_by_role("button", name="Review refund").click()
    operator.get_by_role("button", name="Refund 1.50 USD").click()
    expect(operator.get_by_text("1.50 USD refunded.")).to_be_visible()
    expect(_row(operator, demo, "e2e-refund@example.com", "−1.50 USD")).to_contain_text("Refund")


def test_a_subscription_is_one_payment_and_one_row(operator: Page, demo: Running) -> None:
    """Session, invoice, intent and charge of one sign-up are counted once."""
    _open_checkout(operator, demo, recurring=True)
    _pay(operator, "4242424242424242", email="e2e-sub@example.com")
    operator.wait_for_url("**/payment/success?session_id=cs_*")
    expect(_row(operator, demo, "e2e-sub@example.com", "Succeeded")).to_be_visible()
    expect(operator.locator("tbody tr")).to_have_count(1)
