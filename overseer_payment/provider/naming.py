"""How provider objects are named and dated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

API_LEVEL = 1
"""Version of this contract. A plugin that names another level is listed as broken, with the reason."""


class Kind(StrEnum):
    """What sort of provider object a `Ref` names."""

    CUSTOMER = "customer"
    CHECKOUT = "checkout"
    PAYMENT = "payment"  # a payment intent: one attempt or several to collect one sum
    CHARGE = "charge"  # one attempt that reached the card network or bank
    REFUND = "refund"
    INVOICE = "invoice"
    INVOICE_PAYMENT = "invoice_payment"
    SUBSCRIPTION = "subscription"
    PRODUCT = "product"  # what is sold; its prices say for how much
    PRICE = "price"
    DISPUTE = "dispute"  # chargebacks, inquiries and early fraud warnings


class Source(StrEnum):
    """Where a snapshot comes from. A read of the API beats an event payload of the same moment."""

    EVENT = "event"
    READ = "read"


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Names one object at the provider."""

    kind: Kind
    id: str


@dataclass(frozen=True, slots=True)
class AsOf:
    """The moment, by the provider's clock, at which a snapshot was true, and its source.

    For an event: the event's creation time (Stripe: whole seconds). For a read: when the read began.
    """

    moment: datetime
    source: Source

    @property
    def version(self) -> int:
        """A number that orders snapshots of one object: milliseconds since 1970, then READ over EVENT."""
        return int(self.moment.timestamp() * 1000) * 2 + (self.source is Source.READ)
