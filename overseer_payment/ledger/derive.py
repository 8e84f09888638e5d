"""From what the provider says about its objects to what we show as payments. Pure functions.

The decision this module owns: **money lives in one row**. A component is every object that belongs
together by payment intent, charge and invoice ids. Each payment in it has one root:

* the payment intent; else the charge, where there is no intent;
* until either is known, the document that says money moved stands in for it (invoice, checkout session).

Documents annotate. They add money only as such a stand-in, which gives way as soon as the link is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from overseer_payment.ledger.links import links
from overseer_payment.provider import (
    ChargeSnapshot,
    CheckoutMode,
    CheckoutPaymentState,
    CheckoutSnapshot,
    CheckoutStatus,
    DisputeKind,
    DisputeSnapshot,
    DisputeStatus,
    InvoicePaymentSnapshot,
    InvoiceSnapshot,
    InvoiceStatus,
    PaymentSnapshot,
    RefundSnapshot,
    Snapshot,
    TransactionStatus,
)

_PENDING, _SUCCEEDED = TransactionStatus.PENDING, TransactionStatus.SUCCEEDED
_LIVE_REFUND = frozenset({_PENDING, _SUCCEEDED})
_LIVE_DISPUTE = frozenset(
    {
        DisputeStatus.NEEDS_RESPONSE,
        DisputeStatus.UNDER_REVIEW,
        DisputeStatus.APPEAL_NEEDS_RESPONSE,
        DisputeStatus.APPEAL_UNDER_REVIEW,
        DisputeStatus.LOST,
    }
)


@dataclass(slots=True)
class Component:
    """Objects that belong together, sorted by what they are."""

    payments: dict[str, PaymentSnapshot] = field(default_factory=dict)
    charges: dict[str, ChargeSnapshot] = field(default_factory=dict)
    refunds: list[RefundSnapshot] = field(default_factory=list)
    disputes: list[DisputeSnapshot] = field(default_factory=list)
    invoices: dict[str, InvoiceSnapshot] = field(default_factory=dict)
    links: list[InvoicePaymentSnapshot] = field(default_factory=list)
    checkouts: list[CheckoutSnapshot] = field(default_factory=list)
    payment_of_charge: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, snapshots: Iterable[Snapshot]) -> Component:
        """Sort `snapshots`; by id, so that the order they came in can't matter."""
        self = cls()
        for snapshot in sorted(snapshots, key=lambda s: (s.kind, s.id)):
            joined = links(snapshot)
            if joined.charge and joined.payment:
                self.payment_of_charge[joined.charge] = joined.payment
            match snapshot:
                case PaymentSnapshot():
                    self.payments[snapshot.id] = snapshot
                case ChargeSnapshot():
                    self.charges[snapshot.id] = snapshot
                case RefundSnapshot():
                    self.refunds.append(snapshot)
                case DisputeSnapshot():
                    self.disputes.append(snapshot)
                case InvoiceSnapshot():
                    self.invoices[snapshot.id] = snapshot
                case InvoicePaymentSnapshot():
                    self.links.append(snapshot)
                case CheckoutSnapshot():
                    self.checkouts.append(snapshot)
        return self

    def root(self, payment: str | None, charge: str | None) -> str | None:
        """The id under which the payment that these two name has its row."""
        return payment or (self.payment_of_charge.get(charge, charge) if charge else None)

    def roots_of_invoice(self, invoice: str) -> list[str]:
        """The payments that paid an invoice, or try to: those that paid first."""
        found = [
            (link.status != "paid", root)
            for link in self.links
            if link.invoice == invoice
            and link.status != "canceled"
            and (root := self.root(link.payment, link.charge))
        ]
        return list(dict.fromkeys(root for _, root in sorted(found)))

    def outside(self, invoice: str) -> bool:
        """Is it known that an invoice was paid without the provider moving money?"""
        known = self.invoices.get(invoice)
        if known is not None and known.paid_out_of_band:
            return True
        return any(link.invoice == invoice and not (link.payment or link.charge) for link in self.links)

    def root_of_checkout(self, checkout: CheckoutSnapshot) -> str | None:
        """Where a session's payment has its row; None when it has no payment (yet)."""
        if checkout.payment:
            return checkout.payment
        if checkout.invoice:
            roots = self.roots_of_invoice(checkout.invoice)
            if roots:
                return roots[0]
            return None if self.outside(checkout.invoice) else checkout.invoice
        return checkout.id if _collects(checkout) else None


