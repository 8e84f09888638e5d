"""Changing subscriptions: cancel, resume, pause, another plan, and what that would cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable

from overseer_payment.provider.previews import InvoicePreview
from overseer_payment.provider.snapshots import Snapshot


class Proration(StrEnum):
    """What becomes of the rest of a period that was paid for, when something changes within it."""

    CREATE_PRORATIONS = "create_prorations"  # the difference stands on the next invoice
    ALWAYS_INVOICE = "always_invoice"  # the difference is asked for at once
    NONE = "none"  # no difference is asked for


class PauseKind(StrEnum):
    COLLECTION = "collection"  # periods go on and invoices are made, but nobody is asked to pay them
    SUBSCRIPTION = "subscription"  # no periods and no invoices until it is resumed


class PauseBehavior(StrEnum):
    """What becomes of the invoices that are made while collection is paused."""

    VOID = "void"  # the service is free meanwhile
    KEEP_AS_DRAFT = "keep_as_draft"  # they can be asked for later
    MARK_UNCOLLECTIBLE = "mark_uncollectible"  # the service is given, the money is written off


class Cancellation(StrEnum):
    """How the end of a subscription was planned."""

    PERIOD_END = "period_end"
    MOMENT = "moment"


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequest:
    """Ends a subscription: at the end of its period, or now and for good. Gives nothing back."""

    subscription: str
    at_period_end: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRequest:
    """`behavior` and `resumes_at` are for paused collection only. None: until somebody resumes it."""

    subscription: str
    kind: PauseKind = PauseKind.COLLECTION
    behavior: PauseBehavior = PauseBehavior.VOID
    resumes_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequest:
    """What to take back: a planned end, and a pause. At least one of them."""

    subscription: str
    cancellation: Cancellation | None = None
    pause: PauseKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """One item's price and quantity, and the end of the trial; None: as it is.

    A new price without a quantity is for one unit, whatever the old one was for. `proration_date` is the
    moment from which the difference is counted: a preview's, to be asked for exactly what was shown.
    """

    subscription: str
    item: str
    price: str | None = None
    quantity: int | None = None
    trial_end: datetime | Literal["now"] | None = None
    proration: Proration = Proration.CREATE_PRORATIONS
    proration_date: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePreview:
    """What a change would cost. Nothing of it was stored.

    `now`: the invoice that the change makes at once, None if it makes none. `next`: the ordinary invoice
    after that, None where none will come. Amounts in minor units of their currency.
    """

    now: InvoicePreview | None
    next: InvoicePreview | None
    proration_date: datetime


@runtime_checkable
class ChangesSubscriptions(Protocol):
    """What a provider that declares SUBSCRIPTION_CHANGES does besides. Others need not have the methods.

    Every write answers the subscription first. Raises ProviderRejected for a definite no (it has ended,
    the price is unknown), and what every write raises.
    """

    async def cancel_subscription(
        self, request: CancelRequest, *, idempotency_key: str
    ) -> Sequence[Snapshot]: ...

    async def resume_subscription(
        self, request: ResumeRequest, *, idempotency_key: str
    ) -> Sequence[Snapshot]:
        """Take back what is planned, end what is paused."""

    async def change_subscription(
        self, request: ChangeRequest, *, idempotency_key: str
    ) -> Sequence[Snapshot]:
        """Change one item; others keep what they have."""

    async def preview_change(self, request: ChangeRequest) -> ChangePreview:
        """What that change would cost now. Changes nothing. Raises ObjectAbsent, ProviderRejected."""


@runtime_checkable
class PausesSubscriptions(Protocol):
    """What a provider that declares SUBSCRIPTION_PAUSE does besides: it is a `ChangesSubscriptions`, too."""

    async def pause_subscription(self, request: PauseRequest, *, idempotency_key: str) -> Sequence[Snapshot]:
        """Pause it; the subscription comes first. Raises ProviderRejected where its state forbids it."""
