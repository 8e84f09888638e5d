"""One payment as its row will say it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from overseer_payment.provider import DisputeSnapshot, Kind, RefundSnapshot, TransactionStatus


@dataclass(slots=True)
class Payment:
    """One payment. Amounts in minor units of `currency`."""

    root: str
    kind: Kind
    """What sort of object the root is."""
    status: TransactionStatus
    amount: int
    currency: str
    occurred_at: datetime
    placeholder: bool = False
    """Named by others, and none of them says what it came to."""
    hearsay: bool = False
    """Its status is a document's word, not its own."""
    refunded_untold: int = 0
    refunded: int = 0
    refund_pending: int = 0
    disputed: int = 0
    lost: int = 0
    frozen: bool = False
    """A chargeback is open: the provider takes no refund until it is decided."""
    charge: str | None = None
    customer: str | None = None
    email: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    subscription: str | None = None
    invoice: str | None = None
    description: str | None = None
    method: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    references: set[str] = field(default_factory=set)
    refunds: list[RefundSnapshot] = field(default_factory=list)
    disputes: list[DisputeSnapshot] = field(default_factory=list)

    @property
    def state(self) -> str:
        """The status a person sees: of succeeded payments it tells how much was given back."""
        if self.status is not TransactionStatus.SUCCEEDED or not self.refunded:
            return self.status.value
        return "refunded" if self.refunded >= self.amount else "partially_refunded"

    @property
    def refundable(self) -> int:
        """What could be given back now: nothing of what didn't succeed or is disputed, nothing twice."""
        if self.status is not TransactionStatus.SUCCEEDED or self.placeholder or self.frozen:
            return 0
        return max(0, self.amount - self.refunded - self.refund_pending - self.lost)