@dataclass(slots=True)
class Payment:
    """One payment, as its row will say. Amounts in minor units of `currency`."""

    root: str
    status: TransactionStatus
    amount: int
    currency: str
    occurred_at: datetime
    placeholder: bool = False
    refunded_untold: int = 0
    refunded: int = 0
    refund_pending: int = 0
    disputed: int = 0
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
        if self.status is not _SUCCEEDED or not self.refunded:
            return self.status.value
        return "refunded" if self.refunded >= self.amount else "partially_refunded"

    @property
    def refundable(self) -> int:
        """What could be given back now: nothing of what didn't succeed, nothing twice."""
        if self.status is not _SUCCEEDED or self.placeholder:
            return 0
        return max(0, self.amount - self.refunded - self.refund_pending)


def derive(component: Component) -> list[Payment]:
    """Every payment of a component, sorted by root."""
    payments: dict[str, Payment] = {}
    for root in _money_roots(component):
        payments[root] = _from_money(root, component)
    for invoice in component.invoices.values():
        if (stand_in := _from_invoice(invoice, component)) is not None:
            payments[stand_in.root] = stand_in
    for checkout in component.checkouts:
        _annotate_by_checkout(checkout, component, payments)
    for payment in payments.values():
        _annotate_by_invoice(payment, component)
        _settle(payment, component)
    return [payments[root] for root in sorted(payments)]


def _money_roots(component: Component) -> list[str]:
    roots = set(component.payments)
    roots |= {component.payment_of_charge.get(id, id) for id in component.charges}
    live = [link for link in component.links if link.status != "canceled"]
    named: list[RefundSnapshot | DisputeSnapshot | InvoicePaymentSnapshot] = [
        *component.refunds,
        *component.disputes,
        *live,
    ]
    roots |= {root for item in named if (root := component.root(item.payment, item.charge))}
    roots |= {checkout.payment for checkout in component.checkouts if checkout.payment}
    return sorted(roots)


def _from_money(root: str, component: Component) -> Payment:
    intent = component.payments.get(root)
    charges = [c for id, c in component.charges.items() if component.payment_of_charge.get(id, id) == root]
    if intent is None and not charges:
        return _placeholder(root, component)
    best = max(charges, key=_rank_charge, default=None)
    payment = _read_intent(root, intent, best)
    told: list[ChargeSnapshot | PaymentSnapshot] = [source for source in (best, intent) if source is not None]
    for source in told:
        payment.customer = payment.customer or source.customer
        payment.email = payment.email or source.email
        payment.description = payment.description or source.description
    if payment.status is not _SUCCEEDED:
        newest = max(told, key=lambda source: source.as_of.version)
        payment.failure_code, payment.failure_message = newest.failure_code, newest.failure_message
    if best is not None:
        payment.charge, payment.method, payment.name = best.id, best.method, best.name
    elif intent is not None:
        payment.charge = intent.latest_charge
    payment.references = {root} | {charge.id for charge in charges}
    if payment.charge:
        payment.references.add(payment.charge)
    return payment


def _rank_charge(charge: ChargeSnapshot) -> tuple[bool, int, str]:
    return charge.status is _SUCCEEDED, charge.as_of.version, charge.id


