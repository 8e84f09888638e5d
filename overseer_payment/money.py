"""Money: integers in minor units, and the one place that knows how many there are in a unit.

A provider's rule may differ from ISO 4217, so everything here hangs on a `CurrencyTable`:
`CurrencyTable()` is ISO 4217 itself, a provider's plugin passes its own exceptions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache
from math import floor
from typing import TypeAlias

from overseer_payment.errors import Invalid

_CODE = re.compile(r"[A-Za-z]{3}\Z")
_TYPED = re.compile(r"[0-9]+(?:\.[0-9]+)?\Z")
_MINUS = "\u2212"  # the sign a person reads; exports use the plain hyphen
_WITHDRAWN = frozenset({"ANG", "BGN", "EEK", "HRK", "LTL", "LVL", "MRO", "SLL", "STD"})  # all had two digits
_MAX_DIGITS = 18  # what a BIGINT column holds, with room for sums
_MAX_DECIMALS = 30  # of a minor unit; Stripe takes 12
_EXACT = Context(prec=_MAX_DIGITS + 2 * _MAX_DECIMALS)

UnitAmount: TypeAlias = int | Decimal
"""What one piece costs, in minor units: an int, or a Decimal where it is a fraction of one."""


def unit_amount(value: UnitAmount | str) -> UnitAmount:
    """One way of writing each price of a piece: `"5.0"` → `5`, `"0.50"` → `Decimal("0.5")`.

    Raises Invalid for what is no number of a size that can be kept; a float is none: it has lost digits.
    """
    if type(value) is int:
        return value
    if not isinstance(value, Decimal | str):
        raise Invalid("The price of a piece is an integer, a Decimal or a text of digits.")
    try:
        exact = Decimal(value)
    except InvalidOperation:
        raise Invalid("The price of a piece is not a number.") from None
    # Looked at before it is written out: 1E+999999999 is short only like this.
    sized = exact.is_finite() and exact.adjusted() < _MAX_DIGITS
    if not sized or int(exact.as_tuple().exponent) < -_MAX_DECIMALS:
        raise Invalid("The price of a piece has more digits than can be kept.")
    whole, _, fraction = f"{exact:f}".partition(".")
    fraction = fraction.rstrip("0")
    return Decimal(f"{whole}.{fraction}") if fraction else int(whole)


def times(each: UnitAmount, quantity: int) -> int:
    """`quantity` pieces in whole minor units: multiplied exactly, then rounded once, half up.

    That is how a line of an invoice comes about at Stripe ("Decimal amounts for pricing").
    """
    return floor(Fraction(each) * quantity + Fraction(1, 2))


@dataclass(frozen=True, slots=True)
class CurrencyTable:
    """Exponents and granularity of currencies, by one provider's rule.

    `exponents` holds what differs from ISO 4217 (Stripe: ISK 2, UGX 2, MGA 0); `granularity` the
    smallest step that may be charged, in minor units (Stripe: ISK 100, KWD 10). Keys are upper case.
    """

    exponents: Mapping[str, int] = field(default_factory=dict)
    granularity: Mapping[str, int] = field(default_factory=dict)

    def exponent(self, currency: str) -> int:
        """How many decimal digits the minor unit of `currency` stands for. Raises Invalid if unknown."""
        code = currency_code(currency)
        own = self.exponents.get(code)
        return iso_exponent(code) if own is None else own

    def step(self, currency: str) -> int:
        """The smallest chargeable step, in minor units."""
        return self.granularity.get(currency_code(currency), 1)

    def decimal(self, amount: int, currency: str) -> Decimal:
        """`amount` minor units as an exact number of major units."""
        return Decimal(amount).scaleb(-self.exponent(currency))

    def digits(self, amount: int, currency: str) -> int:
        """Decimals to show: ISO 4217's, or the provider's own where ISO's would hide something."""
        code = currency_code(currency)
        shown, kept = iso_exponent(code), self.exponent(code)
        if shown >= kept:
            return kept
        return shown if amount % 10 ** (kept - shown) == 0 else kept

    def format(self, amount: int, currency: str) -> str:
        """`1234567, "usd"` → `"12,345.67 USD"`. Exact, never rounded; a real minus sign for people."""
        text = f"{abs(self.decimal(amount, currency)):,.{self.digits(amount, currency)}f}"
        return f"{_MINUS if amount < 0 else ''}{text} {currency.upper()}"

    def unit(self, amount: UnitAmount, currency: str) -> str:
        """What one piece costs, with every digit: `Decimal("0.5"), "usd"` → `"0.005 USD"`."""
        if isinstance(amount, int):
            return self.format(amount, currency)
        exact = amount.scaleb(-self.exponent(currency), _EXACT)
        return f"{_MINUS if amount < 0 else ''}{exact.copy_abs():,f} {currency.upper()}"

    def plain(self, amount: int, currency: str) -> str:
        """`1234567, "usd"` → `"12345.67"`, for exports and for form fields. Parses back exactly."""
        return f"{self.decimal(amount, currency):.{self.digits(amount, currency)}f}"

    def parse(self, text: str, currency: str) -> int:
        """What a person typed, in major units, as minor units: `"5.00", "usd"` → `500`.

        Takes digits with an optional decimal point, nothing else: a comma is a thousands separator
        for some and a decimal point for others. Raises Invalid, naming what is wrong.
        """
        code, typed = currency_code(currency), text.strip()
        if not _TYPED.match(typed):
            raise Invalid(
                f"{typed[:40]!r} is not an amount. Write it like 12.50, without sign or separators."
            )
        whole, _, fraction = typed.partition(".")
        fraction = fraction.rstrip("0")
        if len(fraction) > self.exponent(code):
            raise Invalid(f"{code} has {self._places(code)}; {typed[:40]} has more.")
        # Digits, not Decimal: its context would round the thirtieth away, and `int` refuses the 4,301st.
        digits = (whole + fraction.ljust(self.exponent(code), "0")).lstrip("0") or "0"
        if len(digits) > _MAX_DIGITS:
            raise Invalid("That amount is too large.")
        return self.check(int(digits), code)

    def check(self, amount: int, currency: str) -> int:
        """Return `amount` if it is a chargeable sum of `currency`; raises Invalid otherwise."""
        step = self.step(currency)
        if amount % step:
            least = self.plain(step, currency)
            raise Invalid(f"Amounts in {currency.upper()} go in steps of {least}.")
        return amount

    def _places(self, code: str) -> str:
        count = self.exponent(code)
        return {0: "no decimals", 1: "one decimal"}.get(count, f"{count} decimals")


@lru_cache(maxsize=512)
def currency_code(currency: str) -> str:
    """The ISO 4217 code in upper case. Raises Invalid for what can't be one."""
    if not _CODE.match(currency):
        raise Invalid(f"{currency[:10]!r} is not a currency code. Use three letters, like USD.")
    return currency.upper()


@lru_cache(maxsize=512)
def iso_exponent(code: str) -> int:
    """ISO 4217's exponent of an upper-case code. Raises Invalid for a code it doesn't list.

    Codes withdrawn since still stand in old payments and keep their digits.
    """
    from iso4217 import Currency  # imported when first needed: 20 ms

    if code in _WITHDRAWN:
        return 2
    try:
        exponent = Currency(code).exponent
    except ValueError:
        raise Invalid(f"{code} is not a currency that ISO 4217 lists.") from None
    return 2 if exponent is None else exponent


ISO = CurrencyTable()


@lru_cache(maxsize=512)
def counted(currency: str, exponent: int | None) -> CurrencyTable:
    """How to write a sum whose minor unit has so many decimal digits; None: as ISO 4217 has it."""
    return ISO if exponent is None else CurrencyTable({currency.upper(): exponent})
