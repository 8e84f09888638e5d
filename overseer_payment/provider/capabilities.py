"""What a provider can do."""

from __future__ import annotations

from enum import StrEnum


class Capability(StrEnum):
    """What a provider can do. Declared if and only if implemented; UI and CLI offer no more than this."""

    CHECKOUT_PAYMENT = "checkout_payment"
    CHECKOUT_SUBSCRIPTION = "checkout_subscription"
    CHECKOUT_SETUP = "checkout_setup"
    TRIAL = "trial"
    REFUND = "refund"
    PARTIAL_REFUND = "partial_refund"
    CUSTOMERS = "customers"
    CATALOG = "catalog"
    EVENT_LIST = "event_list"  # the provider is a `ListsEvents`: what a webhook missed can be asked for
    OBJECT_LIST = "object_list"  # the provider is a `ListsObjects`: history can be read, and compared
