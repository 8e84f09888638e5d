"""Every address that the pages name, in one place: the mount's root path and our own path, nothing else.

`request.url_for` resolves against the outermost router, which in most hosts is not the one that
holds our routes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from starlette.requests import Request

from overseer_payment.cards.assets import asset_path


def _with_query(path: str, query: Mapping[str, object]) -> str:
    said = {name: str(value) for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(said)}" if said else path


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses below the place where the host mounted us."""

    root: str

    @classmethod
    def of(cls, request: Request) -> Links:
        return cls(str(request.scope.get("root_path", "")).rstrip("/"))

    @property
    def home(self) -> str:
        """Where the host's dashboard is."""
        return f"{self.root}/"

    @property
    def card(self) -> str:
        return f"{self.root}/payment/card"

    @property
    def pulse(self) -> str:
        """Where a few bytes tell whether anything has changed."""
        return f"{self.root}/payment/pulse"

    def tab(self, key: str = "overview", **query: object) -> str:
        """The page of one tab, with its filters."""
        path = "/payment/modal" if key == "overview" else f"/payment/modal/{key}"
        return _with_query(self.root + path, query)

    def export(self, noun: str, **filters: object) -> str:
        """A file of everything that the list shows with these filters."""
        return _with_query(f"{self.root}/api/v1/payment/export/{noun}", {"format": "csv", **filters})

    def transaction(self, id: object, **query: object) -> str:
        return _with_query(f"{self.root}/payment/transactions/{quote(str(id), safe='')}", query)

    def refund(self, id: object, **query: object) -> str:
        return _with_query(f"{self.root}/payment/transactions/{quote(str(id), safe='')}/refund", query)

    def subscription(self, id: object, what: str = "", **query: object) -> str:
        """One subscription, or the page that asks before `what` is done to it."""
        return self._row("subscriptions", id, what, query)

    def customer(self, id: object, what: str = "", **query: object) -> str:
        """One customer, or the page that asks before `what` is done to it."""
        return self._row("customers", id, what, query)

    def dispute(self, id: object, what: str = "", **query: object) -> str:
        """One dispute, or the page that asks before `what` is done about it."""
        return self._row("disputes", id, what, query)

    def _row(self, noun: str, id: object, what: str, query: Mapping[str, object]) -> str:
        path = f"{self.root}/payment/{noun}/{quote(str(id), safe='')}"
        return _with_query(f"{path}/{what}" if what else path, query)

    def event(self, id: object, what: str = "", **query: object) -> str:
        """One event, or the page that asks before `what` (replay, ignore) is done to it."""
        path = f"{self.root}/payment/events/{quote(str(id), safe='')}"
        return _with_query(f"{path}/{what}" if what else path, query)

    @property
    def replay_all(self) -> str:
        """Where all failed events are put back."""
        return f"{self.root}/payment/events/replay"

    def simulate(self, what: str) -> str:
        """Where a demo lets something happen."""
        return f"{self.root}/payment/actions/simulate/{what}"

    @property
    def checkout(self) -> str:
        """Where the form that opens a checkout is sent."""
        return f"{self.root}/payment/actions/checkout"

    def landing(self, session_id: str, *, look: int) -> str:
        """The success page again, for the `look`-th time."""
        return _with_query(f"{self.root}/payment/success", {"session_id": session_id, "look": look})

    def asset(self, name: str) -> str:
        return self.root + asset_path(name)
