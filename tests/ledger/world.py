"""A script of actions makes a consistent history of snapshots, and the truth to compare the ledger with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from overseer_payment.provider import (
    DisputeKind,
    DisputeSnapshot,
    DisputeStatus,
    Kind,
    Ref,
    RefundSnapshot,
    Snapshot,
    TransactionStatus,
)
from tests.ledger.provider import (
    FAILED,
    PENDING,
    SUCCEEDED,
    Action,
    Purchase,
)
from tests.ledger.shop import Shop


class World(Shop):
    """The whole: buying, and what becomes of payments afterwards."""

    def run(self, script: Iterable[Action]) -> World:
        for verb, which, how in script:
            getattr(self, f"_{verb}")(which, how)
        self._end_read()
        return self

    # -- refunds and disputes -----------------------------------------------------------------------

    def _paid(self) -> list[Purchase]:
        return [purchase for purchase in self.purchases if purchase.status is SUCCEEDED]

    def given_back(self, purchase: Purchase, *states: TransactionStatus) -> int:
        refunds = (self.objects[Ref(Kind.REFUND, id)] for id in purchase.refunds)
        return sum(refund.amount for refund in refunds if refund.status in states)

    def _refund(self, which: int, how: int) -> None:
        paid = self._paid()
        if not paid:
            return
        purchase = paid[which % len(paid)]
        left = purchase.amount - self.given_back(purchase, PENDING, SUCCEEDED)
        amount = min(left, (100, 250, left)[how % 3])
        if amount <= 0:
            return
        id = self._next("re")
        purchase.refunds.append(id)
        self._make(
            RefundSnapshot,
            id,
            status=PENDING if how % 4 == 0 else SUCCEEDED,
            amount=amount,
            currency=purchase.currency,
            charge=purchase.charge,
            payment=purchase.intent if how % 5 else None,
        )
        self._tell(Ref(Kind.REFUND, id))
        self._tell_refunded(purchase)

    def _tell_refunded(self, purchase: Purchase) -> None:
        refunded = self.given_back(purchase, PENDING, SUCCEEDED)
        self._set(Kind.CHARGE, purchase.charge, amount_refunded=refunded)

    def _end_refund(self, which: int, how: int) -> None:
        """A pending refund arrives or fails; one that arrived comes back."""
        refunds = [r.id for r, s in self.objects.items() if r.kind is Kind.REFUND and s.status is not FAILED]
        if not refunds:
            return
        id = refunds[which % len(refunds)]
        status = self.objects[Ref(Kind.REFUND, id)].status
        ended = SUCCEEDED if status is PENDING and how % 2 else FAILED
        self._set(Kind.REFUND, id, status=ended)
        if ended is FAILED:
            self._tell_refunded(next(p for p in self.purchases if id in p.refunds))

    def _dispute(self, which: int, how: int) -> None:
        paid = self._paid()
        if not paid:
            return
        purchase = paid[which % len(paid)]
        id = self._next("du")
        purchase.disputes.append(id)
        kind = (DisputeKind.CHARGEBACK, DisputeKind.INQUIRY, DisputeKind.FRAUD_WARNING)[how % 3]
        taken = purchase.amount if kind is DisputeKind.CHARGEBACK else 0
        self._make(
            DisputeSnapshot,
            id,
            dispute_kind=kind,
            status=DisputeStatus.NEEDS_RESPONSE,
            amount=0 if kind is DisputeKind.FRAUD_WARNING else purchase.amount,
            currency="" if kind is DisputeKind.FRAUD_WARNING else purchase.currency,
            charge=purchase.charge,
            payment=purchase.intent,
            funds_withdrawn=taken,
        )
        self._tell(Ref(Kind.DISPUTE, id))

    def _end_dispute(self, which: int, how: int) -> None:
        disputes = [r.id for r, s in self.objects.items() if r.kind is Kind.DISPUTE]
        if not disputes:
            return
        id = disputes[which % len(disputes)]
        dispute = self.objects[Ref(Kind.DISPUTE, id)]
        if dispute.status is DisputeStatus.NEEDS_RESPONSE and how % 2:
            self._set(Kind.DISPUTE, id, status=DisputeStatus.UNDER_REVIEW, submission_count=1)
        elif dispute.status in {DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW}:
            if dispute.dispute_kind is not DisputeKind.CHARGEBACK:
                self._set(Kind.DISPUTE, id, status=DisputeStatus.CLOSED)
            elif how % 4 < 2:
                self._set(Kind.DISPUTE, id, status=DisputeStatus.LOST)
            else:
                self._set(Kind.DISPUTE, id, status=DisputeStatus.WON)
                self._set(Kind.DISPUTE, id, funds_withdrawn=0)

    # -- the truth --------------------------------------------------------------------------------

    def payments(self) -> dict[str, dict[str, Any]]:
        """What rows should say of each payment once everything is known."""
        return {
            purchase.root: self._truth(purchase) for purchase in self.purchases if purchase.root is not None
        }

    def _truth(self, purchase: Purchase) -> dict[str, Any]:
        refunded = self.given_back(purchase, SUCCEEDED)
        status: str = purchase.status.value
        if purchase.status is SUCCEEDED and refunded:
            status = "refunded" if refunded >= purchase.amount else "partially_refunded"
        return {
            "type": "subscription" if purchase.subscription else "charge",
            "status": status,
            "amount": purchase.amount,
            "amount_refunded": refunded,
            "currency": purchase.currency,
            "customer": purchase.customer,
            "invoice": purchase.invoice,
            "subscription": purchase.subscription,
        }

    def sums(self) -> dict[str, tuple[int, int, int]]:
        """Gross, refunded and withdrawn by disputes, per currency."""
        found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        for purchase in self._paid():
            sums = found[purchase.currency]
            sums[0] += purchase.amount
            sums[1] += self.given_back(purchase, SUCCEEDED)
            disputes = (self.objects[Ref(Kind.DISPUTE, id)] for id in purchase.disputes)
            sums[2] += sum(dispute.funds_withdrawn for dispute in disputes)
        return {currency: (sums[0], sums[1], sums[2]) for currency, sums in found.items()}


VERBS = (
    "tick",
    "tick",
    "buy",
    "buy",
    "attempt",
    "attempt",
    "settle",
    "cancel",
    "subscribe",
    "renew",
    "change",
    "refund",
    "refund",
    "end_refund",
    "end_refund",
    "dispute",
    "end_dispute",
    "end_dispute",
    "rename",
    "peek",
)


def batches(snapshots: Sequence[Snapshot], size: int) -> Iterable[Sequence[Snapshot]]:
    """`snapshots` in transactions of `size`."""
    for start in range(0, len(snapshots), size):
        yield snapshots[start : start + size]
