"""What in a snapshot or a payload is about a person. Pure functions.

The decision this module owns: **which facts go when a person is erased, and which stay as books**. Sums,
moments, states and ids stay; names, addresses, free texts and links to documents with names in them go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from overseer_payment.provider import CustomerSnapshot, RefundSnapshot, Snapshot

_OURS = "overseer_operation"  # how we find our own refunds again: says nothing of anybody
_BLANK: Mapping[str, Any] = {
    "email": None,
    "name": None,
    "description": None,
    "client_reference": None,
    "receipt_url": None,
    "hosted_url": None,
    "pdf_url": None,
    "failure_message": None,
}

# Names that providers give to what is about a person, wherever in an object they stand. `url` of a session
# lets its holder see the buyer's address.
_PERSONAL_KEYS = frozenset(
    {
        "account_holder_name", "address", "billing", "billing_details", "business_name", "client_reference",
        "client_reference_id", "collected_information", "custom_fields", "customer_address",
        "customer_details", "customer_email", "customer_email_address", "customer_name", "customer_phone",
        "customer_purchase_ip", "customer_shipping", "customer_signature", "customer_tax_ids",
        "description", "email", "evidence", "fingerprint", "hosted_invoice_url", "iban_last4",
        "individual_name", "invoice_pdf", "invoice_prefix", "ip_address", "last4", "metadata", "name",
        "payer_email", "payer_name", "phone", "preferred_locales", "previous_attributes", "receipt_email",
        "receipt_url", "shipping", "shipping_address", "shipping_details", "tax_ids", "url", "user_id",
    }
)  # fmt: skip


def customer_of(snapshot: Snapshot) -> str | None:
    """The provider's id of the customer that a snapshot is about, if it says."""
    if isinstance(snapshot, CustomerSnapshot):
        return snapshot.id
    named: str | None = getattr(snapshot, "customer", None)
    return named


def impersonal(snapshot: Snapshot) -> Snapshot:
    """The same news without whom it is about; doing it twice changes nothing."""
    here = {field.name for field in fields(snapshot)}
    values = {name: value for name, value in _BLANK.items() if name in here}
    if "method" in here:
        values["method"] = _brand(getattr(snapshot, "method", None))
    if "url" in here:
        values["url"] = None
    return replace(snapshot, **values, metadata=_metadata(snapshot), raw={})


def _metadata(snapshot: Snapshot) -> dict[str, str]:
    kept = {_OURS} if isinstance(snapshot, RefundSnapshot) else set()
    return {name: value for name, value in snapshot.metadata.items() if name in kept}


def _brand(method: str | None) -> str | None:
    """`visa` of `visa •••• 4242`."""
    return method.partition(" ")[0] if method else None


def without_persons(value: Any) -> Any:
    """A provider's JSON with everything personal gone; what is left can still be translated.

    Only texts and what holds them go: an amount under such a name stays, and so do ids.
    """
    if isinstance(value, Mapping):
        return {key: _emptied(key, inner) for key, inner in value.items()}
    return [without_persons(item) for item in value] if isinstance(value, list) else value


def _emptied(key: str, value: Any) -> Any:
    if key not in _PERSONAL_KEYS:
        return without_persons(value)
    if isinstance(value, str):
        return None
    # What stands in metadata has names of somebody's own making, which tell as much as its values.
    return type(value)() if isinstance(value, dict | list) else value
