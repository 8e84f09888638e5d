"""Disputes, subscriptions and customers in a real browser: drawers, files, keyboard, and both themes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import pytest
from playwright.sync_api import expect

from overseer_payment.schemas import EvidenceBody, EvidenceFileRow
from tests.cards.fakes import Stage
from tests.cards.test_browser_looks import faults

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

    from tests.support.browser import ConsoleGuard

Scheme = Literal["light", "dark"]
NewContext = Callable[..., "BrowserContext"]


class Bank:
    """What was staged and uploaded, in place of the provider."""

    def __init__(self) -> None:
        self.said: list[EvidenceBody] = []
        self.files: list[bytes] = []

    async def stage(self, payments: Any, viewer: Any, id: str, body: EvidenceBody, **_: Any) -> None:
        self.said.append(body)

    async def take(self, payments: Any, viewer: Any, id: str, content: bytes, *_: Any, **__: Any) -> Any:
        self.files.append(content)
        return EvidenceFileRow(id="file_1", name="slip.pdf", media_type="application/pdf", size=len(content))


@pytest.fixture
def bank(monkeypatch: pytest.MonkeyPatch) -> Bank:
    bank = Bank()
    monkeypatch.setattr("overseer_payment.asking.disputes.stage_evidence", bank.stage)
    monkeypatch.setattr("overseer_payment.asking.disputes.add_file", bank.take)
    return bank


def open_drawer(page: Page, stage: Stage, tab: str, row: str) -> None:
    page.goto(f"{stage.url}/")
    page.locator(".op-card-link").click()
    page.locator(f".op-tabs a[href$='/{tab}']").click()
    page.locator(f"dialog tr[data-op-key='{row}'] a[data-op='drawer']").first.click()
    expect(page.locator("dialog.op-dialog-drawer .op-deeds")).to_be_visible()


def test_evidence_is_written_and_attached_in_the_drawer(page: Page, stage: Stage, bank: Bank) -> None:
    """Without leaving the dialog; which button was pressed and the file's own bytes arrive."""
    open_drawer(page, stage, "disputes", "row-1")
    page.get_by_text("Write evidence…").click()
    page.get_by_label("Shipping carrier").fill("UPS")
    page.get_by_role("button", name="Keep as a draft").click()
    expect(page.get_by_text("Write evidence…")).to_be_visible()
    page.get_by_text("Attach a file…").click()
    content = bytes(range(256)) * 3
    page.get_by_label("File", exact=True).set_input_files(
        {"name": "slip.pdf", "mimeType": "application/pdf", "buffer": content}
    )
    page.get_by_role("button", name="Attach", exact=True).click()
    expect(page.locator("#op-attach")).not_to_have_attribute("open", "")
    assert [body.evidence for body in bank.said] == [{"shipping_carrier": "UPS"}, {"receipt": "file_1"}]
    assert bank.files == [content]
    expect(page.locator("dialog.op-dialog-drawer")).to_be_visible()


def test_reviewing_leads_on_to_the_confirmation(
    page: Page, stage: Stage, bank: Bank, console: ConsoleGuard
) -> None:
    """The second button keeps what was written and goes on; here the bank forgot it, which is said."""
    console.allow("status of 409")
    open_drawer(page, stage, "disputes", "row-1")
    page.get_by_text("Write evidence…").click()
    page.get_by_label("Shipping note").fill("Left at the door")
    page.get_by_role("button", name="Review and submit…").click()
    expect(page.get_by_text("There is nothing to submit yet")).to_be_visible()
    assert bank.said[0].evidence == {"shipping_note": "Left at the door"}


def test_the_payment_of_a_dispute_is_a_link_of_its_own(page: Page, stage: Stage) -> None:
    """Beside the row's own link, which takes the rest of the row."""
    page.goto(f"{stage.url}/payment/modal/disputes")
    page.get_by_role("link", name="Payment 4", exact=True).click()
    expect(page.locator("dialog.op-dialog-drawer h2")).to_have_text("Payment")


def test_all_of_it_works_with_the_keyboard(page: Page, stage: Stage) -> None:
    """From the drawer's button to a typed confirmation, and back to where the focus was."""
    open_drawer(page, stage, "customers", "row-2")
    page.locator("#op-erase > summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Here only")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".op-confirm")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("To go on, type")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("dialog tr[data-op-key='row-2'] a")).to_be_focused()


@pytest.mark.parametrize(("scheme", "width"), [("light", 375), ("dark", 1280)])
def test_axe_finds_nothing_in_unfolded_forms(
    new_context: NewContext, stage: Stage, scheme: Scheme, width: int
) -> None:
    """Everything that can be unfolded is, in both themes, and nothing is wider than its window."""
    page = new_context(color_scheme=scheme, viewport={"width": width, "height": 900}).new_page()
    for path in ("/payment/disputes/1", "/payment/subscriptions/1", "/payment/customers/2"):
        page.goto(stage.url + path)
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        assert not faults(page), path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_what_does_not_fit_is_scrolled_to_and_never_squeezed(page: Page, stage: Stage) -> None:
    """A long drawer in a low window: the table of what a customer is worth keeps its rows."""
    page.set_viewport_size({"width": 1440, "height": 480})
    open_drawer(page, stage, "customers", "row-2")
    page.get_by_text("Erase…").click()
    worth = page.get_by_role("region", name="Lifetime value")
    expect(worth).to_have_count(1)
    assert worth.evaluate("node => node.clientHeight >= Math.min(340, node.scrollHeight)")
