"""Which payment an object belongs to: the ids by which objects of one payment know each other."""

from __future__ import annotations

from dataclasses import dataclass

from overseer_payment.provider import (
    ChargeSnapshot,
    CheckoutSnapshot,
    DisputeSnapshot,
    InvoicePaymentSnapshot,
    InvoiceSnapshot,
    PaymentSnapshot,
    RefundSnapshot,
    Snapshot,
)


@dataclass(frozen=True, slots=True)
class Links:
    """The payment intent, charge and invoice that an object names (itself included)."""

    payment: str | None = None
    charge: str | None = None
    invoice: str | None = None


def links(snapshot: Snapshot) -> Links:
    """What `snapshot` says belongs together. Customers and subscriptions join nothing: they own many."""
    match snapshot:
        case PaymentSnapshot():
            return Links(payment=snapshot.id, charge=snapshot.latest_charge)
        case ChargeSnapshot():
            return Links(payment=snapshot.payment, charge=snapshot.id)
        case RefundSnapshot() | DisputeSnapshot():
            return Links(payment=snapshot.payment, charge=snapshot.charge)
        case InvoiceSnapshot():
            return Links(invoice=snapshot.id)
        case InvoicePaymentSnapshot():
            return Links(payment=snapshot.payment, charge=snapshot.charge, invoice=snapshot.invoice)
        case CheckoutSnapshot():
            return Links(payment=snapshot.payment, invoice=snapshot.invoice)
        case _:
            return Links()


def mentioned(snapshot: Snapshot) -> set[str]:
    """Every provider id that recording this snapshot may touch a row of: what must be locked together."""
    found = {snapshot.id, getattr(snapshot, "customer", None), getattr(snapshot, "subscription", None)}
    joined = links(snapshot)
    found |= {joined.payment, joined.charge, joined.invoice}
    return {id for id in found if id}
