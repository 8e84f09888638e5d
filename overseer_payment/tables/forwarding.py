"""How far a listener has brought the provider's events to one address."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from overseer_payment.tables.columns import big, metadata, moment

_DIGEST = 64  # of the address: addresses may be longer than a key can be

forwarding = Table(
    "payment_forwarding",
    metadata,
    Column("account_id", big, primary_key=True, autoincrement=False),
    Column("target", String(_DIGEST), primary_key=True),
    # By the provider's clock: nothing older is forwarded, and until when the list was read.
    moment("since", nullable=False),
    moment("heard", nullable=False),
)

# What was dealt with lately: the list is read again for its last minutes, because it lags behind.
forwarded = Table(
    "payment_forwarded",
    metadata,
    Column("account_id", big, primary_key=True, autoincrement=False),
    Column("target", String(_DIGEST), primary_key=True),
    Column("provider_event_id", String(255), primary_key=True),
    moment("occurred_at", nullable=False),
)
