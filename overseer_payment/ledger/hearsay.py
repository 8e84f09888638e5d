"""What documents (invoices, their payment links, checkout sessions) say of payments.

The decision this module owns: **documents annotate, they never add money**. Their word counts where the
payment itself has not been heard of, or not since; it gives way as soon as it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from overseer_payment.ledger.component import Component, collects, is_live
from overseer_payment.ledger.payment import Payment
from overseer_payment.provider import (
    CheckoutPaymentState,
    CheckoutSnapshot,
    InvoiceSnapshot,
    InvoiceStatus,
    Kind,
    TransactionStatus,
)

_PENDING, _SUCCEEDED, _FAILED, _CANCELED = (
    TransactionStatus.PENDING,
    TransactionStatus.SUCCEEDED,
    TransactionStatus.FAILED,
    TransactionStatus.CANCELED,
)
_BY_SESSION = {
    CheckoutPaymentState.PAID: _SUCCEEDED,
    CheckoutPaymentState.UNPAID: _PENDING,
    CheckoutPaymentState.FAILED: _FAILED,
}


@dataclass(frozen=True, slots=True)
class _Word:
    """What one document says of one payment. The sum in minor units of `currency`."""

    status: TransactionStatus
    amount: int
    currency: str
    occurred_at: datetime
    heard: datetime
    sure: bool
    """Not a guess: an open invoice with attempts may also have one under way."""
    near: int = 0
    """How closely its sum is this payment's: a link tells just that, an invoice also what others paid of it,
    a session also what was set off against it."""

    @property
    def weight(self) -> tuple[bool, int, datetime, bool, int, datetime]:
        """Success can't be taken back, and the nearest knows its sum; else the latest word, the surer."""
        paid = self.status is _SUCCEEDED
        return paid, self.near * paid, self.heard, self.sure, self.amount, self.occurred_at


def stand_ins(component: Component) -> set[str]:
    """Documents that say money moved, or failed to, while nobody knows by which payment."""
    found = {
        invoice.id
        for invoice in component.invoices.values()
        if not component.roots_of_invoice(invoice.id)
        and not component.outside(invoice.id)
        and _told_by_invoice(invoice) is not None
    }
    return found | {root for root, named in component.checkouts_of.items() if any(map(collects, named))}


def told_by_documents(root: str, component: Component) -> Payment | None:
    """A payment that was never described, as far as documents tell of it."""
    word = max(_words(root, component), key=lambda word: word.weight, default=None)
    if word is None:
        return None
    payment = Payment(
        root, component.names[root], word.status, word.amount, word.currency, word.occurred_at, hearsay=True
    )
    payment.references = {root}
    if payment.kind is Kind.CHARGE:
        payment.charge = root
    return payment


def believe(payment: Payment, component: Component, *, heard: datetime) -> None:
    """Take over how a payment ended from a document that knows of it since it was `heard` of itself."""
    if payment.status in {_SUCCEEDED, _CANCELED}:
        return
    since = heard.replace(microsecond=0)  # events tell whole seconds
    later = [w for w in _words(payment.root, component) if w.sure and w.heard >= since]
    word = max(later, key=lambda word: word.weight, default=None)
    if word is not None and word.status is not _PENDING and word.status is not payment.status:
        payment.status, payment.hearsay = word.status, True


def _words(root: str, component: Component) -> Iterator[_Word]:
    for link in component.links_of.get(root, ()):
        if link.status == "paid" and link.amount_paid and link.currency:
            heard = link.as_of.moment
            yield _Word(_SUCCEEDED, link.amount_paid, link.currency, link.occurred_at, heard, True, near=2)
    for id in _invoices(root, component, live_only=True):
        invoice = component.invoices.get(id)
        # With two payments on one invoice, neither's part is known from the invoice.
        sole = component.roots_of_invoice(id) in ([], [root])
        if invoice is not None and sole and not component.outside(id):
            yield from _words_of_invoice(invoice)
    for checkout in component.checkouts_of.get(root, ()):
        if collects(checkout):
            yield _word_of_checkout(checkout)


def _words_of_invoice(invoice: InvoiceSnapshot) -> Iterator[_Word]:
    told = _told_by_invoice(invoice)
    if told is not None:
        amount = invoice.amount_paid if told is _SUCCEEDED else invoice.amount_due
        heard, sure = invoice.as_of.moment, told is _SUCCEEDED
        yield _Word(told, amount, invoice.currency, invoice.occurred_at, heard, sure, near=1)


def _told_by_invoice(invoice: InvoiceSnapshot) -> TransactionStatus | None:
    """What an invoice says about a payment nobody described: None when it says nothing of one."""
    if invoice.status is InvoiceStatus.PAID:
        return _SUCCEEDED if invoice.amount_paid > 0 else None
    if invoice.amount_due <= 0 or not invoice.attempt_failed:
        return None
    return _CANCELED if invoice.status is InvoiceStatus.VOID else _FAILED


def _word_of_checkout(checkout: CheckoutSnapshot) -> _Word:
    return _Word(
        _BY_SESSION[checkout.payment_state],
        checkout.amount_total or 0,
        checkout.currency or "",
        checkout.occurred_at,
        checkout.as_of.moment,
        True,
    )


def _invoices(root: str, component: Component, *, live_only: bool = False) -> list[str]:
    """The invoices of a payment: those it is linked to, or the one that stands in for it."""
    links = component.links_of.get(root, ())
    found = {link.invoice for link in links if is_live(link) or not live_only}
    if component.names.get(root) is Kind.INVOICE:
        found.add(root)
    return sorted(found)


def annotate(payment: Payment, component: Component) -> None:
    """Fill in what only documents know: who, for which invoice and subscription."""
    for checkout in component.checkouts_of.get(payment.root, ()):
        payment.references.add(checkout.id)
        payment.customer = payment.customer or checkout.customer
        payment.email = payment.email or checkout.email
        payment.name = payment.name or checkout.name
        payment.subscription = payment.subscription or checkout.subscription
    for id in _invoices(payment.root, component):
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
