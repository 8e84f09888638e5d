"""What people look at must cost the same with a million payments as with a thousand.

Status, the card's figures, and the first and a deep page of every list, each as a ratio of its medians.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from bench.bulk import YEAR, fill
from bench.common import OPERATOR, median, say, service, sizes, verdict
from overseer_payment.database import utcnow
from overseer_payment.ledger import paging
from overseer_payment.schemas import (
    CustomerQuery,
    DisputeQuery,
    EventQuery,
    InvoiceQuery,
    MetricsQuery,
    RevenueQuery,
    SubscriptionQuery,
    TransactionQuery,
)
from overseer_payment.service import Payments
from overseer_payment.shown import disputes, events, invoices, metrics

TARGET = 1.5
BY_THE_DAY = frozenset({"mrr, 365 days"})
Question = Callable[[Payments], Awaitable[object]]


def questions(count: int) -> Mapping[str, Question]:
    """What is asked; `deep` begins in the middle of the year."""
    deep = paging._write(utcnow() - timedelta(seconds=YEAR / 2), count // 2)
    found: dict[str, Question] = {
        "status": lambda p: p.status(OPERATOR),
        "revenue, 30 days": lambda p: p.revenue(OPERATOR, RevenueQuery(days=30)),
        "metrics, 30 days": lambda p: metrics.metrics(p, OPERATOR, MetricsQuery(days=30)),
        "mrr, 365 days": lambda p: metrics.mrr_timeseries(p, OPERATOR, RevenueQuery(days=365)),
        "one transaction": lambda p: p.transaction(OPERATOR, str(count // 2 + 1)),
        "one customer": lambda p: p.customer(OPERATOR, "cus_7"),
        "events": lambda p: events.events(p, OPERATOR, EventQuery()),
        "open disputes": lambda p: disputes.disputes(
            p, OPERATOR, DisputeQuery.model_validate({"status": "open"})
        ),
        "failed": lambda p: p.transactions(OPERATOR, TransactionQuery.model_validate({"status": "failed"})),
        "a customer's": lambda p: p.transactions(OPERATOR, TransactionQuery(customer_id="cus_7")),
        "an id": lambda p: p.transactions(OPERATOR, TransactionQuery(q="pi_7")),
    }
    return {**found, **_lists("", None), **_lists(", deep", deep)}


def _lists(name: str, cursor: str | None) -> Mapping[str, Question]:
    return {
        f"transactions{name}": lambda p: p.transactions(OPERATOR, TransactionQuery(cursor=cursor)),
        f"customers{name}": lambda p: p.customers(OPERATOR, CustomerQuery(cursor=cursor)),
        f"subscriptions{name}": lambda p: p.subscriptions(OPERATOR, SubscriptionQuery(cursor=cursor)),
        f"invoices{name}": lambda p: invoices.invoices(p, OPERATOR, InvoiceQuery(cursor=cursor)),
        f"disputes{name}": lambda p: disputes.disputes(p, OPERATOR, DisputeQuery(cursor=cursor)),
    }


def main() -> int:
    return sizes(__doc__, _compared, rows=1_000_000, rounds=31, quick_rounds=9)


async def _compared(small_url: str, large_url: str, large: int, rounds: int) -> bool:
    async with service(small_url) as small, service(large_url) as many:
        await fill(small.engine, 1000)
        await fill(many.engine, large)
        good = True
        for name in questions(1000):
            took: dict[str, list[float]] = {"small": [], "large": []}
            asks = {"small": (small, questions(1000)[name]), "large": (many, questions(large)[name])}
            for number in range(rounds + 2):
                for side, (payments, ask) in asks.items():
                    begun = time.perf_counter()
                    await ask(payments)
                    if number > 1:  # the first compile statements and read pages
                        took[side].append(time.perf_counter() - begun)
            few, more = median(took["small"]), median(took["large"])
            told = f"{name:22} {few * 1000:6.1f} → {more * 1000:6.1f} ms"
            if name in BY_THE_DAY:
                say(f"       {told}: {more / few:.2f} (by the days with changes, 366 at most)")
            else:
                good &= verdict(told, more / few, TARGET, least=False)
        return good


if __name__ == "__main__":
    sys.exit(main())
