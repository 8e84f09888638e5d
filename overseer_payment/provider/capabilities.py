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
    PORTAL = "portal"  # the provider is an `OpensPortal`: a page where customers look after themselves
    INVOICE_PREVIEW = "invoice_preview"  # the provider is a `PreviewsInvoices`
    CUSTOMER_DELETE = "customer_delete"  # the provider is a `DeletesCustomers`
    CHECKOUT_EXPIRE = "checkout_expire"  # the provider is an `ExpiresCheckouts`
    DISCOUNTS = "discounts"  # checkouts take coupons and promotion codes
    AUTOMATIC_TAX = "automatic_tax"  # checkouts compute tax, and ask for tax ids
    DISPUTE_RESPONSES = "dispute_responses"  # it is an `AnswersDisputes`: evidence can be given
    SUBSCRIPTION_CHANGES = "subscription_changes"  # it is a `ChangesSubscriptions`: cancel, change, preview
    SUBSCRIPTION_PAUSE = "subscription_pause"  # it is a `PausesSubscriptions`
    EVENT_LIST = "event_list"  # the provider is a `ListsEvents`: what a webhook missed can be asked for
    OBJECT_LIST = "object_list"  # the provider is a `ListsObjects`: history can be read, and compared
    WEBHOOK_ENDPOINTS = "webhook_endpoints"  # it is a `ManagesEndpoints`: sets up where it delivers to
    LOCAL_DELIVERY = "local_delivery"  # it is a `SignsDeliveries`: listed events can be delivered locally
    TRIGGERS = "triggers"  # it is a `TriggersEvents`: events can be made happen in test mode
