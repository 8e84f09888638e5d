"""The shapes that only REST answers: lists under their plural, and the webhook's receipt."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from overseer_payment.schemas import (
    CustomerRow,
    DisputeRow,
    EffectRow,
    EventRow,
    InvoiceRow,
    OperationRow,
    Row,
    SubscriptionRow,
    TransactionRow,
)


class _List(Row):
    next_cursor: str | None
    """Where to go on: hand it back as `cursor`. None: this was the last page."""


class _Searched(_List):
    searched_since: datetime | None = Field(
        default=None,
        exclude_if=lambda since: since is None,
        description="Only there in a search that read a part of all texts: older rows were looked up by ids, "
        "addresses and names.",
    )


class TransactionList(_Searched):
    """Payments and refunds, newest first."""

    transactions: list[TransactionRow]


class SubscriptionList(_List):
    """Subscriptions, newest first."""

    subscriptions: list[SubscriptionRow]


class InvoiceList(_List):
    """Invoices, newest first."""

    invoices: list[InvoiceRow]


class DisputeList(_List):
    """Disputes, newest first; open ones and those due soon by their deadlines."""

    disputes: list[DisputeRow]


class CustomerList(_Searched):
    """Customers, newest first."""

    customers: list[CustomerRow]


class EffectList(_List):
    """What applications are told, the last first."""

    effects: list[EffectRow]


class EventList(_List):
    """Events, the last received first."""

    events: list[EventRow]


class OperationList(_List):
    """Operations, newest first."""

    operations: list[OperationRow]


class Received(Row):
    """The delivery is stored: it will be applied, and needn't be sent again."""

    received: Literal[True] = True
