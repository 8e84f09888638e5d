"""From what the provider says about its objects to what we show as payments. Pure functions.

The decision this module owns: **money lives in one row**, and what a payment says of itself. What
documents say of it is in `hearsay`, what became of it afterwards in `aftermath`.
"""

from __future__ import annotations

from datetime import datetime

from overseer_payment.ledger.aftermath import settle
from overseer_payment.ledger.component import Component
from overseer_payment.ledger.hearsay import annotate, believe, stand_ins, told_by_documents
from overseer_payment.ledger.payment import Payment
from overseer_payment.provider import ChargeSnapshot, Kind, PaymentSnapshot, TransactionStatus

__all__ = ["Component", "Payment", "derive"]

_PENDING, _SUCCEEDED = TransactionStatus.PENDING, TransactionStatus.SUCCEEDED
_PROGRESS = {_PENDING: 0, TransactionStatus.FAILED: 1, TransactionStatus.CANCELED: 2, _SUCCEEDED: 3}


def derive(component: Component) -> list[Payment]:
    """Every payment of a component, sorted by root."""
    roots = {*component.roots(), *stand_ins(component)}
    payments = [_payment(root, component) for root in sorted(roots)]
    for payment in payments:
        annotate(payment, component)
        settle(payment, component)
    return payments


def _payment(root: str, component: Component) -> Payment:
    intent, charges = component.payments.get(root), component.charges_of.get(root, [])
    if intent is None and not charges:
        return told_by_documents(root, component) or _placeholder(root, component)
    attempt = _newest(charges, intent)
    payment = _by_its_own_word(root, intent, attempt)
    payment.references = {root, *(charge.id for charge in charges)}
    if payment.charge:
        payment.references.add(payment.charge)
    heard = intent.as_of.moment if intent is not None else max(c.as_of.moment for c in charges)
    believe(payment, component, heard=heard)
    if payment.status not in {_PENDING, _SUCCEEDED}:
        payment.failure_code, payment.failure_message = _failure(intent, attempt)
    return payment


def _newest(charges: list[ChargeSnapshot], intent: PaymentSnapshot | None) -> ChargeSnapshot | None:
    """The attempt that counts: the one that succeeded, else the last one made (not the last one heard of)."""
    latest = intent.latest_charge if intent is not None else None
    return max(
        charges, key=lambda c: (c.status is _SUCCEEDED, c.occurred_at, c.id == latest, c.id), default=None
    )


def _by_its_own_word(root: str, intent: PaymentSnapshot | None, attempt: ChargeSnapshot | None) -> Payment:
    if intent is None:
        assert attempt is not None
        kind = Kind.CHARGE if root == attempt.id else Kind.PAYMENT
        payment = Payment(root, kind, attempt.status, attempt.amount, attempt.currency, attempt.occurred_at)
    else:
        status, amount = _status_and_sum(intent, attempt)
        payment = Payment(root, Kind.PAYMENT, status, amount, intent.currency, intent.occurred_at)
    for source in (attempt, intent):
        if source is not None:
            payment.customer = payment.customer or source.customer
            payment.email = payment.email or source.email
            payment.description = payment.description or source.description
    unseen = intent is not None and intent.status is _SUCCEEDED and not _is_success(attempt)
    if attempt is not None and not unseen:
        payment.charge, payment.method, payment.name = attempt.id, attempt.method, attempt.name
    elif intent is not None:
        payment.charge = intent.latest_charge
    return payment


def _is_success(attempt: ChargeSnapshot | None) -> bool:
    return attempt is not None and attempt.status is _SUCCEEDED


def _status_and_sum(intent: PaymentSnapshot, attempt: ChargeSnapshot | None) -> tuple[TransactionStatus, int]:
    """A captured charge proves success; else the intent, unless an attempt goes on after it was heard of."""
    if attempt is not None and attempt.status is _SUCCEEDED:
        return _SUCCEEDED, attempt.amount
    if intent.status is _SUCCEEDED:
        return _SUCCEEDED, intent.amount_received
    if attempt is not None and _goes_on(intent, attempt):
        return attempt.status, intent.amount
    return intent.status, intent.amount


def _goes_on(intent: PaymentSnapshot, attempt: ChargeSnapshot) -> bool:
    # A canceled intent tries nothing any more; its last attempt may have been read only afterwards.
    if intent.status is TransactionStatus.CANCELED:
        return False
    # An old attempt that is read again says nothing about what the intent did since.
    if attempt.id != intent.latest_charge and attempt.occurred_at < _second(intent.as_of.moment):
        return False
    told, known = _second(attempt.as_of.moment), _second(intent.as_of.moment)
    return (told, _PROGRESS[attempt.status]) > (known, _PROGRESS[intent.status])


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _failure(intent: PaymentSnapshot | None, attempt: ChargeSnapshot | None) -> tuple[str | None, str | None]:
    """Why it failed, by the newest word that gives a reason."""
    told: list[PaymentSnapshot | ChargeSnapshot] = [s for s in (attempt, intent) if s is not None]
    told.sort(key=lambda source: source.as_of.moment, reverse=True)
    reasons = [s for s in told if s.failure_code or s.failure_message]
    return (reasons[0].failure_code, reasons[0].failure_message) if reasons else (None, None)


def _placeholder(root: str, component: Component) -> Payment:
    """A payment that others name and nobody says anything about. The currency is known if it hangs on one."""
    hanging = [*component.refunds_of.get(root, ()), *component.disputes_of.get(root, ())]
    naming = [*hanging, *component.links_of.get(root, ()), *component.checkouts_of.get(root, ())]
    payment = Payment(
        root,
        component.names[root],
        _PENDING,
        0,
        next((item.currency for item in naming if item.currency), ""),
        min(item.occurred_at for item in naming),
        placeholder=True,
        hearsay=True,
    )
    payment.charge = next((item.charge for item in hanging if item.charge), None)
    payment.references = {root} | ({payment.charge} if payment.charge else set())
    return payment
