"""What applications can be told, and how they say that they want to hear it: plain types, no I/O.

Two ways to listen. `@inside` runs in the very transaction that records the change: what it writes on its
connection and the ledger's row come to be together or not at all. `@on` runs after the commit, from an
outbox: for everything that leaves the database, mail above all.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from overseer_payment.errors import ConfigurationError

if TYPE_CHECKING:
    from overseer_payment.schemas import (
        CheckoutRow,
        DisputeRow,
        InvoiceRow,
        SubscriptionRow,
        SubscriptionTerms,
        TransactionRow,
    )

Subject: TypeAlias = Literal["checkout", "transaction", "invoice", "subscription", "dispute"]
Handler: TypeAlias = Callable[..., Any]
RowT = TypeVar("RowT")

_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Topic:
    """Something that can be told, and of which sort of row."""

    subject: Subject
    sentence: str
    state: bool = False
    """Not something that happened once, but: the row says something new, look at it."""
    reminder: bool = False
    """Told when its time comes, unless the row has moved on by then."""


TOPICS: Mapping[str, Topic] = MappingProxyType(
    {
        "checkout.completed": Topic(
            "checkout", "The buyer finished the page; the money may still be on its way."
        ),
        "checkout.paid": Topic("checkout", "The session is paid, or nothing was to be paid."),
        "checkout.expired": Topic("checkout", "The session ended unpaid."),
        "payment.failed": Topic("transaction", "An attempt to pay failed; once for each attempt."),
        "payment.succeeded": Topic("transaction", "The money was collected."),
        "payment.canceled": Topic("transaction", "The payment was given up and can't succeed any more."),
        "refund.succeeded": Topic("transaction", "A refund was made; the row is the refund's."),
        "refund.failed": Topic("transaction", "A refund did not arrive; the money is back."),
        "invoice.paid": Topic("invoice", "The invoice is settled, by whatever payment or outside."),
        "invoice.payment_failed": Topic(
            "invoice", "An attempt to collect the invoice failed; once for each attempt."
        ),
        "subscription.started": Topic("subscription", "The subscription or its trial began."),
        "subscription.trial_ending": Topic(
            "subscription", "The trial ends in three days; once for each end.", reminder=True
        ),
        "subscription.past_due": Topic(
            "subscription", "A renewal was not paid; once for each unpaid period."
        ),
        "subscription.cancellation_scheduled": Topic(
            "subscription", "The subscription will end; once for each date of its end."
        ),
        "subscription.ended": Topic("subscription", "The subscription is over."),
        "subscription.changed": Topic(
            "subscription",
            "The row is new or says something else: status, plan, quantity, dates.",
            state=True,
        ),
        "dispute.opened": Topic("dispute", "A chargeback, an inquiry or an early fraud warning came."),
        "dispute.due_soon": Topic(
            "dispute",
            "In three days the bank takes no answer any more; once for each deadline.",
            reminder=True,
        ),
        "dispute.closed": Topic("dispute", "The dispute was decided; once for each outcome."),
        "dispute.changed": Topic("dispute", "The row is new or says something else.", state=True),
    }
)
"""Everything that can be listened to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One thing that an application is told.

    `row` is the row as it stands when it is told, in the shape that REST answers. `effect_id` is the same
    at each retry, and another one for each listener: keep it where doing a thing twice would hurt.
    """

    topic: str
    effect_id: str
    row: CheckoutRow | TransactionRow | InvoiceRow | SubscriptionRow | DisputeRow
    provider: str
    account: str
    livemode: bool
    user_id: str | None
    """Your user whom it concerns, where the customer or the checkout was made for one."""
    occurred_at: datetime
    """When it happened, by the provider's clock, as far as that was told."""
    overtaken: bool = False
    """The row has moved on: it was so, and is not so any more."""
    backfilled: bool = False
    """It was long over when it was first heard of."""
    before: SubscriptionTerms | None = None
    """Of `subscription.changed`: plan, quantity and price as this listener was last told of them."""

    @property
    def checkout(self) -> CheckoutRow:
        """The session. Raises TypeError for news of something else; so do the others."""
        from overseer_payment.schemas import CheckoutRow

        return _the(CheckoutRow, self)

    @property
    def transaction(self) -> TransactionRow:
        """The payment, or the refund."""
        from overseer_payment.schemas import TransactionRow

        return _the(TransactionRow, self)

    @property
    def invoice(self) -> InvoiceRow:
        from overseer_payment.schemas import InvoiceRow

        return _the(InvoiceRow, self)

    @property
    def subscription(self) -> SubscriptionRow:
        from overseer_payment.schemas import SubscriptionRow

        return _the(SubscriptionRow, self)

    @property
    def dispute(self) -> DisputeRow:
        from overseer_payment.schemas import DisputeRow

        return _the(DisputeRow, self)


