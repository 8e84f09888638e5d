"""What one event of Stripe's tells, in snapshots."""

from __future__ import annotations

from typing import Any

from overseer_payment.provider import InvoicePaymentSnapshot, Kind, Snapshot
from overseer_payment.provider_plugins.stripe.events import parse
from tests.provider_plugins.stripe import payloads as p


def told(type: str, obj: dict[str, Any], version: str = p.NEW) -> tuple[Any, ...]:
    return parse(p.event(type, obj, version)).snapshots


def first(type: str, obj: dict[str, Any], version: str = p.NEW) -> Any:
    return told(type, obj, version)[0]


def without_links(snapshots: tuple[Snapshot, ...]) -> list[Snapshot]:
    return [snapshot for snapshot in p.bare(snapshots) if snapshot.kind is not Kind.INVOICE_PAYMENT]


def links(snapshots: tuple[Snapshot, ...]) -> set[tuple[str, str | None, str, int]]:
    found = [snapshot for snapshot in snapshots if isinstance(snapshot, InvoicePaymentSnapshot)]
    return {(link.invoice, link.payment, link.status, link.amount_paid) for link in found}