def _read_intent(root: str, intent: PaymentSnapshot | None, charge: ChargeSnapshot | None) -> Payment:
    """Status and sum: a captured charge proves success; else whichever was told last."""
    if charge is not None and (charge.status is _SUCCEEDED or intent is None):
        occurred = charge.occurred_at if intent is None else intent.occurred_at
        return Payment(root, charge.status, charge.amount, charge.currency, occurred)
    assert intent is not None
    amount = intent.amount_received if intent.status is _SUCCEEDED else intent.amount
    status = intent.status
    if charge is not None and charge.as_of.version > intent.as_of.version and status is not _SUCCEEDED:
        status = charge.status
    return Payment(root, status, amount, intent.currency, intent.occurred_at)


def _placeholder(root: str, component: Component) -> Payment:
    """A payment that others name and nobody described yet. A session may say enough to show it."""
    hanging: list[RefundSnapshot | DisputeSnapshot] = [*component.refunds, *component.disputes]
    naming = [item for item in hanging if component.root(item.payment, item.charge) == root]
    moments = [item.occurred_at for item in naming]
    moments += [c.occurred_at for c in component.checkouts if component.root_of_checkout(c) == root]
    moments += [i.occurred_at for i in component.links if component.root(i.payment, i.charge) == root]
    currency = next((item.currency for item in naming if item.currency), "") or next(
        (link.currency for link in component.links if link.currency), ""
    )
    payment = Payment(root, _PENDING, 0, currency, min(moments), placeholder=True, references={root})
    payment.charge = next((item.charge for item in naming if item.charge), None)
    if payment.charge:
        payment.references.add(payment.charge)
    _stand_in_by_link(payment, component)
    return payment


def _stand_in_by_link(payment: Payment, component: Component) -> None:
    """An invoice that this payment alone paid says how much it was, until the payment itself is known."""
    for link in component.links:
        if component.root(link.payment, link.charge) != payment.root or link.status == "canceled":
            continue
        invoice = component.invoices.get(link.invoice)
        sole = component.roots_of_invoice(link.invoice) == [payment.root]
        if link.status == "paid" and link.amount_paid and link.currency:
            _tell(payment, _SUCCEEDED, link.amount_paid, link.currency)
        elif invoice is not None and sole and (told := _told_by_invoice(invoice)):
            _tell(payment, told, _asked(invoice, told), invoice.currency)
            payment.occurred_at = invoice.occurred_at


def _tell(payment: Payment, status: TransactionStatus, amount: int, currency: str) -> None:
    payment.status, payment.amount, payment.currency, payment.placeholder = status, amount, currency, False


def _told_by_invoice(invoice: InvoiceSnapshot) -> TransactionStatus | None:
    """What an invoice says about a payment nobody described: None when it says nothing of one."""
    if invoice.status is InvoiceStatus.PAID:
        return _SUCCEEDED if invoice.amount_paid > 0 else None
    if invoice.amount_due <= 0 or not invoice.attempt_failed:
        return None
    if invoice.status is InvoiceStatus.VOID:
        return TransactionStatus.CANCELED
    return TransactionStatus.FAILED


def _asked(invoice: InvoiceSnapshot, told: TransactionStatus) -> int:
    return invoice.amount_paid if told is _SUCCEEDED else invoice.amount_due


def _from_invoice(invoice: InvoiceSnapshot, component: Component) -> Payment | None:
    if component.roots_of_invoice(invoice.id) or component.outside(invoice.id):
        return None
    told = _told_by_invoice(invoice)
    if told is None:
        return None
    payment = Payment(invoice.id, told, _asked(invoice, told), invoice.currency, invoice.occurred_at)
    payment.references = {invoice.id}
    return payment


def _collects(checkout: CheckoutSnapshot) -> bool:
    return (
        checkout.status is CheckoutStatus.COMPLETE
        and checkout.mode is not CheckoutMode.SETUP
        and checkout.payment_state is not CheckoutPaymentState.NOT_REQUIRED
        and bool(checkout.amount_total)
        and bool(checkout.currency)
    )


_BY_SESSION = {
    CheckoutPaymentState.PAID: _SUCCEEDED,
    CheckoutPaymentState.UNPAID: _PENDING,
    CheckoutPaymentState.FAILED: TransactionStatus.FAILED,
}


