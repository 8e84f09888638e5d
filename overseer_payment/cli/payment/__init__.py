"""The command group `payment`: everything a person at the machine can ask of payments.

It stands in the embedded host (`overseer payment …`) and in any other (`HOST payment …`).
"""

from __future__ import annotations

from typing import Any

import click

from overseer_payment.cli.failures import one_line_errors
from overseer_payment.cli.lazy import LazyGroup

_HERE = "overseer_payment.cli.payment"
_SECTIONS = {
    "Look": {
        "status": (f"{_HERE}.status:status", "Health, counts and revenue at a glance."),
        "metrics": (f"{_HERE}.metrics:metrics", "Recurring revenue, churn and failed payments."),
        "transactions": (f"{_HERE}.transactions:transactions", "List payments and refunds, newest first."),
        "transaction": (f"{_HERE}.transaction:transaction", "One payment with its refunds and timeline."),
        "customers": (f"{_HERE}.customers:customers", "List or search customers."),
        "customer": (f"{_HERE}.customer:customer", "One customer: show, link, unlink, erase."),
        "subscriptions": (f"{_HERE}.subscriptions:subscriptions", "List subscriptions, newest first."),
        "invoices": (f"{_HERE}.invoices:invoices", "List invoices, newest first."),
        "invoice": (f"{_HERE}.invoices:invoice", "One invoice with its payments and failed attempts."),
        "upcoming": (f"{_HERE}.invoices:upcoming", "What a subscription will be billed next."),
        "disputes": (f"{_HERE}.disputes:disputes", "List disputes and fraud warnings."),
        "events": (f"{_HERE}.events:events", "Received events: see, replay or ignore them."),
        "effects": (f"{_HERE}.effects:effects", "What applications are told; tell them again."),
        "operations": (f"{_HERE}.operations:operations", "What was sent to the provider, by whom."),
        "export": (f"{_HERE}.export:export", "Whole lists as CSV or JSON lines."),
        "catalog": (f"{_HERE}.catalog:catalog", "Products and prices that can be sold."),
    },
    "Act": {
        "checkout": (f"{_HERE}.checkout:checkout", "Open a hosted checkout and print its address."),
        "refund": (f"{_HERE}.refund:refund", "Give money back, in full or in part."),
        "subscription": (f"{_HERE}.subscription:subscription", "Show, end, pause or change one."),
        "dispute": (f"{_HERE}.dispute:dispute", "Show, answer or accept one dispute."),
        "expire": (f"{_HERE}.checkout:expire", "Close an open checkout, so that nobody pays it."),
        "portal": (f"{_HERE}.customer:portal", "A link to the page where a customer looks after themselves."),
    },
    "Heal": {
        "sync": (f"{_HERE}.sync:sync", "Fetch what was missed, or the whole history."),
        "work": (f"{_HERE}.work:work", "Only do the background work, until stopped."),
        "reconcile": (f"{_HERE}.reconcile:reconcile", "Compare the ledger with the provider; heal."),
    },
    "Set up": {
        "doctor": (f"{_HERE}.doctor:doctor", "Find every misconfiguration, with its cure."),
        "webhook": (f"{_HERE}.webhook:webhook", "Where events are delivered; bring them here."),
        "trigger": (f"{_HERE}.trigger:trigger", "Make an event happen, in test mode."),
        "providers": (f"{_HERE}.providers:providers", "List payment providers and their state."),
        "db": (f"{_HERE}.db:db", "Create or update the schema; prove the totals."),
        "seed": (f"{_HERE}.seed:seed", "Fill in example data, or remove it."),
    },
}


class PaymentGroup(LazyGroup):
    """Shows its commands by section, and ends every command with a clear line and the right exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        with one_line_errors():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        shorts = dict(self.short_helps(ctx, formatter.width))
        spacing = max(map(len, shorts)) + 2
        for section, names in _SECTIONS.items():
            rows = [(name.ljust(spacing - 2), shorts.pop(name)) for name in names]
            with formatter.section(section):
                formatter.write_dl(rows)
        if shorts:
            with formatter.section("More"):
                formatter.write_dl(list(shorts.items()))


@click.group(
    cls=PaymentGroup,
    lazy={name: target for section in _SECTIONS.values() for name, target in section.items()},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def payment() -> None:
    """Payments: what came in, what went back, and what to do about it.

    Every command that prints data takes --json. Amounts are typed in major units (5.00).
    Moments are UTC.
    """
