"""How money, moments and numbers are written, once for all pages.

Moments are UTC and say so; relative words carry the exact moment with them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from markupsafe import Markup

from overseer_payment import pricing
from overseer_payment.errors import PaymentError
from overseer_payment.money import ISO, CurrencyTable, UnitAmount, counted

if TYPE_CHECKING:
    from overseer_payment.schemas import PriceRow, SubscriptionItemRow, SubscriptionRow


class Summed(Protocol):
    """What says in which unit its sums are: `schemas.Summed`, and what is made of it."""

    @property
    def currency(self) -> str: ...

    @property
    def exponent(self) -> int | None: ...


_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@dataclass(frozen=True, slots=True)
class Formatter:
    """Writes values for people as of `now`. `tables` gives a provider's currency rule."""

    tables: Callable[[str], CurrencyTable]
    now: datetime

    def table(self, provider: str | None) -> CurrencyTable:
        """The currency rule of a provider; ISO 4217 for one that is no longer installed."""
        if provider is None:
            return ISO
        try:
            return self.tables(provider)
        except PaymentError:
            return ISO

    def money(self, amount: int, currency: str, provider: str | None = None) -> str:
        """`amount` minor units with its currency: `"12,345.67 USD"`."""
        return self._writer(currency, provider)(amount)

    def sum(self, amount: int, of: Summed) -> str:
        """A sum over accounts, in the unit that it says it is in."""
        try:
            return counted(of.currency, of.exponent).format(amount, of.currency)
        except PaymentError:
            return self.money(amount, of.currency)

    def price(self, priced: PriceRow | SubscriptionItemRow, currency: str, provider: str | None) -> str:
        """What one piece costs, as `pricing.each` puts it."""
        return pricing.each(priced, self._writer(currency, provider))

    def option(self, price: PriceRow, currency: str, provider: str | None) -> str:
        """The same in one of the currencies in which it can be paid."""
        amounts = {one.currency: one.each for one in price.currencies}
        amount = price.each if currency == price.currency else amounts.get(currency)
        return pricing.piece(amount, price.scheme, price.package, self._writer(currency, provider))

    def recurring(self, row: SubscriptionRow) -> str:
        """What a subscription comes to in one interval, as `pricing.total` puts it."""
        return pricing.total(row, self._writer(row.currency, row.provider))

    def _writer(self, currency: str, provider: str | None) -> pricing.Write:
        def write(amount: UnitAmount) -> str:
            try:
                return self.table(provider).unit(amount, currency)
            except PaymentError:
                # A code that no table knows must not take the page down; the raw count is still true.
                return f"{_grouped(amount)} {currency.upper()} (minor units)"

        return write

    def axis(self, amount: int, of: Summed) -> str:
        """`amount` as a short label beside a chart: `"12.5k"`, without its currency."""
        try:
            major = counted(of.currency, of.exponent).decimal(amount, of.currency)
        except PaymentError:
            major = Decimal(amount)
        size = abs(major)
        for limit, unit, letter in ((10**9, 10**9, "B"), (10**6, 10**6, "M"), (10**4, 10**3, "k")):
            if size >= limit:
                return f"{_plain(major / unit)}{letter}"
        return _plain(major)

    def number(self, value: int) -> str:
        """`1234` → `"1,234"`, with a real minus sign."""
        return _grouped(value)

    def share(self, value: float | None) -> str:
        """A share between 0 and 1: `0.0312` → `"3.1 %"`; a dash for one that has no meaning."""
        return "\u2014" if value is None else f"{value * 100:.1f}\u2009%"

    def exact(self, moment: datetime) -> str:
        """`"23 Nov 2026, 12:23 UTC"`."""
        utc = moment.astimezone(UTC)
        return f"{utc.day} {utc:%b %Y, %H:%M} UTC"

    def day(self, moment: date | datetime) -> str:
        """`"23 Nov 2026"`, and `"23 Nov"` within this year."""
        utc = moment.astimezone(UTC).date() if isinstance(moment, datetime) else moment
        return f"{utc.day} {utc:%b}" if utc.year == self.now.year else f"{utc.day} {utc:%b %Y}"

    def span(self, seconds: float) -> str:
        """`93_840` → `"1 day"`: in the largest unit that it fills, rounded down."""
        if seconds < _MINUTE:
            return f"{int(seconds)} s"
        count, unit = _largest_unit(seconds)
        return f"{count:,} {unit}"

    def when(self, moment: datetime) -> Markup:
        """Relative words, with the exact moment on hover and for machines."""
        return _time(moment, relative(moment, self.now), self.exact(moment))

    def on(self, moment: datetime) -> Markup:
        """The day, with the exact moment on hover and for machines."""
        return _time(moment, self.day(moment), self.exact(moment))


def _grouped(value: UnitAmount) -> str:
    return f"{value:,}".replace("-", "\u2212")


def _plain(value: Decimal) -> str:
    """Exactly, without trailing zeros."""
    text = f"{value:,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "\u2212")


def _time(moment: datetime, words: str, exact: str) -> Markup:
    machine = moment.astimezone(UTC).isoformat(timespec="seconds")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(machine, exact, words)


def relative(moment: datetime, now: datetime) -> str:
    """`"3 min ago"`, `"in 2 days"`; beyond four weeks the day itself."""
    away = now - moment
    seconds = abs(away.total_seconds())
    if seconds < _MINUTE:
        return "just now"
    if seconds >= 28 * _DAY:
        return _far(moment, now)
    count, unit = _largest_unit(seconds)
    words = f"{count} {unit}"
    return f"{words} ago" if away > timedelta() else f"in {words}"


def _largest_unit(seconds: float) -> tuple[int, str]:
    if seconds < _HOUR:
        return int(seconds // _MINUTE), "min"
    if seconds < _DAY:
        return int(seconds // _HOUR), "h"
    days = int(seconds // _DAY)
    return days, "day" if days == 1 else "days"


def _far(moment: datetime, now: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%b}" if utc.year == now.year else f"{utc.day} {utc:%b %Y}"
