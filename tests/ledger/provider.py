"""A small provider in memory: objects, the events it tells of them, the reads it answers.

It tells events as a provider does (whole seconds, several in one) and answers reads (the moment they
began, with what was true when they ended). Nothing here knows how the ledger works.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from overseer_payment.provider import (
    AsOf,
    Kind,
    Ref,
    Snapshot,
    Source,
    TransactionStatus,
)

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
CURRENCIES = ("usd", "eur", "jpy")
PENDING, SUCCEEDED, FAILED, CANCELED = (
    TransactionStatus.PENDING,
    TransactionStatus.SUCCEEDED,
    TransactionStatus.FAILED,
    TransactionStatus.CANCELED,
)

Action = tuple[str, int, int]
"""A verb and two numbers that it reads as it likes: which one, how much, how it ends."""


@dataclass(slots=True)
class Purchase:
    """One payment as it really is."""

    intent: str | None
    amount: int
    currency: str
    customer: str | None
    checkout: str | None = None
    invoice: str | None = None
    subscription: str | None = None
    charge: str | None = None
    refunds: list[str] = field(default_factory=list)
    disputes: list[str] = field(default_factory=list)
    status: TransactionStatus = PENDING

    @property
    def root(self) -> str | None:
        return self.intent or self.charge


class Provider:
    """The provider. `told` are the events so far."""

    def __init__(self, *, links_told: bool = True, intents_told: bool = True) -> None:
        self.now = START
        self.objects: dict[Ref, Any] = {}
        self.told: list[Snapshot] = []
        self.purchases: list[Purchase] = []
        self._links_told, self._intents_told = links_told, intents_told
        self._counts: dict[str, int] = defaultdict(int)
        self._reading: tuple[Ref, datetime] | None = None

    # -- the history ------------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def _tick(self, which: int, how: int) -> None:
        self.wait((0.2, 0.5, 1, 3, 86_400 * (how + 1))[which % 5])

    def _next(self, prefix: str) -> str:
        self._counts[prefix] += 1
        return f"{prefix}_{self._counts[prefix]}"

    def _make(self, cls: Any, id: str, **told: Any) -> None:
        self.objects[Ref(cls.kind, id)] = cls(
            id=id,
            as_of=AsOf(self._second(), Source.EVENT),
            livemode=False,
            occurred_at=self._second(),
            **told,
        )

    def _set(self, kind: Kind, id: str | None, *, tell: bool = True, **told: Any) -> None:
        if id is not None:
            ref = Ref(kind, id)
            self.objects[ref] = replace(self.objects[ref], **told)
            if tell:
                self._tell(ref)

    def _tell(self, ref: Ref, **only_here: Any) -> None:
        """An event. `only_here` is what its type tells and no read of the object can."""
        if ref.kind is Kind.INVOICE_PAYMENT and not self._links_told:
            return
        if ref.kind is Kind.PAYMENT and not self._intents_told:
            return
        as_of = AsOf(self._second(), Source.EVENT)
        self.told.append(replace(self.objects[ref], as_of=as_of, **only_here))

    def _second(self) -> datetime:
        return self.now.replace(microsecond=0)

    # -- reading ----------------------------------------------------------------------------------

    def read(self, ref: Ref, *, began: datetime | None = None) -> list[Snapshot]:
        """The present state of an object and of what it links to."""
        if ref not in self.objects:
            return []
        refs = [ref]
        for other, snapshot in self.objects.items():
            of_charge = ref.kind is Kind.CHARGE and getattr(snapshot, "charge", None) == ref.id
            of_invoice = ref.kind is Kind.INVOICE and getattr(snapshot, "invoice", None) == ref.id
            if (of_charge and other.kind is Kind.REFUND) or (
                of_invoice and other.kind is Kind.INVOICE_PAYMENT
            ):
                refs.append(other)
        as_of = AsOf(began or self.now, Source.READ)
        return [replace(self.objects[one], as_of=as_of) for one in refs]

    def _peek(self, which: int, how: int) -> None:
        """A read of something that begins now and ends after some more has happened."""
        self._end_read()
        if self.objects:
            ref = sorted(self.objects)[which % len(self.objects)]
            self._reading = (ref, self.now)
            if how % 2:
                self._end_read()

    def _end_read(self) -> None:
        if self._reading is not None:
            ref, began = self._reading
            self.told += self.read(ref, began=began)
            self._reading = None
