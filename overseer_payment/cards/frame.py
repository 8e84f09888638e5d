"""What surrounds every view of the modal: whose money it is, how healthy it is, and the tabs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from overseer_payment.cards.render import View, render
from overseer_payment.cards.words import Mode, Tone, Word, health_of, mode_of
from overseer_payment.errors import PaymentError

if TYPE_CHECKING:
    from overseer_payment.cards.visit import Visit
    from overseer_payment.schemas import StatusView, Viewer


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab. It is shown to those who have `permission`."""

    key: str
    title: str
    permission: str = "payment.view"
    counts: str = ""
    """A number of `StatusView` that stands beside the title when it isn't zero."""
    tone: Tone = "warn"


TABS = (
    Tab("overview", "Overview"),
    Tab("transactions", "Transactions"),
    Tab("subscriptions", "Subscriptions"),
    Tab("customers", "Customers"),
    Tab("disputes", "Disputes", counts="open_disputes"),
    Tab("events", "Events", counts="failed_events", tone="danger"),
    Tab("actions", "Actions", "payment.manage"),
    Tab("settings", "Settings", "payment.admin"),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """The head of the modal. `status` is None when it can't be read now."""

    tabs: tuple[Tab, ...]
    current: str
    status: StatusView | None

    @property
    def mode(self) -> Mode:
        return "off" if self.status is None else mode_of(self.status)

    @property
    def health(self) -> Word:
        return Word("Unavailable", "danger") if self.status is None else health_of(self.status)

    @property
    def read_only(self) -> bool:
        """Is it known that nothing can be changed now?"""
        return self.status is not None and self.status.read_only

    def count(self, tab: Tab) -> int:
        """How many things wait behind `tab`."""
        return int(getattr(self.status, tab.counts, 0)) if tab.counts else 0


def tabs_for(viewer: Viewer) -> tuple[Tab, ...]:
    """The tabs that this viewer may open."""
    return tuple(tab for tab in TABS if tab.permission in viewer.permissions)


def tab_link(seen: Visit, key: str, **query: object) -> str | None:
    """The address of a tab, if there is such a tab and this viewer may open it."""
    return seen.links.tab(key, **query) if any(tab.key == key for tab in tabs_for(seen.viewer)) else None


async def frame_of(seen: Visit, current: str) -> Frame:
    """The frame around the tab `current`; a failing status is shown there, not raised."""
    try:
        status = await seen.payments.status(seen.viewer)
    except PaymentError:
        status = None
    return Frame(tabs_for(seen.viewer), current, status)


def view(seen: Visit, template: str, *, title: str, http_status: int = 200, **context: Any) -> View:
    """A view from one of our templates, with the tools that every template uses."""
    body = render(template, links=seen.links, fmt=seen.fmt, seen=seen, title=title, **context)
    return View(f"{title} · Payments", body, http_status)
