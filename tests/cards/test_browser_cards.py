"""The card and the modal in a real browser, under the strict policy: pointer, keyboard, both themes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.cards.fake_payments import FakePayments

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.support.browser import ConsoleGuard

NewContext = Callable[..., "BrowserContext"]


def open_modal(page: Page, site: str) -> None:
    page.goto(f"{site}/")
    page.locator(".op-card-link").click()
    expect(page.locator("dialog.op-dialog-modal .op-figures")).to_be_visible()


def test_a_phone_shows_what_each_row_of_chips_filters(new_context: NewContext, site: str) -> None:
    """Three rows begin with "All": their names stay in sight, however far a row is scrolled."""
    page = new_context(viewport={"width": 375, "height": 812}).new_page()
    page.goto(f"{site}/payment/modal/transactions?status=partially_refunded")
    assert page.locator(".op-chips").first.evaluate("row => row.scrollLeft") > 0
    for name in ("Status", "Type", "Currency"):
        expect(page.locator(".op-chips-label", has_text=name)).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("link", name="Partly refunded")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("width", [375, 1440])
def test_what_is_cut_off_fades_and_can_be_scrolled_out_of_the_fade(
    new_context: NewContext, site: str, width: int
) -> None:
    """The last tab, scrolled to, ends before the fade begins; the open tab is always in sight."""
    page = new_context(viewport={"width": width, "height": 812}).new_page()
    page.goto(f"{site}/payment/modal/settings")
    free = page.locator(".op-tabs").evaluate(
        "row => row.getBoundingClientRect().right - row.lastElementChild.getBoundingClientRect().right"
    )
    assert free >= 35


def test_equal_actions_have_equal_buttons(new_context: NewContext, site: str) -> None:
    """One height for all; below names of one length, one place within a row of the catalogue."""
    page = new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(f"{site}/payment/modal/actions")
    heights, rows = set(), dict[tuple[float, float], set[int]]()
    for item in page.locator(".op-catalog > li").all():
        card, name, button = (
            one.bounding_box() for one in (item, item.locator("h4"), item.locator(".op-button").first)
        )
        assert card
        assert name
        assert button
        heights.add(round(button["height"]))
        rows.setdefault((card["y"], name["height"]), set()).add(round(button["y"]))
    assert len(heights) == 1
    assert all(len(places) == 1 for places in rows.values())


def test_the_keyboard_alone_opens_and_closes(page: Page, site: str) -> None:
    """Tab, Enter, Escape; every layer gives the focus back to where it was."""
    page.goto(f"{site}/")
    page.keyboard.press("Tab")
    expect(page.locator(".op-card-link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("dialog.op-dialog-modal .op-figures")).to_be_visible()
    expect(page.locator("#op-modal-title")).to_be_focused()
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.locator("dialog .op-tabs a", has_text="Transactions")).to_be_focused()
    page.keyboard.press("Enter")
    row = page.locator("dialog .op-link-row a").first
    expect(row).to_be_visible()
    row.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#op-drawer-title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("dialog.op-dialog-drawer")).to_be_hidden()
    expect(row).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("dialog.op-dialog-modal")).to_be_hidden()
    expect(page.locator(".op-card-link")).to_be_focused()
    expect(page).to_have_url(f"{site}/")


def test_the_whole_card_opens_the_modal(page: Page, site: str) -> None:
    """A click anywhere on the card, not only on its title."""
    page.goto(f"{site}/")
    page.locator(".op-card").click(position={"x": 300, "y": 150})
    expect(page.locator("dialog.op-dialog-modal .op-figures")).to_be_visible()
    expect(page).to_have_url(f"{site}/payment/modal")


def test_back_and_forward_follow_the_layers(page: Page, site: str) -> None:
    """Each step has its address; back undoes it, forward does it again, a reload shows it as a page."""
    open_modal(page, site)
    page.get_by_role("link", name="Transactions", exact=True).click()
    page.get_by_role("link", name="Growth, November").click()
    expect(page.locator("dialog.op-dialog-drawer .op-sum")).to_be_visible()
    expect(page).to_have_url(f"{site}/payment/transactions/1")
    page.go_back()
    expect(page.locator("dialog.op-dialog-drawer")).to_be_hidden()
    expect(page).to_have_url(f"{site}/payment/modal/transactions")
    page.go_back()
    expect(page.locator("dialog.op-dialog-modal .op-figures")).to_be_visible()
    page.go_back()
    expect(page.locator("dialog.op-dialog-modal")).to_be_hidden()
    expect(page).to_have_url(f"{site}/")
    page.go_forward()
    expect(page.locator("dialog.op-dialog-modal .op-figures")).to_be_visible()
    page.reload()
    expect(page.locator(".op-page .op-figures")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()


def test_a_refund_from_the_drawer(page: Page, site: str, shop_payments: FakePayments) -> None:
    """Amount, confirmation, one refund for two clicks, the true result, and a list that knows of it."""
    open_modal(page, site)
    page.get_by_role("link", name="Transactions", exact=True).click()
    page.get_by_role("link", name="Poster, A2").first.click()
    page.get_by_text("Refund…").click()
    page.get_by_label("Amount in USD").fill("6.50")
    page.get_by_label("Reason").select_option("duplicate")
    page.get_by_role("button", name="Review refund").click()
    button = page.get_by_role("button", name="Refund 6.50 USD")
    expect(button).to_be_visible()
    button.dblclick()
    expect(page.get_by_text("6.50 USD refunded.")).to_be_focused()
    assert len(shop_payments.bodies) == 1
    page.keyboard.press("Escape")
    expect(page.locator("dialog.op-dialog-modal").get_by_text("−19.00 USD refunded")).to_be_visible()


def test_a_wrong_amount_is_told_beside_the_field(page: Page, site: str, console: ConsoleGuard) -> None:
    """The form stays open, with what was typed, and the sentence gets the focus."""
    console.allow("status of 422")
    page.goto(f"{site}/payment/transactions/2")
    page.get_by_text("Refund…").click()
    page.get_by_label("Amount in USD").fill("99")
    page.get_by_role("button", name="Review refund").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("more than remains")
    expect(page.get_by_label("Amount in USD")).to_have_value("99")


def test_the_search_finds_while_typing(page: Page, site: str) -> None:
    """The list follows what is typed, the field keeps focus and text, and history is not flooded."""
    page.goto(f"{site}/payment/modal/transactions")
    steps = page.evaluate("history.length")
    field = page.get_by_role("searchbox")
    field.press_sequentially("turing", delay=20)
    expect(page.locator(".op-link-row")).to_have_count(1)
    expect(field).to_be_focused()
    expect(field).to_have_value("turing")
    expect(page).to_have_url(re.compile("q=turing"))
    assert page.evaluate("history.length") == steps


def test_a_checkout_takes_two_clicks(page: Page, site: str, shop_payments: FakePayments) -> None:
    """From the overview: the tab, the price; then the browser is at another site."""
    elsewhere = site.replace("127.0.0.1", "localhost")
    shop_payments.hosted = f"{elsewhere}/payment/cancel?hosted"
    open_modal(page, site)
    page.get_by_role("link", name="Actions", exact=True).click()
    page.get_by_role("button", name="Checkout for Poster, A2, 49.00 USD").click()
    page.wait_for_url(shop_payments.hosted)


def test_a_server_that_is_gone_is_told(page: Page, site: str, console: ConsoleGuard) -> None:
    """What is shown stays, with a sentence that it is not fresh."""
    console.allow("ERR_")
    console.allow("net::")
    open_modal(page, site)
    page.route("**/payment/**", lambda route: route.abort())
    page.get_by_role("link", name="Customers").click()
    expect(page.get_by_role("alert")).to_contain_text("can’t be reached")
    expect(page.locator("dialog .op-figures")).to_be_visible()


def test_an_expired_session_leads_to_the_hosts_login(page: Page, site: str) -> None:
    """An answer that is no view of ours is opened as the page that it is."""
    open_modal(page, site)
    page.route(
        "**/payment/modal/customers",
        lambda route: route.fulfill(status=200, content_type="text/html", body="<h1>Sign in</h1>"),
    )
    page.get_by_role("link", name="Customers").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_everything_works_without_script(browser: Browser, site: str, shop_payments: FakePayments) -> None:
    """Links and forms alone: card, tab, filter, payment, refund, result."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/")
    page.get_by_role("link", name="Payments").click()
    page.get_by_role("link", name="Transactions", exact=True).click()
    page.get_by_role("link", name="Partly refunded").click()
    page.get_by_role("link", name="Poster, A2").click()
    page.get_by_text("Refund…").click()
    page.get_by_label("Amount in USD").fill("1.50")
    page.get_by_role("button", name="Review refund").click()
    page.get_by_role("button", name="Refund 1.50 USD").click()
    expect(page.get_by_text("1.50 USD refunded.")).to_be_visible()
    assert [body.amount for body in shop_payments.bodies] == [150]
    context.close()


