"""What happened, in the application's words, and to whom it was told."""

from __future__ import annotations

from sqlalchemy import (
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
    provider_id,
    row_id,
)

# Kept for ever, also where nobody listens: what is known here is not told as new tomorrow.

news = Table(
    "payment_news",
    metadata,
    row_id(),
    account_id(),
    Column("topic", String(40), nullable=False),
    provider_id("provider_id"),
    # Which one, where the same can happen to one object again: the attempt, the unpaid period.
    Column("mark", String(255), nullable=False, server_default=text("''")),
    # Counts how often a state was found altered; 1 for what happens once.
    Column("generation", Integer, nullable=False, server_default=text("1")),
    # Long over when it was first heard of: noted, and told to those only who asked for history.
    flag("history"),
    # Of history: as of when its object last said so, and first did not. If it wasn't so before it was, it
    # happened before our eyes.
    moment("affirmed_at"),
    moment("denied_at"),
    moment("occurred_at", nullable=False),
    moment("created_at", nullable=False),
    UniqueConstraint("account_id", "provider_id", "topic", "mark"),
)

# As of when the first word was heard on an object that is older than what this ledger knows of its account.

heard = Table(
    "payment_heard",
    metadata,
    Column("account_id", big, primary_key=True, autoincrement=False),
    Column("provider_id", String(255), primary_key=True),
    Column("kind", String(20), primary_key=True),
    moment("first_at", nullable=False),
)

# The outbox: one delivery of one piece of news to one listener.

effect = Table(
    "payment_effect",
    metadata,
    row_id(),
    account_id(),
    Column("news_id", big, nullable=False),
    Column("listener", String(200), nullable=False),
    Column("topic", String(40), nullable=False),
    provider_id("provider_id"),
    Column("generation", Integer, nullable=False, server_default=text("1")),
    Column("status", String(10), nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("last_error", Text),
    # Of a state: what the listener was told last, so that it can be told what has changed.
    Column("told", Text),
    moment("due_at", nullable=False),
    moment("created_at", nullable=False),
    moment("finished_at"),
    UniqueConstraint("news_id", "listener"),
)

_OPEN = effect.c.status.in_(("pending", "failed"))

Index(
    "ix_payment_effect_due",
    effect.c.listener,
    effect.c.due_at,
    effect.c.id,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)

# What is told of one object is told in its order: is something earlier still open?

Index(
    "ix_payment_effect_subject",
    effect.c.account_id,
    effect.c.provider_id,
    effect.c.listener,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)

Index("ix_payment_effect_status", effect.c.account_id, effect.c.status, effect.c.id)

Index("ix_payment_effect_listener", effect.c.account_id, effect.c.listener, effect.c.status, effect.c.id)

# Who listens to what, so that a process without their code leaves them their news.

listener = Table(
    "payment_listener",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("topics", Text, nullable=False),
    flag("inside"),
    flag("backfilled"),
    moment("seen_at", nullable=False),
)
