"""What every list tab needs: its question from the address, chips for its filters, paging by keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import ValidationError

from overseer_payment.errors import Invalid
from overseer_payment.schemas import ListQuery, Page

if TYPE_CHECKING:
    from overseer_payment.cards.visit import Visit

QueryT = TypeVar("QueryT", bound=ListQuery)
ROWS = 25
ALL = "all"
"""Takes away a filter that holds by itself."""
_STEP, _CUT = ".", "~"
_LONGEST_TRAIL = 12
"""Steps that an address remembers: a cursor leads only onwards, and addresses must stay short."""


@dataclass(frozen=True, slots=True)
class Chip:
    """One value of a filter, as a link. The first of a group takes the filter away."""

    text: str
    href: str
    on: bool


@dataclass(frozen=True, slots=True)
class Chips:
    label: str
    chips: list[Chip]


@dataclass(frozen=True, slots=True)
class Paging:
    """The pages before and after this one, the way back to the first, and what these are called."""

    previous: str | None
    next: str | None
    first: str | None
    words: tuple[str, str, str] = ("Newest", "Newer", "Older")
    """Of the ways to the first page, to the one before, and to the one after."""


@dataclass(frozen=True, slots=True)
class Searched:
    """Since when a search has read everything, and where it goes on before that."""

    since: datetime
    href: str


PAGES_OF: Mapping[str, tuple[str, str, str]] = {
    "newest": ("Newest", "Newer", "Older"),
    "oldest": ("Oldest", "Older", "Newer"),
    "largest": ("Largest", "Larger", "Smaller"),
    "smallest": ("Smallest", "Smaller", "Larger"),
    "soonest": ("Soonest", "Sooner", "Later"),
}
"""What the pages of a list are called, by its order."""


@dataclass(frozen=True, slots=True)
class Listing(Generic[QueryT]):
    """One list as it was asked for, and the addresses of its other shapes."""

    seen: Visit
    tab: str
    query: QueryT
    filters: Mapping[str, str]
    trail: str = ""
    """The cursors of the pages before this one but the first, joined by dots."""

    @property
    def home(self) -> str:
        """The whole list, without any filter."""
        return self.seen.links.tab(self.tab)

    @property
    def live(self) -> bool:
        """Does news appear here? On the first page: a deeper one must not move below its reader."""
        return self.query.cursor is None

    def href(self, **changed: str | None) -> str:
        """The same list with these filters changed; None takes one away. Always its first page."""
        return self.seen.links.tab(self.tab, **{**self.filters, **changed})

    def chips(
        self, name: str, values: Iterable[tuple[str, str]], *, label: str = "", holds: str | None = None
    ) -> Chips:
        """A row of chips for one filter: each of `values` (value, text), and "All" before them.

        `holds` is another filter that means nothing without this one.
        """
        on = self.filters.get(name, "").lower()
        chips = [Chip(text, self.href(**{name: value}), on == value) for value, text in values]
        taken = {name: None} | ({holds: None} if holds else {})
        everything = Chip("All", self.href(**taken), name not in self.filters)
        return Chips(label or name.capitalize(), [everything, *chips])

    def scopes(self, names: Mapping[str, str]) -> list[Chip]:
        """Filters that came with a link (name → title), each as a chip that takes it away."""
        return [
            Chip(f"{title} {self._said(name)}", self.href(**{name: None}), on=True)
            for name, title in names.items()
            if name in self.filters
        ]

    def _said(self, name: str) -> str:
        """A filter's value as people write it."""
        value = getattr(self.query, name)
        if not isinstance(value, datetime):
            return self.filters[name]
        return self.seen.fmt.exact(value if value.tzinfo else value.replace(tzinfo=UTC))

    def searched(self, found: Page[Any]) -> Searched | None:
        """How far back a search for a text has read, unless that is everything."""
        since = found.searched_since
        if since is None:
            return None
        return Searched(since, self.href(occurred_before=since.isoformat()))

    def paging(self, found: Page[Any], order: str = "newest") -> Paging:
        """The ways on from this page. The way back is the trail of cursors that led here."""
        cursor = self.query.cursor
        steps = self.trail.split(_STEP) if self.trail else []
        following = [*steps, cursor] if cursor else []
        return Paging(
            previous=self._back(steps) if cursor else None,
            next=self._at(found.next_cursor, following) if found.next_cursor else None,
            first=self.href() if cursor else None,
            words=PAGES_OF[order],
        )

    def _back(self, steps: list[str]) -> str | None:
        if not steps:
            return self.href()
        return None if steps[-1] == _CUT else self._at(steps[-1], steps[:-1])

    def _at(self, cursor: str, steps: list[str]) -> str:
        if len(steps) > _LONGEST_TRAIL:
            steps = [_CUT, *steps[1 - _LONGEST_TRAIL :]]
        return self.href(cursor=cursor, back=_STEP.join(steps))


def asked(
    seen: Visit, tab: str, model: type[QueryT], *names: str, usual: Mapping[str, str] | None = None
) -> Listing[QueryT]:
    """The list of `tab` as the address asks for it. Raises Invalid for what no filter takes.

    `usual` filters hold where the address names none; it names `all` to take one away.
    """
    given = seen.request.query_params
    filters = {name: given[name].strip() for name in names if given.get(name, "").strip()}
    wanted = {**(usual or {}), **filters}
    question = {
        **{name: value for name, value in wanted.items() if not (name in (usual or {}) and value == ALL)},
        "limit": ROWS,
        **({"cursor": given["cursor"]} if given.get("cursor") else {}),
    }
    try:
        return Listing(seen, tab, model.model_validate(question), filters, given.get("back", "")[:2000])
    except ValidationError as error:
        name = str(error.errors(include_input=False, include_url=False)[0]["loc"][0])
        raise Invalid(
            f"The list has no such {name.removesuffix('_id').replace('_', ' ')} to filter by."
        ) from None
