"""A component: every object that belongs together by payment intent, charge and invoice ids.

The decision this module owns: **which row a payment lives in**. Each payment has one root:

* the payment intent; else the charge, where there is no intent;
* until either is known, the document that says money moved: the invoice, else the checkout session.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from overseer_payment.ledger.links import links
from overseer_payment.provider import (
    ChargeSnapshot,
    CheckoutMode,
    CheckoutPaymentState,
    CheckoutSnapshot,
    CheckoutStatus,
    DisputeSnapshot,
    InvoicePaymentSnapshot,
    InvoiceSnapshot,
    Kind,
    PaymentSnapshot,
    RefundSnapshot,
    Snapshot,
    TransactionStatus,
)

T = TypeVar("T")
_ByRoot = Mapping[str, list[T]]


@dataclass(slots=True)
class Component:
    """Objects that belong together, sorted by what they are and by the payment they are about."""

    payments: dict[str, PaymentSnapshot] = field(default_factory=dict)
    charges: dict[str, ChargeSnapshot] = field(default_factory=dict)
    refunds: list[RefundSnapshot] = field(default_factory=list)
    disputes: list[DisputeSnapshot] = field(default_factory=list)
    invoices: dict[str, InvoiceSnapshot] = field(default_factory=dict)
    links: list[InvoicePaymentSnapshot] = field(default_factory=list)
    checkouts: list[CheckoutSnapshot] = field(default_factory=list)
    payment_of_charge: dict[str, str] = field(default_factory=dict)
    charges_of: dict[str, list[ChargeSnapshot]] = field(default_factory=lambda: defaultdict(list))
    refunds_of: dict[str, list[RefundSnapshot]] = field(default_factory=lambda: defaultdict(list))
    disputes_of: dict[str, list[DisputeSnapshot]] = field(default_factory=lambda: defaultdict(list))
    links_of: dict[str, list[InvoicePaymentSnapshot]] = field(default_factory=lambda: defaultdict(list))
    links_of_invoice: dict[str, list[InvoicePaymentSnapshot]] = field(
        default_factory=lambda: defaultdict(list)
    )
    checkouts_of: dict[str, list[CheckoutSnapshot]] = field(default_factory=lambda: defaultdict(list))
    names: dict[str, Kind] = field(default_factory=dict)
    """Every payment, charge, invoice and session that is described or only named, and what it is."""

    @classmethod
    def of(cls, snapshots: Iterable[Snapshot]) -> Component:
        """Sort `snapshots`; by id, so that the order they came in can't matter."""
        self = cls()
        for snapshot in sorted(snapshots, key=lambda s: (s.kind, s.id)):
            self._name(snapshot)
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
                    self.names[snapshot.id] = Kind.CHECKOUT
        self._index()
        return self

    def _name(self, snapshot: Snapshot) -> None:
        joined = links(snapshot)
        if joined.charge and joined.payment:
            self.payment_of_charge[joined.charge] = joined.payment
        named = ((joined.payment, Kind.PAYMENT), (joined.charge, Kind.CHARGE), (joined.invoice, Kind.INVOICE))
        self.names.update({id: kind for id, kind in named if id})

    def _index(self) -> None:
        for charge in self.charges.values():
            self.charges_of[self.payment_of_charge.get(charge.id, charge.id)].append(charge)
        for link in self.links:
            self.links_of_invoice[link.invoice].append(link)
        self.refunds = [self._moved(refund) for refund in self.refunds]
        self._by_root(self.refunds, self.refunds_of)
        self._by_root(self.disputes, self.disputes_of)
        self._by_root(self.links, self.links_of)
        for checkout in self.checkouts:
            if root := self.root_of_checkout(checkout):
                self.checkouts_of[root].append(checkout)

    def _moved(self, refund: RefundSnapshot) -> RefundSnapshot:
        """A refund as its charge shows it: to release what was never captured gives no money back."""
        charge = self.charges.get(refund.charge or "")
        if charge is None or refund.booked or refund.status is not TransactionStatus.SUCCEEDED:
            return refund
        if refund.amount != charge.amount_released:
            return refund
        return replace(refund, status=TransactionStatus.CANCELED)

    def _by_root(self, items: Iterable[T], into: dict[str, list[T]]) -> None:
        for item in items:
            if root := self.root(getattr(item, "payment", None), getattr(item, "charge", None)):
                into[root].append(item)

    def root(self, payment: str | None, charge: str | None) -> str | None:
        """The id under which the payment that these two name has its row."""
        return payment or (self.payment_of_charge.get(charge, charge) if charge else None)

    def roots(self) -> list[str]:
        """The payments that are described, or named by what can only hang on a payment."""
        found = {*self.payments, *self.charges_of, *self.refunds_of, *self.disputes_of}
        found |= {root for root, named in self.links_of.items() if any(map(is_live, named))}
        found |= {checkout.payment for checkout in self.checkouts if checkout.payment}
        return sorted(found)

    def roots_of_invoice(self, invoice: str) -> list[str]:
        """The payments that paid an invoice, or try to: those that paid first."""
        found = [
            (link.status != "paid", root)
            for link in self.links_of_invoice.get(invoice, ())
            if is_live(link) and (root := self.root(link.payment, link.charge))
        ]
        return list(dict.fromkeys(root for _, root in sorted(found)))

    def outside(self, invoice: str) -> bool:
        """Is it known that an invoice was paid without the provider moving money?"""
        known = self.invoices.get(invoice)
        if known is not None and known.paid_out_of_band:
            return True
        links = self.links_of_invoice.get(invoice, ())
        return any(is_live(link) and not (link.payment or link.charge) for link in links)

    def root_of_checkout(self, checkout: CheckoutSnapshot) -> str | None:
        """Where a session's payment has its row; None when it has no payment (yet)."""
        if checkout.payment:
            return checkout.payment
        if checkout.invoice:
            roots = self.roots_of_invoice(checkout.invoice)
            if roots:
                return roots[0]
            return None if self.outside(checkout.invoice) else checkout.invoice
        return checkout.id if collects(checkout) else None

    def unseen_invoices(self) -> list[str]:
        """Invoices that are named and that nobody described yet."""
        named = (id for id, kind in self.names.items() if kind is Kind.INVOICE)
        return sorted(id for id in named if id not in self.invoices)


def is_live(link: InvoicePaymentSnapshot) -> bool:
    """Did this payment pay its invoice, or may it still?"""
    return link.status != "canceled"


def collects(checkout: CheckoutSnapshot) -> bool:
    """Did a buyer complete this session, so that it took money or is about to?"""
    return (
        checkout.status is CheckoutStatus.COMPLETE
        and checkout.mode is not CheckoutMode.SETUP
        and checkout.payment_state is not CheckoutPaymentState.NOT_REQUIRED
        and bool(checkout.amount_total)
        and bool(checkout.currency)
    )
