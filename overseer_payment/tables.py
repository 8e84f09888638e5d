"""All tables, prefix `payment_`. No foreign key leads into a host's tables or out of them to ours.

Money is BIGINT minor units beside its currency; moments are UTC; `occurred_at` is the provider's time,
`created_at` ours. Rows name their account (`payment_provider.id`): rows of different accounts or modes
never meet in one query.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from overseer_payment.database import UtcDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

VERSION_TABLE = "overseer_payment_alembic_version"

_big = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts only INTEGER keys up by itself


def _id() -> Column[int]:
    return Column("id", _big, primary_key=True)


def _account() -> Column[int]:
    return Column("account_id", _big, nullable=False)


def _money(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=text("0"))


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, default=False)


def _moment(name: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, UtcDateTime, nullable=nullable)


def _provider_id(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, String(255), nullable=nullable)


provider = Table(
    "payment_provider",
    metadata,
    _id(),
    Column("provider", String(40), nullable=False),
    # default: the one the API key belongs to; example, demo; else a connected account's id
    Column("account", String(255), nullable=False),
    Column("livemode", Boolean, nullable=False),
    _provider_id("provider_account_id", nullable=True),
    Column("title", String(255)),
    _moment("created_at", nullable=False),
    UniqueConstraint("provider", "account", "livemode"),
)

event = Table(
    "payment_event",
    metadata,
    _id(),
    _account(),
    _provider_id("provider_event_id"),
    Column("type", String(255), nullable=False),
    Column("api_version", String(40)),
    Column("status", String(10), nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("last_error", Text),
    _moment("occurred_at", nullable=False),
    _moment("received_at", nullable=False),
    _moment("due_at", nullable=False),
    _moment("applied_at"),
    Column("payload", Text, nullable=False),
    UniqueConstraint("account_id", "provider_event_id"),
)
Index(
    "ix_payment_event_due",
    event.c.due_at,
    event.c.id,
    sqlite_where=event.c.status.in_(("pending", "failed")),
    postgresql_where=event.c.status.in_(("pending", "failed")),
)
Index("ix_payment_event_status", event.c.account_id, event.c.status, event.c.id)

# What each provider says about each of its objects, newest word only. All other rows derive from these.
provider_object = Table(
    "payment_object",
    metadata,
    Column("account_id", _big, primary_key=True, autoincrement=False),
    Column("provider_id", String(255), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("tie", String(60), nullable=False),
    _provider_id("payment_ref", nullable=True),
    _provider_id("charge_ref", nullable=True),
    _provider_id("invoice_ref", nullable=True),
    Column("data", Text, nullable=False),
    Column("raw", Text, nullable=False),
)
for _ref in (provider_object.c.payment_ref, provider_object.c.charge_ref, provider_object.c.invoice_ref):
    Index(
        f"ix_payment_object_{_ref.name}",
        provider_object.c.account_id,
        _ref,
        sqlite_where=_ref.is_not(None),
        postgresql_where=_ref.is_not(None),
    )

customer = Table(
    "payment_customer",
    metadata,
    _id(),
    _account(),
    _provider_id("provider_customer_id"),
    # Named by others and never described; `occurred_at` is then that of the first that names it.
    _flag("placeholder"),
    Column("user_id", String(255)),
    Column("email", String(512)),
    Column("name", Text),
    _flag("deleted"),
    _moment("occurred_at", nullable=False),
    _moment("created_at", nullable=False),
    UniqueConstraint("account_id", "provider_customer_id"),
)
Index("ix_payment_customer_newest", customer.c.account_id, customer.c.occurred_at, customer.c.id)
Index("ix_payment_customer_user", customer.c.account_id, customer.c.user_id)
Index("ix_payment_customer_email", customer.c.account_id, customer.c.email)

transaction = Table(
    "payment_transaction",
    metadata,
    _id(),
    _account(),
    _provider_id("provider_transaction_id"),
    Column("type", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    # Known only by what others say of it (a refund of a charge never seen): linked to, not yet listed.
    _flag("placeholder"),
    _money("amount"),
    _money("amount_refunded"),
    _money("amount_disputed"),
    _money("amount_refundable"),
    # What the charge says was refunded and no refund row accounts for yet.
    _money("amount_refunded_untold"),
    Column("currency", String(3), nullable=False),
    Column("customer_id", _big),
    Column("customer_email", String(512)),
    Column("customer_name", Text),
    Column("subscription_id", _big),
    Column("invoice_id", _big),
    Column("parent_id", _big),
    Column("charge_ref", String(255)),
    Column("description", Text),
    Column("method", String(255)),
    Column("reason", String(255)),
    Column("failure_code", String(255)),
    Column("failure_message", Text),
    _moment("occurred_at", nullable=False),
    _moment("created_at", nullable=False),
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
    "ix_payment_transaction_customer", transaction.c.customer_id, transaction.c.occurred_at, transaction.c.id
)
Index(
    "ix_payment_transaction_subscription",
    transaction.c.subscription_id,
    transaction.c.occurred_at,
    transaction.c.id,
)
Index("ix_payment_transaction_parent", transaction.c.parent_id)

# Every provider id by which a payment is known → its row.
reference = Table(
    "payment_reference",
    metadata,
    Column("account_id", _big, primary_key=True, autoincrement=False),
    Column("provider_id", String(255), primary_key=True),
    Column("transaction_id", _big, nullable=False, index=True),
)

subscription = Table(
    "payment_subscription",
    metadata,
    _id(),
    _account(),
    _provider_id("provider_subscription_id"),
    _flag("placeholder"),
    Column("customer_id", _big, index=True),
    Column("status", String(20), nullable=False),
    Column("plan_name", Text),
    _money("amount"),
    Column("currency", String(3), nullable=False),
    Column("interval", String(10)),
    Column("interval_count", Integer, nullable=False, server_default=text("1")),
    Column("quantity", Integer, nullable=False, server_default=text("0")),
    Column("items", Text, nullable=False, server_default=text("'[]'")),
    _moment("current_period_start"),
    _moment("current_period_end"),
    _flag("cancel_at_period_end"),
    _moment("cancel_at"),
    _moment("canceled_at"),
    _moment("ended_at"),
    _moment("trial_end"),
    _flag("collection_paused"),
    _moment("occurred_at", nullable=False),
    _moment("created_at", nullable=False),
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
    _id(),
    _account(),
    _provider_id("provider_invoice_id"),
    _flag("placeholder"),
    Column("number", String(255)),
    Column("status", String(20), nullable=False),
    Column("currency", String(3), nullable=False),
    _money("total"),
    _money("amount_due"),
    _money("amount_paid"),
    _money("amount_remaining"),
    Column("customer_id", _big, index=True),
    Column("subscription_id", _big, index=True),
    Column("attempt_count", Integer, nullable=False, server_default=text("0")),
    _moment("next_attempt_at"),
    _moment("due_at"),
    _moment("paid_at"),
    Column("hosted_url", Text),
    Column("pdf_url", Text),
    _moment("occurred_at", nullable=False),
    _moment("created_at", nullable=False),
    UniqueConstraint("account_id", "provider_invoice_id"),
)
Index("ix_payment_invoice_newest", invoice.c.account_id, invoice.c.occurred_at, invoice.c.id)

checkout = Table(
    "payment_checkout",
    metadata,
    _id(),
    _account(),
    _provider_id("session_id"),
    Column("mode", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("payment_state", String(20), nullable=False),
    Column("amount_total", BigInteger),
    Column("currency", String(3)),
    Column("url", Text),
    Column("transaction_id", _big),
    Column("customer_id", _big),
    Column("subscription_id", _big),
    Column("user_id", String(255)),
    _moment("expires_at"),
    _moment("occurred_at", nullable=False),
    _moment("created_at", nullable=False),
    UniqueConstraint("account_id", "session_id"),
)
Index("ix_payment_checkout_session", checkout.c.session_id)

dispute = Table(
    "payment_dispute",
    metadata,
    _id(),
    _account(),
    _provider_id("provider_dispute_id"),
    Column("kind", String(20), nullable=False),
    Column("status", String(30), nullable=False),
    Column("reason", String(255)),
    _money("amount"),
    _money("funds_withdrawn"),
    Column("currency", String(3), nullable=False),
    Column("transaction_id", _big, index=True),
    Column("customer_id", _big),
    _flag("refundable"),
    _moment("evidence_due_by"),
    _flag("has_evidence"),
    _moment("occurred_at", nullable=False),
    _moment("created_at", nullable=False),
    UniqueConstraint("account_id", "provider_dispute_id"),
)
Index("ix_payment_dispute_newest", dispute.c.account_id, dispute.c.occurred_at, dispute.c.id)

# Sums kept in step with the rows, so that no view grows with the number of rows. Rebuildable from them.
total = Table(
    "payment_total",
    metadata,
    Column("account_id", _big, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("currency", String(3), primary_key=True),
    _money("gross"),
    _money("refunded"),
    _money("disputed"),
    _money("payments"),
    _money("failed_payments"),
    _money("transactions"),
)

customer_total = Table(
    "payment_customer_total",
    metadata,
    Column("customer_id", _big, primary_key=True, autoincrement=False),
    Column("currency", String(3), primary_key=True),
    _money("gross"),
    _money("refunded"),
    _money("disputed"),
    _money("payments"),
)

gauge = Table(
    "payment_gauge",
    metadata,
    Column("account_id", _big, primary_key=True, autoincrement=False),
    Column("name", String(40), primary_key=True),
    _money("value"),
)

# Objects that the ledger wants to read from the provider: one row serves all that wait for it.
wanted = Table(
    "payment_wanted",
    metadata,
    Column("account_id", _big, primary_key=True, autoincrement=False),
    Column("provider_id", String(255), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("reason", String(40), nullable=False),
    # By the provider's clock: news from then on settles a doubt.
    _moment("since"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("last_error", Text),
    _moment("due_at", nullable=False),
    _moment("created_at", nullable=False),
)
Index("ix_payment_wanted_due", wanted.c.due_at)

operation = Table(
    "payment_operation",
    metadata,
    _id(),
    _account(),
    Column("kind", String(40), nullable=False),
    Column("status", String(10), nullable=False),
    Column("actor", String(255), nullable=False),
    Column("target", String(255)),
    Column("transaction_id", _big),
    Column("amount", BigInteger),
    Column("currency", String(3)),
    Column("reason", String(255)),
    # What we send to the provider, so that a retry is the same request under the same key.
    Column("idempotency_key", String(255), nullable=False, unique=True),
    Column("request", Text, nullable=False),
    # What the caller sent: the same key by the same actor is the same operation.
    Column("client_key", String(255)),
    Column("client_digest", String(64)),
    Column("result", Text),
    Column("error_code", String(255)),
    Column("error", Text),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    _moment("due_at"),
    _moment("created_at", nullable=False),
    _moment("finished_at"),
)
Index(
    "uq_payment_operation_client",
    operation.c.account_id,
    operation.c.actor,
    operation.c.client_key,
    unique=True,
    sqlite_where=operation.c.client_key.is_not(None),
    postgresql_where=operation.c.client_key.is_not(None),
)
Index(
    "ix_payment_operation_open",
    operation.c.due_at,
    sqlite_where=operation.c.due_at.is_not(None),
    postgresql_where=operation.c.due_at.is_not(None),
)
Index("ix_payment_operation_transaction", operation.c.transaction_id)
Index("ix_payment_operation_newest", operation.c.account_id, operation.c.id)

# How healing stands: one row for each account and kind of healing, which is its lease as well.
sync = Table(
    "payment_sync",
    metadata,
    Column("account_id", _big, primary_key=True, autoincrement=False),
    Column("kind", String(20), primary_key=True),
    Column("state", String(10), nullable=False),
    # From which moment the present or last run reads, by the provider's clock; NULL: from the beginning.
    Column("since", UtcDateTime),
    # Where a run that was cut short goes on.
    Column("cursor", Text),
    # The provider's time when the present or last run began to read.
    Column("reached", UtcDateTime),
    # Every event until then was asked for; and since when some may be missing that nobody tells any more.
    Column("covered_until", UtcDateTime),
    Column("gap_since", UtcDateTime),
    Column("counts", Text, nullable=False, server_default=text("'{}'")),
    Column("drift", Text, nullable=False, server_default=text("'[]'")),
    Column("error", Text),
    # Whoever writes here must still be the holder: a run that was taken over ends at its next page.
    Column("holder", String(40)),
    Column("leased_until", UtcDateTime),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
)
