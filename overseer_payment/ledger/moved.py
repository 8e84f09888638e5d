"""What spans of days added and took, read from the daily sums, and what that makes of each figure.

Spans follow each other without a gap, and all that came before the first is one of its own: what stands at
the end of a span is what stood at its beginning and what moved in it. docs/numbers.md defines each figure.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from itertools import accumulate
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, and_, case, func, select

from overseer_payment import tables
from overseer_payment.ledger.counting import Counting
from overseer_payment.ledger.recurring import monthly

SUMS = ("gross", "refunded", "disputed")
_MONEY = (*SUMS, "payments", "failed_payments")
_PEOPLE = ("started", "ended", "joined", "departed")


@dataclass(slots=True)
class Moved:
    """What one span added and took, in one currency. Recurring revenue is an exact fraction."""

    added: Fraction = Fraction(0)
    lost: Fraction = Fraction(0)
    counts: Counter[str] = field(default_factory=Counter)

    def recurs(self, row: RowMapping, counting: Counting) -> None:
        """Add what one account's sums of one billing interval make a month."""
        factor = counting.factor(row["account_id"], row["currency"])
        self.added += factor * monthly(int(row["added"]), row["interval"], row["interval_count"])
        self.lost += factor * monthly(int(row["lost"]), row["interval"], row["interval_count"])

    def counted(self, row: RowMapping, names: Sequence[str], counting: Counting) -> None:
        """Add one account's sums and counts of these names."""
        factor = counting.factor(row["account_id"], row["currency"])
        for name in names:
            self.counts[name] += int(row[name]) * (factor if name in SUMS else 1)

    def and_then(self, later: Moved) -> Moved:
        """This span and the next as one."""
        counts = Counter(self.counts)
        counts.update(later.counts)
        return Moved(self.added + later.added, self.lost + later.lost, counts)

    @property
    def left(self) -> Fraction:
        """What recurs a month of what was added."""
        return self.added - self.lost


@dataclass(frozen=True, slots=True)
class Spans:
    """Of which accounts, and which days: spans begin on `starts`, the last one ends with `until`."""

    account_ids: Sequence[int]
    starts: Sequence[date]
    until: date
    currency: str | None
    counting: Counting

    def read(self, connection: Connection) -> dict[str, list[Moved]]:
        """Per currency all that came before, then each span; three questions, however many spans there are.

        A currency that is asked for is there even if nothing moved in it.
        """
        found: dict[str, list[Moved]] = defaultdict(lambda: [Moved() for _ in range(len(self.starts) + 1)])
        for row in self._rows(connection, tables.recurring, ("added", "lost")):
            found[row["currency"]][row["span"]].recurs(row, self.counting)
        for row in self._rows(connection, tables.subscriber, _PEOPLE):
            found[row["currency"]][row["span"]].counted(row, _PEOPLE, self.counting)
        recent = tables.total.c.day >= self.starts[0]
        for row in self._rows(connection, tables.total, _MONEY, recent):
            found[row["currency"]][row["span"]].counted(row, _MONEY, self.counting)
        return dict(found) if self.currency is None else {self.currency: found[self.currency]}

    def _rows(
        self, connection: Connection, table: Table, names: Sequence[str], *where: ColumnElement[bool]
    ) -> Sequence[RowMapping]:
        ends = [(table.c.day < start, number) for number, start in enumerate(self.starts)]
        span = case(*ends, else_=len(self.starts)).label("span")
        keys = [column for column in table.primary_key if column.name != "day"]
        sums = [func.sum(table.c[name]).label(name) for name in names]
        # A provider's clock may be ahead of ours: what is told of days to come belongs to no span yet.
        told = and_(table.c.account_id.in_(self.account_ids), table.c.day <= self.until, *where)
        query = select(span, *keys, *sums).where(told).group_by(span, *keys)
        if self.currency is not None:
            query = query.where(table.c.currency == self.currency)
        return connection.execute(query).mappings().all()


def course(moved: Sequence[Moved]) -> Iterator[dict[str, Any]]:
    """The figures of each span after the first, which is all that came before."""
    before = accumulate(moved, Moved.and_then)
    return (_figures(so_far, span) for so_far, span in zip(before, moved[1:], strict=False))


def _figures(before: Moved, span: Moved) -> dict[str, Any]:
    now, counts = before.and_then(span), span.counts
    return {
        "mrr": round(now.left),
        "mrr_before": round(before.left),
        "new_mrr": round(span.added),
        "churned_mrr": round(span.lost),
        "revenue_churn_rate": _rate(span.lost, before.left + span.added),
        **_people(before.counts, counts, now),
        "net": counts["gross"] - counts["refunded"] - counts["disputed"],
        "failed_payment_rate": _rate(
            counts["failed_payments"], counts["payments"] + counts["failed_payments"]
        ),
        **{name: counts[name] for name in _MONEY},
    }


def _people(before: Mapping[str, int], counts: Mapping[str, int], now: Moved) -> dict[str, Any]:
    customers = now.counts["joined"] - now.counts["departed"]
    return {
        "arpu": round(now.left / customers) if customers else None,
        "subscriptions": now.counts["started"] - now.counts["ended"],
        "customers": customers,
        "new_customers": counts["joined"],
        "churned_customers": counts["departed"],
        "churn_rate": _rate(counts["departed"], before["joined"] - before["departed"] + counts["joined"]),
    }


def _rate(part: int | Fraction, whole: int | Fraction) -> float | None:
    """To four digits, rounded once; None where there is nothing to have a share of."""
    return float(round(Fraction(part) / whole, 4)) if whole else None
