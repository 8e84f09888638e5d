"""Where the ledger and the provider differ, object by object and field by field.

The decision this module owns: which difference is one. Addresses of pages are made anew at each read;
some facts only an event tells (a delayed payment's failure), some only a read (a product's name); and
one link between invoice and payment has another id in each API dialect. None of these is drift.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from overseer_payment.ledger import codec, forgetting, objects
from overseer_payment.provider import (
    AsOf,
    CheckoutSnapshot,
    CheckoutStatus,
    CustomerSnapshot,
    InvoicePaymentSnapshot,
    InvoiceSnapshot,
    InvoiceStatus,
    Kind,
    ProductSnapshot,
    Ref,
    Snapshot,
)

_PERSONAL = frozenset({"email", "name", "metadata", "description"})  # that they differ is enough to say
_FLEETING = frozenset({"url", "receipt_url", "hosted_url", "pdf_url"})
# Told by objects of their own, and changed here without an event; or guessed from what is compared.
_ELSEWHERE = {
    Kind.CHARGE: frozenset({"disputed"}),
    Kind.SUBSCRIPTION: frozenset({"latest_invoice"}),
    Kind.INVOICE: frozenset({"attempt_failed"}),
}


class What(StrEnum):
    """What kind of difference it is."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field, values as snapshots have them (amounts in minor units); None for personal or long ones."""

    field: str
    here: Any = None
    there: Any = None


@dataclass(frozen=True, slots=True)
class Drift:
    """One object on which ledger and provider disagree. `healed`: the provider's word was recorded."""

    kind: Kind
    id: str
    what: What
    differences: tuple[Difference, ...] = ()
    currency: str | None = None
    healed: bool = False

    @property
    def ref(self) -> Ref:
        return Ref(self.kind, self.id)

    def told(self) -> dict[str, Any]:
        """As plain JSON, without anything personal."""
        fields = [{"field": d.field, "here": d.here, "there": d.there} for d in self.differences]
        return {
            "kind": self.kind.value,
            "id": self.id,
            "what": self.what.value,
            "currency": self.currency,
            "differences": fields,
            "healed": self.healed,
        }


def compare(connection: Connection, account_id: int, snapshots: Iterable[Snapshot]) -> list[Drift]:
    """What the provider says in `snapshots` and the ledger doesn't. News that is newer here is no drift."""
    # Of people who were erased here nothing is missing here.
    told = {one.ref: one for one in forgetting.withheld(connection, account_id, snapshots)}
    stored = objects.by_id(connection, account_id, told)
    found = (
        _one(connection, account_id, stored.get(ref), snapshot) for ref, snapshot in sorted(told.items())
    )
    return [drift for drift in found if drift is not None]


def _one(connection: Connection, account_id: int, here: Snapshot | None, there: Snapshot) -> Drift | None:
    currency = getattr(there, "currency", None) or None
    if here is None:
        silent = _is_no_news(there) or _is_known_otherwise(connection, account_id, there)
        return None if silent else Drift(there.kind, there.id, What.MISSING_HERE, currency=currency)
    if here.as_of.version > there.as_of.version:
        return None
    if _is_no_news(there) and _is_no_news(here):
        return None
    differences = tuple(differing(here, there))
    return Drift(there.kind, there.id, What.DIFFERS, differences, currency) if differences else None


def _is_no_news(there: Snapshot) -> bool:
    """Nothing has happened, and no event tells of it: a checkout that is open, a payment not yet tried."""
    match there:
        case CheckoutSnapshot():
            return there.status is CheckoutStatus.OPEN
        case InvoicePaymentSnapshot():
            return there.status != "paid"
    return False


def _is_known_otherwise(connection: Connection, account_id: int, there: Snapshot) -> bool:
    """Is this link between an invoice and its payment known, under the id that an older dialect gave it?"""
    if not isinstance(there, InvoicePaymentSnapshot):
        return False

    def same(link: Snapshot) -> bool:
        if not isinstance(link, InvoicePaymentSnapshot) or link.status != there.status:
            return False
        pairs = ((link.payment, there.payment), (link.charge, there.charge))
        return link.invoice == there.invoice and any(a is not None and a == b for a, b in pairs)

    return any(same(link) for link in objects.load(connection, account_id, [there.invoice]))


def differing(here: Snapshot, there: Snapshot) -> Iterator[Difference]:
    """The fields in which two snapshots of one object disagree, by name."""
    ours, theirs = _fields(here), _fields(there)
    if ours == theirs:
        return
    for name in sorted({*ours, *theirs} - _FLEETING - _ELSEWHERE.get(there.kind, frozenset())):
        mine, its = ours.get(name), theirs.get(name)
        if mine != its and not _is_told_once(there.kind, name, mine, its):
            plain = name not in _PERSONAL and not isinstance(its or mine, list | dict)
            yield Difference(name, mine, its) if plain else Difference(name)


def _fields(snapshot: Snapshot) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(codec.encode(snapshot))
    return fields


def _is_told_once(kind: Kind, name: str, here: Any, there: Any) -> bool:
    """Is this what only an event, or only a read, can tell?"""
    match kind, name:
        case Kind.CHECKOUT, "payment_state":
            return bool(here == "failed" and there == "unpaid")
        case Kind.DISPUTE, "currency":
            return not here  # an early fraud warning's event names none
        case Kind.SUBSCRIPTION, "items":
            return [_nameless(item) for item in here or ()] == [
                _nameless(item) for item in there or ()
            ] and all(
                item.get("name") in {None, other.get("name")}
                for item, other in zip(here or (), there or (), strict=True)
            )
    return False


def _nameless(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "name"}


def without(stored: Snapshot, as_of: AsOf) -> Snapshot | None:
    """What to record of an object that the provider no longer has. None: nothing, a person has to look.

    A deleted draft asks for no money. Whatever moved money doesn't vanish at a provider.
    """
    match stored:
        case CustomerSnapshot():
            return replace(stored, as_of=as_of, deleted=True)
        case ProductSnapshot():
            return replace(stored, as_of=as_of, active=False, deleted=True)
        case InvoiceSnapshot(status=InvoiceStatus.DRAFT):
            return replace(stored, as_of=as_of, status=InvoiceStatus.VOID)
    return None
