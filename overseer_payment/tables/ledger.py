"""The ledger's rows."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from overseer_payment.tables.columns import (
    account_id,
    big,
    flag,
    metadata,
    moment,
    money,
    provider_id,
    row_id,
    sought,
)

customer = Table(
    "payment_customer",
    metadata,
    row_id(),
    account_id(),
    provider_id("provider_customer_id"),
    # Named by others and never described; `occurred_at` is then that of the first that names it.
    flag("placeholder"),
    Column("user_id", String(255)),
    Column("email", String(512)),
    sought("email_key"),
    Column("name", Text),
    sought("name_key"),
    flag("deleted"),
    # A tombstone: whom it was about is withheld from everything that is told later.
    moment("erased_at"),
    moment("occurred_at", nullable=False),
    moment("created_at", nullable=False),
    UniqueConstraint("account_id", "provider_customer_id"),
)

Index("ix_payment_customer_newest", customer.c.account_id, customer.c.occurred_at, customer.c.id)

Index(
    "ix_payment_customer_deleted",
    customer.c.account_id,
    customer.c.deleted,
    customer.c.occurred_at,
    customer.c.id,
)

Index("ix_payment_customer_user", customer.c.account_id, customer.c.user_id)

Index("ix_payment_customer_email", customer.c.account_id, customer.c.email)

Index("ix_payment_customer_email_key", customer.c.account_id, customer.c.email_key)

Index("ix_payment_customer_name_key", customer.c.account_id, customer.c.name_key)

transaction = Table(
    "payment_transaction",
    metadata,
    row_id(),
    account_id(),
    provider_id("provider_transaction_id"),
    Column("type", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    # Known only by what others say of it (a refund of a charge never seen): linked to, not yet listed.
    flag("placeholder"),
    money("amount"),
    money("amount_refunded"),
    money("amount_disputed"),
    money("amount_refundable"),
    # What the charge says was refunded and no refund row accounts for yet.
    money("amount_refunded_untold"),
    Column("currency", String(3), nullable=False),
    Column("customer_id", big),
    Column("customer_email", String(512)),
    sought("email_key"),
    Column("customer_name", Text),
    Column("subscription_id", big),
    Column("invoice_id", big),
    Column("parent_id", big),
    Column("charge_ref", String(255)),
    Column("description", Text),
    Column("method", String(255)),
    Column("reason", String(255)),
    Column("failure_code", String(255)),
    Column("failure_message", Text),
    moment("occurred_at", nullable=False),
    moment("created_at", nullable=False),
    UniqueConstraint("account_id", "provider_transaction_id"),
)

Index("ix_payment_transaction_newest", transaction.c.account_id, transaction.c.occurred_at, transaction.c.id)

Index(
    "ix_payment_transaction_status",
    transaction.c.account_id,
    transaction.c.status,
    transaction.c.occurred_at,
    transaction.c.id,
)

Index(
    "ix_payment_transaction_type",
    transaction.c.account_id,
    transaction.c.type,
    transaction.c.occurred_at,
    transaction.c.id,
)

Index(
    "ix_payment_transaction_currency",
    transaction.c.account_id,
    transaction.c.currency,
    transaction.c.occurred_at,
    transaction.c.id,
)

Index(
    "ix_payment_transaction_amount",
    transaction.c.account_id,
    transaction.c.currency,
    transaction.c.amount,
    transaction.c.id,
)

Index(
    "ix_payment_transaction_customer", transaction.c.customer_id, transaction.c.occurred_at, transaction.c.id
)

Index(
    "ix_payment_transaction_subscription",
    transaction.c.subscription_id,
    transaction.c.occurred_at,
    transaction.c.id,
)

Index("ix_payment_transaction_parent", transaction.c.parent_id)

Index(
    "ix_payment_transaction_email_key",
    transaction.c.account_id,
    transaction.c.email_key,
    sqlite_where=transaction.c.email_key.is_not(None),
    postgresql_where=transaction.c.email_key.is_not(None),
)

Index("ix_payment_transaction_invoice", transaction.c.invoice_id)

# Every provider id by which a payment is known → its row.

reference = Table(
    "payment_reference",
    metadata,
    Column("account_id", big, primary_key=True, autoincrement=False),
    Column("provider_id", String(255), primary_key=True),
    Column("transaction_id", big, nullable=False, index=True),
)

# What is sold. Rows that name a product find its name here, whenever it comes.

product = Table(
    "payment_product",
    metadata,
    row_id(),
    account_id(),
    provider_id("provider_product_id"),
    Column("name", Text),
    Column("description", Text),
    flag("active"),
    flag("deleted"),
    moment("occurred_at", nullable=False),
    moment("created_at", nullable=False),
    UniqueConstraint("account_id", "provider_product_id"),
)

subscription = Table(
    "payment_subscription",
    metadata,
    row_id(),
    account_id(),
    provider_id("provider_subscription_id"),
    flag("placeholder"),
    Column("customer_id", big, index=True),
    Column("status", String(20), nullable=False),
    money("amount"),
    Column("currency", String(3), nullable=False),
    Column("interval", String(10)),
    Column("interval_count", Integer, nullable=False, server_default=text("1")),
    Column("quantity", Integer, nullable=False, server_default=text("0")),
    Column("items", Text, nullable=False, server_default=text("'[]'")),
    moment("current_period_start"),
    moment("current_period_end"),
    flag("cancel_at_period_end"),
    moment("cancel_at"),
    moment("canceled_at"),
    moment("ended_at"),
    moment("trial_end"),
    flag("collection_paused"),
    moment("collection_resumes_at"),
    moment("occurred_at", nullable=False),
    moment("created_at", nullable=False),
    UniqueConstraint("account_id", "provider_subscription_id"),
)

Index(
    "ix_payment_subscription_newest", subscription.c.account_id, subscription.c.occurred_at, subscription.c.id
)

Index(
    "ix_payment_subscription_status",
    subscription.c.account_id,
    subscription.c.status,
    subscription.c.occurred_at,
    subscription.c.id,
)

invoice = Table(
    "payment_invoice",
    metadata,
    row_id(),
    account_id(),
    provider_id("provider_invoice_id"),
    flag("placeholder"),
    Column("number", String(255)),
    Column("status", String(20), nullable=False),
    Column("currency", String(3), nullable=False),
    money("total"),
    money("amount_due"),
    money("amount_paid"),
    money("amount_remaining"),
    Column("customer_id", big),
    Column("subscription_id", big),
    Column("attempt_count", Integer, nullable=False, server_default=text("0")),
    moment("next_attempt_at"),
    moment("due_at"),
    moment("paid_at"),
    Column("hosted_url", Text),
    Column("pdf_url", Text),
    moment("occurred_at", nullable=False),
    moment("created_at", nullable=False),
    UniqueConstraint("account_id", "provider_invoice_id"),
)

Index("ix_payment_invoice_newest", invoice.c.account_id, invoice.c.occurred_at, invoice.c.id)

Index(
    "ix_payment_invoice_status",
    invoice.c.account_id,
    invoice.c.status,
    invoice.c.occurred_at,
    invoice.c.id,
)

Index("ix_payment_invoice_customer", invoice.c.customer_id, invoice.c.occurred_at, invoice.c.id)

Index("ix_payment_invoice_subscription", invoice.c.subscription_id, invoice.c.occurred_at, invoice.c.id)

checkout = Table(
    "payment_checkout",
    metadata,
    row_id(),
    account_id(),
    provider_id("session_id"),
    Column("mode", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("payment_state", String(20), nullable=False),
    Column("amount_total", BigInteger),
    Column("currency", String(3)),
    Column("url", Text),
    Column("transaction_id", big, index=True),
    Column("customer_id", big),
    Column("subscription_id", big, index=True),
    Column("user_id", String(255)),
    moment("expires_at"),
    moment("occurred_at", nullable=False),
    moment("created_at", nullable=False),
    UniqueConstraint("account_id", "session_id"),
)

Index("ix_payment_checkout_session", checkout.c.session_id)

Index("ix_payment_checkout_customer", checkout.c.customer_id)

# Sums kept in step with the rows, so that no view grows with the number of rows. Rebuildable from them.