def _annotate_by_checkout(
    checkout: CheckoutSnapshot, component: Component, payments: dict[str, Payment]
) -> None:
    root = component.root_of_checkout(checkout)
    if root is None:
        return
    payment = payments.get(root)
    if payment is None:
        if not _collects(checkout):
            return
        payment = payments[root] = Payment(
            root,
            _PENDING,
            0,
            checkout.currency or "",
            checkout.occurred_at,
            placeholder=True,
            references={root},
        )
    if payment.placeholder and _collects(checkout):
        _tell(
            payment, _BY_SESSION[checkout.payment_state], checkout.amount_total or 0, checkout.currency or ""
        )
        payment.occurred_at = checkout.occurred_at
    elif (
        payment.status is not _SUCCEEDED and _collects(checkout) and _later(checkout, payment.root, component)
    ):
        payment.status = _BY_SESSION[checkout.payment_state]
    payment.references.add(checkout.id)
    payment.customer = payment.customer or checkout.customer
    payment.email = payment.email or checkout.email
    payment.name = payment.name or checkout.name
    payment.subscription = payment.subscription or checkout.subscription


def _later(checkout: CheckoutSnapshot, root: str, component: Component) -> bool:
    """Did the session tell of success or failure after the payment itself was last heard of?"""
    if checkout.payment_state is CheckoutPaymentState.UNPAID:
        return False
    intent = component.payments.get(root)
    known = [s.as_of.version for s in (intent, *component.charges.values()) if s is not None]
    return checkout.as_of.version > max(known, default=0)


def _annotate_by_invoice(payment: Payment, component: Component) -> None:
    own = {
        link.invoice
        for link in component.links
        if link.status != "canceled" and component.root(link.payment, link.charge) == payment.root
    }
    if payment.root in component.invoices:
        own.add(payment.root)
    for id in sorted(own):
        payment.invoice = payment.invoice or id
        if component.roots_of_invoice(id)[:1] in ([], [payment.root]):
            payment.references.add(id)
        invoice = component.invoices.get(id)
        if invoice is not None:
            payment.subscription = payment.subscription or invoice.subscription
            payment.customer = payment.customer or invoice.customer
            payment.email = payment.email or invoice.email
            payment.name = payment.name or invoice.name
            payment.description = payment.description or invoice.description


def _settle(payment: Payment, component: Component) -> None:
    """Refunds and disputes: sums of their rows, and of what the charge says beyond them."""
    payment.refunds = [r for r in component.refunds if component.root(r.payment, r.charge) == payment.root]
    payment.disputes = [d for d in component.disputes if component.root(d.payment, d.charge) == payment.root]
    payment.references |= {item.id for item in (*payment.refunds, *payment.disputes)}
    charges = [
        c for id, c in component.charges.items() if component.payment_of_charge.get(id, id) == payment.root
    ]
    payment.refunded_untold = sum(_untold(charge, payment.refunds) for charge in charges)
    payment.refunded = payment.refunded_untold + sum(
        r.amount for r in payment.refunds if r.status is _SUCCEEDED
    )
    payment.refund_pending = sum(r.amount for r in payment.refunds if r.status is _PENDING)
    payment.disputed = sum(
        d.amount
        for d in payment.disputes
        if d.dispute_kind is DisputeKind.CHARGEBACK
        and d.status in _LIVE_DISPUTE
        and d.currency == payment.currency
    )


def _untold(charge: ChargeSnapshot, refunds: list[RefundSnapshot]) -> int:
    """What the charge says was refunded and no refund row we know accounts for.

    A refund that failed is still in the charge's figure if the charge was heard of no later than the
    failure, and a refund made after the charge was heard of can't be in it.
    """
    told = charge.amount_refunded
    for refund in refunds:
        if refund.charge not in (None, charge.id) or refund.occurred_at > charge.as_of.moment:
            continue
        if refund.status in _LIVE_REFUND or refund.as_of.version >= charge.as_of.version:
            told -= refund.amount
    return max(0, told)
