"""How every page looks in a real browser: nothing cut off, nothing that axe finds, nothing that jumps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.cards.fakes import Stage
from tests.cards.rows import HEBREW, LONG, SESSION, status, transaction
from tests.support.browser import ConsoleGuard

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

Scheme = Literal["light", "dark"]
NewContext = Callable[..., "BrowserContext"]

VIEWS = (
    "/",
    "/payment/modal",
    "/payment/modal?days=365",
    "/payment/modal/transactions",
    "/payment/modal/transactions?q=zzzzzz",
    "/payment/modal/subscriptions",
    "/payment/modal/customers",
    "/payment/modal/disputes",
    "/payment/modal/events",
    "/payment/events/3",
    "/payment/modal/actions",
    "/payment/modal/settings",
    "/payment/transactions/1",
    "/payment/transactions/4",
    "/payment/transactions/2/refund?amount=1.00",
    "/payment/subscriptions/1",
    "/payment/subscriptions/2/plan",
    "/payment/subscriptions/1/cancel?when=now",
    "/payment/customers/1",
    "/payment/customers/1/erase",
    "/payment/disputes/1",
    "/payment/card",
    f"/payment/success?session_id={SESSION}",
    "/payment/cancel",
)


# In each theme at each width; every other view in one of these.
OFTEN = ("/", "/payment/modal/transactions", "/payment/transactions/1")


def faults(page: Page) -> list[str]:
    """What axe finds, as readable lines."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{fault['id']}: {[node['html'][:120] for node in fault['nodes']]}" for fault in found]


@pytest.mark.parametrize(
    ("part", "scheme", "width"), [(0, "light", 375), (1, "dark", 375), (2, "light", 1440), (3, "dark", 1440)]
)
def test_axe_finds_nothing_on_any_page(
    new_context: NewContext, stage: Stage, part: int, scheme: Scheme, width: int
) -> None:
    """Every view as a page; in both themes, as a table and as cards."""
    stage.payments.payments = stage.payments.payments[:10]
    page = new_context(color_scheme=scheme, viewport={"width": width, "height": 900}).new_page()
    for path in {*OFTEN, *VIEWS[part::4]}:
        page.goto(stage.url + path)
        assert not faults(page), path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_dialogs(new_context: NewContext, stage: Stage, scheme: Scheme) -> None:
    """Modal, drawer, refund form and confirmation, as they lie over the dashboard."""
    stage.payments.payments = stage.payments.payments[:10]
    page = new_context(color_scheme=scheme).new_page()
    page.goto(f"{stage.url}/")
    page.locator(".op-card-link").click()
    expect(page.locator("dialog.op-dialog-modal .op-figures")).to_be_visible()
    assert not faults(page)
    page.get_by_role("link", name="Transactions", exact=True).click()
    page.get_by_role("link", name="Poster, A2").first.click()
    expect(page.locator("dialog.op-dialog-drawer")).to_be_visible()
    page.get_by_text("Refund…").click()
    assert not faults(page)
    page.get_by_role("button", name="Review refund").click()
    expect(page.get_by_role("heading", name="Refund 36.50 USD?")).to_be_visible()
    assert not faults(page)


def test_axe_finds_nothing_when_something_is_wrong(
    new_context: NewContext, stage: Stage, console: ConsoleGuard
) -> None:
    """Alarms on card, overview and inbox, an amount that can't be, a page that one may not see, no writes."""
    console.allow("status of 4")
    stage.payments.payments = stage.payments.payments[:10]
    stage.payments.state = status(healthy=False, failed_events=3, open_disputes=2, drift=4)
    stage.host.permissions -= {"payment.admin"}
    page = new_context(color_scheme="dark").new_page()
    for path in (
        "/",
        "/payment/modal",
        "/payment/transactions/2/refund?amount=99",
        "/payment/modal/settings",
    ):
        page.goto(stage.url + path)
        assert not faults(page), path
    stage.host.permissions |= {"payment.admin"}
    stage.payments.state = status(read_only=True, failed_events=3, pending_events=900, lag_seconds=9000)
    for path in (
        "/payment/modal/events",
        "/payment/transactions/2/refund?amount=1.00",
        "/payment/disputes/1",
    ):
        page.goto(stage.url + path)
        expect(page.get_by_text("Not now: the database is read-only.")).to_be_visible()
        assert not faults(page), path


# A frame hides what sticks out of it, so the window alone does not tell.
STICKING_OUT = """() => [...document.querySelectorAll('.op-table, .op-facts, .op-money, .op-overview')]
    .filter(box => box.getBoundingClientRect().right > box.closest('.op-body').getBoundingClientRect().right)
    .map(box => box.className)"""


def test_nothing_is_cut_off(new_context: NewContext, stage: Stage) -> None:
    """No view is wider than its window, from a phone to a large screen, whatever somebody is called."""
    stage.payments.payments[0] = transaction(
        1, customer_name=LONG, customer_email=f"{'a' * 60}@{'b' * 60}.example.com", description=LONG * 2
    )
    stage.payments.payments[1] = transaction(2, customer_name=HEBREW, description="W" * 90, currency="jpy")
    page = new_context().new_page()
    for path in VIEWS:
        page.goto(stage.url + path)
        for width in (375, 700, 768, 1440, 2560):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)
            assert page.evaluate(STICKING_OUT) == [], (path, width)


SPILLED = """boxes => boxes
    .filter(box => !box.closest('.op-sr, svg') && getComputedStyle(box).display !== 'inline')
    .filter(box => box.scrollWidth > box.clientWidth + 1)
    .map(box => box.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("width", [375, 700, 1150])
def test_large_sums_stay_inside_their_boxes(new_context: NewContext, stage: Stage, width: int) -> None:
    """Billions, and a currency without decimals, on the card and in every figure."""
    stage.payments.series = [
        one.model_copy(
            update={
                "points": [
                    point.model_copy(update={"gross": point.gross * 10**7, "net": -point.net * 10**7})
                    for point in one.points
                ]
            }
        )
        for one in stage.payments.series
    ]
    page = new_context(viewport={"width": width, "height": 900}).new_page()
    for path, boxes in (("/", ".op-card, .op-card *"), ("/payment/modal", ".op-figures, .op-figures *")):
        page.goto(stage.url + path)
        spilled = page.locator(boxes).evaluate_all(SPILLED)
        assert spilled == []


SHIFTS = """() => new Promise(done => {
    let sum = 0;
    new PerformanceObserver(list => {
        for (const one of list.getEntries()) if (!one.hadRecentInput) sum += one.value;
    }).observe({ type: 'layout-shift', buffered: true });
    setTimeout(() => done(sum), 150);
})"""


@pytest.mark.parametrize("width", [375, 1440])
def test_nothing_jumps_while_a_page_loads(new_context: NewContext, stage: Stage, width: int) -> None:
    """What is shown first stays where it is."""
    page = new_context(viewport={"width": width, "height": 900}).new_page()
    for path in ("/", "/payment/modal", "/payment/modal/transactions", "/payment/modal/settings"):
        page.goto(stage.url + path)
        assert page.evaluate(SHIFTS) < 0.01, path


def test_the_way_out_stays_beside_the_title(page: Page, stage: Stage) -> None:
    """On a phone long words about the provider's health break; the × stays in their line."""
    stage.payments.state = status(healthy=False)
    page.set_viewport_size({"width": 375, "height": 800})
    page.goto(f"{stage.url}/payment/modal")
    title, close = (page.locator(f".op-head {one}").bounding_box() for one in ("h2", ".op-close"))
    assert title is not None
    assert close is not None
    assert close["y"] < title["y"] + title["height"]
