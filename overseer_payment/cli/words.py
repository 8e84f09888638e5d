"""How amounts, moments and states read on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from overseer_payment import pricing
from overseer_payment.cli.output import Cell
from overseer_payment.errors import Invalid
from overseer_payment.money import counted

if TYPE_CHECKING:
    from overseer_payment.money import CurrencyTable, UnitAmount
    from overseer_payment.schemas import PriceOptionRow, PriceRow, SubscriptionItemRow, SubscriptionRow
    from overseer_payment.service import Payments

_GOOD, _WAITING, _BAD, _OVER = "green", "yellow", "red", "dim"
STYLES = {
    **dict.fromkeys(("succeeded", "active", "trialing", "paid", "complete", "ready", "ok", "won"), _GOOD),
    **dict.fromkeys(
        ("pending", "incomplete", "past_due", "paused", "open", "not_configured", "warning"), _WAITING
    ),
    **dict.fromkeys(("needs_response", "under_review", "partially_refunded", "attempted"), _WAITING),
    **dict.fromkeys(("failed", "unpaid", "broken", "blocked", "error", "lost", "uncollectible"), _BAD),
    **dict.fromkeys(("sending", "unknown", "appeal_needs_response", "appeal_under_review"), _WAITING),
    "applied": _GOOD,
    "dead": _BAD,
    "ignored": _OVER,
    **dict.fromkeys(("canceled", "refunded", "incomplete_expired", "expired", "closed", "void"), _OVER),
    "prevented": _OVER,
}
_STEPS = ((60, "s", 1), (3600, "min", 60), (86400, "h", 3600), (7 * 86400, "d", 86400))


class Amounts:
    """Formats amounts in minor units by the rule of the provider that counted them."""

    def __init__(self, payments: Payments, providers: Iterable[str]) -> None:
        self._tables = {key: payments.currencies(key) for key in set(providers)}

    def table(self, provider: str) -> CurrencyTable:
        """The provider's currency rule."""
        return self._tables[provider]

    def text(self, provider: str, amount: int, currency: str) -> str:
        """`"1,234.50 USD"`; an amount of a currency nobody knows is shown as it is stored."""
        return self._unit(provider, amount, currency)

    def price(self, provider: str, priced: PriceRow | SubscriptionItemRow, currency: str) -> str:
        """What one piece costs, as `pricing.each` puts it."""
        return pricing.each(priced, lambda amount: self._unit(provider, amount, currency))

    def option(self, provider: str, price: PriceRow, other: PriceOptionRow) -> str:
        """The same in one of its other currencies."""
        code = other.currency
        return pricing.piece(
            other.each, price.scheme, price.package, lambda amount: self._unit(provider, amount, code)
        )

    def recurring(self, row: SubscriptionRow) -> str:
        """What a subscription comes to in one interval, as `pricing.total` puts it."""
        return pricing.total(row, lambda amount: self._unit(row.provider, amount, row.currency))

    def _unit(self, provider: str, amount: UnitAmount, currency: str) -> str:
        try:
            return self._tables[provider].unit(amount, currency)
        except Invalid:
            return f"{amount} {currency.upper()} (minor units)"

    def cell(self, provider: str, amount: int, currency: str, style: str = "") -> Cell:
        """The same for a table; programs get an ASCII minus."""
        return sum_cell(self.text(provider, amount, currency), style)


def summed(amount: int, currency: str, exponent: int | None, style: str = "") -> Cell:
    """A sum over accounts, in the unit that it says it is in."""
    try:
        text = counted(currency, exponent).format(amount, currency)
    except Invalid:
        text = f"{amount} {currency.upper()} (minor units)"
    return sum_cell(text, style)


def bare(amount: int, currency: str, exponent: int | None) -> Cell:
    """The same without the currency's code, below a title that says it."""
    written = summed(amount, currency, exponent)
    cut = [text.removesuffix(f" {currency.upper()}") for text in (written.text, written.plain or "")]
    return Cell(cut[0], plain=cut[1])


def sum_cell(text: str, style: str = "") -> Cell:
    """A written amount for a table; programs get an ASCII minus."""
    return Cell(text, style, plain=text.replace("\u2212", "-"))


def state(word: str) -> Cell:
    """A status word in its colour; programs get it as the API spells it."""
    return Cell(word.replace("_", " "), STYLES.get(word, ""), plain=word)


def moment(at: datetime | None, *, now: datetime | None = None) -> Cell:
    """`3 h ago` for the last and next days, else the day (UTC). Programs get ISO 8601."""
    if at is None:
        return Cell("")
    return Cell(relative(at, now or datetime.now(UTC)), plain=iso(at))


def relative(at: datetime, now: datetime) -> str:
    """How long ago, or how soon, in the largest unit that is not zero."""
    seconds = int((now - at).total_seconds())
    size = abs(seconds)
    if size < 5:
        return "just now"
    for limit, unit, one in _STEPS:
        if size < limit:
            return f"{size // one} {unit} ago" if seconds > 0 else f"in {size // one} {unit}"
    return f"{at.astimezone(UTC):%Y-%m-%d}"


def exact(at: datetime | None) -> str | None:
    """`2026-11-23 14:05 UTC`."""
    return None if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def iso(at: datetime) -> str:
    """`2026-11-23T14:05:09Z`."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def mode(livemode: bool) -> Cell:
    """Test or live, live standing out."""
    return Cell("live mode", "bold red") if livemode else Cell("test mode", "yellow")


def cadence(interval: str | None, count: int = 1) -> str:
    """`month`, `3 months`, or nothing for a one-off."""
    if not interval:
        return ""
    return interval if count == 1 else f"{count} {interval}s"


def person(name: str | None, email: str | None) -> str:
    """A customer in one piece, as far as known."""
    return f"{name} <{email}>" if name and email else name or email or ""