def test_hosts_theme_everything_by_custom_properties(page: Page, site: str) -> None:
    """A host's accent is the accent of our pages."""
    page.goto(f"{site}/payment/modal/actions")
    page.evaluate("document.documentElement.style.setProperty('--overseer-accent', 'rgb(1, 2, 3)')")
    current = page.locator(".op-tabs a[aria-current]")
    expect(current).to_have_css("border-bottom-color", "rgb(1, 2, 3)")


def test_the_webhook_address_is_copied(page: Page, site: str) -> None:
    """One click, and the button says that it is done."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{site}/payment/modal/settings")
    page.get_by_role("button", name="Copy the address for Stripe").click()
    expect(page.get_by_role("button", name="Copied the address for Stripe")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"{site}/api/v1/payment/webhook/stripe"


def test_two_quick_escapes_end_where_it_began(page: Page, site: str) -> None:
    """Both layers closed within one turn of the page: the address is the dashboard's, not one before it."""
    page.goto(f"{site}/payment/cancel")
    open_modal(page, site)
    page.get_by_role("link", name="Transactions", exact=True).click()
    page.get_by_role("link", name="Growth, November").click()
    expect(page.locator("dialog.op-dialog-drawer .op-sum")).to_be_visible()
    page.evaluate("document.querySelectorAll('dialog[open]').forEach(one => one.close())")
    expect(page).to_have_url(f"{site}/")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.locator(".op-card-link").click()
    expect(page.locator("dialog.op-dialog-modal .op-figures")).to_be_visible()
