"""The list tabs: transactions, subscriptions and customers, each filtered by links and paged by keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from overseer_payment.cards import words
from overseer_payment.cards.frame import frame_of, view
from overseer_payment.errors import Invalid
from overseer_payment.schemas import (
    CustomerQuery,
    ListQuery,
    Page,
    SubscriptionQuery,
    TransactionQuery,
)

if TYPE_CHECKING:
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit

QueryT = TypeVar("QueryT", bound=ListQuery)
ROWS = 25


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
    """Where older rows are, and the way back to the newest."""

    older: str | None
    newest: str | None


async def transactions(seen: Visit) -> View:
    """Payments and refunds, newest first."""
    query, filters = _query(
        seen, TransactionQuery, "status", "type", "currency", "q", "customer_id", "subscription_id"
    )
    found = await seen.payments.transactions(seen.viewer, query)
    frame = await frame_of(seen, "transactions")
    currencies = [revenue.currency for revenue in frame.status.revenue] if frame.status else []
    groups = [
        _chips(
            seen, "transactions", filters, "status", ((s.value, w.text) for s, w in words.TRANSACTION.items())
        ),
        _chips(
            seen, "transactions", filters, "type", ((kind.value, text) for kind, text in words.TYPE.items())
        ),
    ]
    if len(currencies) > 1:
        known = ((code, code.upper()) for code in currencies)
        groups.append(_chips(seen, "transactions", filters, "currency", known))
    return view(
        seen,
        "transactions.html",
        title="Transactions",
        frame=frame,
        rows=found.rows,
        groups=groups,
        filters=filters,
        scopes=_scopes(seen, filters),
        paging=_paging(seen, "transactions", filters, query, found),
    )


async def subscriptions(seen: Visit) -> View:
    """Subscriptions, newest first."""
    query, filters = _query(seen, SubscriptionQuery, "status", "customer_id")
    found = await seen.payments.subscriptions(seen.viewer, query)
    states = ((state.value, word.text) for state, word in words.SUBSCRIPTION.items())
    return view(
        seen,
        "subscriptions.html",
        title="Subscriptions",
        frame=await frame_of(seen, "subscriptions"),
        rows=found.rows,
        groups=[_chips(seen, "subscriptions", filters, "status", states)],
        filters=filters,
        paging=_paging(seen, "subscriptions", filters, query, found),
    )


async def customers(seen: Visit) -> View:
    """Customers, newest first."""
    query, filters = _query(seen, CustomerQuery, "q")
    found = await seen.payments.customers(seen.viewer, query)
    return view(
        seen,
        "customers.html",
        title="Customers",
        frame=await frame_of(seen, "customers"),
        rows=found.rows,
        filters=filters,
        paging=_paging(seen, "customers", filters, query, found),
    )


def _query(seen: Visit, model: type[QueryT], *names: str) -> tuple[QueryT, dict[str, str]]:
    """The list's question and its filters, from the address. Raises Invalid for what no filter takes."""
    given = seen.request.query_params
    filters = {name: given[name].strip() for name in names if given.get(name, "").strip()}
    asked = {**filters, "limit": ROWS, **({"cursor": given["cursor"]} if given.get("cursor") else {})}
    try:
        return model.model_validate(asked), filters
    except ValidationError as error:
        name = str(error.errors(include_input=False, include_url=False)[0]["loc"][0])
        raise Invalid(
            f"The list has no such {name.removesuffix('_id').replace('_', ' ')} to filter by."
        ) from None


def _chips(
    seen: Visit, tab: str, filters: dict[str, str], name: str, values: Iterable[tuple[str, str]]
) -> Chips:
    rest = {key: value for key, value in filters.items() if key != name}
    everything = Chip("All", seen.links.tab(tab, **rest), name not in filters)
    chips = [
        Chip(text, seen.links.tab(tab, **rest, **{name: value}), filters.get(name, "").lower() == value)
        for value, text in values
    ]
    return Chips(name.capitalize(), [everything, *chips])


def _scopes(seen: Visit, filters: dict[str, str]) -> list[Chip]:
    """Filters that came with a link, each as a chip that takes it away."""
    names = {"customer_id": "Customer", "subscription_id": "Subscription"}
    return [
        Chip(
            f"{title} {filters[name]}",
            seen.links.tab("transactions", **{key: value for key, value in filters.items() if key != name}),
            on=True,
        )
        for name, title in names.items()
        if name in filters
    ]


def _paging(seen: Visit, tab: str, filters: dict[str, str], query: ListQuery, found: Page[Any]) -> Paging:
    older = seen.links.tab(tab, **filters, cursor=found.next_cursor) if found.next_cursor else None
    return Paging(older, seen.links.tab(tab, **filters) if query.cursor else None)
