"""Open dashboards stay true by themselves: news comes in, nothing is taken from who is at work in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from overseer_payment.errors import DatabaseError
from tests.cards.fakes import Stage
from tests.cards.rows import transaction

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.browser import ConsoleGuard

BEAT = 5_100  # a little more than the time between two looks, in milliseconds
LIST = "/payment/modal/transactions"
TOP = "node => node.getBoundingClientRect().top"


def sell(stage: Stage, name: str = "Fresh from the till") -> None:
    stage.payments.payments.insert(0, transaction(500, description=name))


def beat(page: Page) -> None:
    """Let one look pass, and its answer come."""
    with page.expect_response("**/payment/pulse"):
        page.clock.run_for(BEAT)


def hide(page: Page, hidden: bool) -> None:
    page.evaluate(
        """hidden => {
            Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
            document.dispatchEvent(new Event('visibilitychange'));
        }""",
        hidden,
    )


def start(page: Page, stage: Stage, path: str) -> None:
    """A page whose first look is over and whose clock we move."""
    page.clock.install()
    with page.expect_response("**/payment/pulse"):
        page.goto(stage.url + path)


def test_a_new_payment_appears_by_itself(page: Page, stage: Stage) -> None:
    """In the open modal, without reload; it is seen to come in."""
    start(page, stage, "/")
    page.locator(".op-card-link").click()
    page.clock.run_for(300)
    page.get_by_role("link", name="Transactions", exact=True).click()
    expect(page.locator("dialog .op-link-row").first).to_be_visible()
    sell(stage)
    beat(page)
    expect(page.locator("dialog .op-fresh")).to_contain_text("Fresh from the till")


def test_news_leaves_alone_who_is_reading(page: Page, stage: Stage) -> None:
    """Focus, what is seen of a long list, and an open drawer with what is typed in it stay as they are."""
    start(page, stage, "/")
    page.locator(".op-card-link").click()
    page.clock.run_for(300)
    page.get_by_role("link", name="Transactions", exact=True).click()
    body = page.locator("dialog.op-dialog-modal .op-body")
    expect(page.locator("dialog .op-link-row").first).to_be_visible()
    body.evaluate("node => { node.scrollTop = 300; }")
    page.locator("dialog tr[data-op-key='row-15'] a").click()
    page.clock.run_for(300)
    page.get_by_text("Refund…").click()
    amount = page.get_by_label("Amount in")
    amount.fill("7.25")
    read = page.locator("dialog tr[data-op-key='row-18']")
    before = read.evaluate(TOP)
    sell(stage)
    beat(page)
    expect(page.locator("dialog.op-dialog-modal .op-fresh")).to_contain_text("Fresh from the till")
    expect(amount).to_have_value("7.25")
    expect(amount).to_be_focused()
    assert read.evaluate(TOP) == pytest.approx(before, abs=1)


def test_a_state_that_changes_is_redrawn_in_its_place(page: Page, stage: Stage) -> None:
    """The same row, the same node: only the word is another, and no row pretends to be new."""
    start(page, stage, LIST)
    row = page.locator("tr[data-op-key='row-1']")
    row.evaluate("node => { node.mine = true; }")
    first = stage.payments.payments[0]
    stage.payments.payments[0] = first.model_copy(update={"amount_disputed": first.amount})
    beat(page)
    expect(row).to_contain_text("Disputed")
    assert row.evaluate("node => node.mine") is True
    expect(page.locator(".op-fresh")).to_have_count(0)


def test_without_news_nothing_is_asked_but_the_pulse(page: Page, stage: Stage) -> None:
    """A few bytes every few seconds; the page itself again after a minute, for moments grow old."""
    start(page, stage, LIST)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(stage.url)))
    for _ in range(6):
        beat(page)
    assert set(asked) == {"/payment/pulse"}
    for _ in range(7):
        beat(page)
    expect(page.locator(".op-link-row").first).to_be_visible()
    assert asked.count(LIST) == 1


def test_a_hidden_page_asks_nothing(page: Page, stage: Stage) -> None:
    """New figures come in as soon as it is seen again."""
    start(page, stage, "/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    hide(page, True)
    page.clock.run_for(120_000)
    assert asked == []
    stage.payments.state = stage.payments.state.model_copy(update={"total_transactions": 777})
    hide(page, False)
    expect(page.locator(".op-card-figures")).to_contain_text("777")


def test_a_look_that_came_early_costs_no_beat(page: Page, stage: Stage) -> None:
    """Who comes back to the page is shown news at once, and at the next beat again."""
    start(page, stage, LIST)
    page.clock.run_for(300)
    hide(page, True)
    with page.expect_response("**/payment/pulse"):
        hide(page, False)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(stage.url)))
    page.clock.run_for(BEAT - 300)
    assert "/payment/pulse" in asked


def test_an_older_page_is_not_moved_below_its_reader(page: Page, stage: Stage) -> None:
    """News is for the first page; who has gone further down keeps what they see."""
    start(page, stage, LIST)
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("link", name="Newer")).to_be_visible()
    shown = page.locator(".op-link-row").first.inner_text()
    sell(stage)
    beat(page)
    assert page.locator(".op-link-row").first.inner_text() == shown
    page.get_by_role("link", name="Newest").click()
    expect(page.get_by_role("link", name="Fresh from the till")).to_be_visible()


def test_a_session_that_ends_is_said_once(page: Page, stage: Stage, console: ConsoleGuard) -> None:
    """What is shown stays, with a way to sign in again; nobody is asked any more."""
    console.allow("status of 401")
    start(page, stage, LIST)
    stage.host.signed_in = False
    beat(page)
    expect(page.get_by_role("alert")).to_contain_text("You are signed out")
    expect(page.get_by_role("link", name="Sign in again")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(60_000)
    assert asked == []
    expect(page.get_by_role("alert")).to_have_count(1)


def test_a_permission_that_is_lost_is_said(page: Page, stage: Stage, console: ConsoleGuard) -> None:
    """Signing in again would not help, so it is not offered."""
    console.allow("status of 403")
    start(page, stage, LIST)
    stage.host.permissions = frozenset()
    beat(page)
    expect(page.get_by_role("alert")).to_contain_text("You may no longer see payments")
    expect(page.get_by_role("link", name="Sign in again")).to_have_count(0)


def test_a_server_that_comes_back_is_asked_again(page: Page, stage: Stage, console: ConsoleGuard) -> None:
    """Meanwhile the page says since when it is old; afterwards it is fresh and says nothing."""
    console.allow("net::")
    console.allow("ERR_")
    start(page, stage, LIST)
    page.route("**/payment/**", lambda route: route.abort())
    page.clock.run_for(BEAT)
    expect(page.get_by_role("alert")).to_contain_text("Not refreshed since")
    page.unroute("**/payment/**")
    sell(stage)
    page.clock.run_for(3 * BEAT)
    expect(page.get_by_role("link", name="Fresh from the till")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_page_that_could_not_be_shown_comes_by_itself(
    page: Page, stage: Stage, console: ConsoleGuard
) -> None:
    """Who met an outage needn't press anything: as soon as the database answers, so does the page."""
    console.allow("status of 503")
    stage.payments.failing = DatabaseError("The database can't be reached.")
    start(page, stage, LIST)
    expect(page.get_by_role("heading", name="Database unavailable")).to_be_visible()
    stage.payments.failing = None
    page.clock.run_for(3 * BEAT)
    expect(page.locator(".op-link-row").first).to_be_visible()