def _the(kind: type[RowT], news: News) -> RowT:
    if not isinstance(news.row, kind):
        raise TypeError(f"{news.topic} is about a {TOPICS[news.topic].subject}.")
    return news.row


@dataclass(frozen=True, slots=True)
class Listener:
    """A handler and what it wants to hear. Made by `on` and `inside`; calling it calls the handler.

    `name` is how the outbox knows it: after a change of name it is somebody else, who hears only what is new.
    """

    name: str
    topics: frozenset[str]
    handler: Handler
    inside: bool = False
    backfilled: bool = False
    timeout: float = 30.0
    """Seconds; one that takes longer has failed and is tried again."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.handler(*args, **kwargs)


def on(
    *topics: str, name: str | None = None, backfilled: bool = False, timeout: float = 30.0
) -> Callable[[Handler], Listener]:
    """Tell this function of `topics` after they are committed: `handler(news)`, async or not.

    At least once, and not again after it returned. One that raises is tried again, later and later for
    about three days, and holds up nobody else. `backfilled`: also of what was long over when first heard of.
    Raises ConfigurationError for a topic that doesn't exist or a function that doesn't take `news`.
    """
    return lambda handler: _listener(handler, topics, name, False, backfilled, timeout, ("news",))


def inside(
    *topics: str, name: str | None = None, backfilled: bool = False, timeout: float = 10.0
) -> Callable[[Handler], Listener]:
    """Run this function in the transaction that records `topics`: `handler(connection, news)`.

    An async function gets an `AsyncConnection`, a plain one a `Connection`. Exactly once: what it writes
    there is committed with the ledger's row. If it raises, neither is, and the event is tried again.
    Raises ConfigurationError as `on` does.
    """
    return lambda handler: _listener(handler, topics, name, True, backfilled, timeout, ("connection", "news"))


def _listener(
    handler: Handler,
    topics: Iterable[str],
    name: str | None,
    inside: bool,
    backfilled: bool,
    timeout: float,
    takes: tuple[str, ...],
) -> Listener:
    wanted = frozenset(topics)
    marker = "inside" if inside else "on"
    if not wanted:
        raise ConfigurationError(f'@{marker} needs a topic, for example @{marker}("payment.succeeded").')
    for topic in sorted(wanted):
        _require(topic)
    called = name or f"{handler.__module__}.{handler.__qualname__}"
    if len(called) > _LONGEST_NAME:
        raise ConfigurationError(f"The listener {called[:40]}… needs a shorter name: @{marker}(…, name=…).")
    try:
        inspect.signature(handler).bind(*takes)
    except TypeError:
        raise ConfigurationError(f"The listener {called} must take ({', '.join(takes)}).") from None
    return Listener(called, wanted, handler, inside, backfilled, timeout)


def _require(topic: str) -> None:
    if topic in TOPICS:
        return
    close = difflib.get_close_matches(topic, TOPICS, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(TOPICS)}."
    raise ConfigurationError(f"There is no {topic!r} to listen to. {hint}")


def collect(offered: Iterable[object]) -> tuple[Listener, ...]:
    """The listeners among `offered`, and of each module in it those that it defines or imports.

    Raises ConfigurationError for anything else, for a module without any, and for two of one name.
    """
    found: dict[str, Listener] = {}
    for listener in (one for thing in offered for one in _those_of(thing)):
        if found.setdefault(listener.name, listener) is not listener:
            raise ConfigurationError(
                f"Two listeners are called {listener.name!r}. Give one of them another name: @on(…, name=…)."
            )
    return tuple(found.values())


def _those_of(thing: object) -> list[Listener]:
    if isinstance(thing, Listener):
        return [thing]
    if isinstance(thing, ModuleType):
        if its := [value for value in vars(thing).values() if isinstance(value, Listener)]:
            return its
        raise ConfigurationError(
            f"The module {thing.__name__} has no listener. Mark one with @on or @inside."
        )
    called = getattr(thing, "__qualname__", type(thing).__name__)
    raise ConfigurationError(f"{called} is no listener. Mark it with @on(…) or @inside(…).")
