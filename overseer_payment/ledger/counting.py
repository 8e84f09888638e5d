"""Adding what several accounts sum up in one currency.

Each provider counts in minor units of its own: a hundred ISK are 100 to one that goes by ISO 4217 and 10000
to one that keeps two digits. They are added in the finest unit among them, so that nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from overseer_payment.errors import Invalid
from overseer_payment.money import CurrencyTable


@dataclass(frozen=True, slots=True)
class Counting:
    """How each account's provider counts money, by our id of the account. Without any: all alike."""

    tables: Mapping[int, CurrencyTable] = field(default_factory=dict)

    def exponent(self, currency: str) -> int | None:
        """Decimal digits of the unit that sums are in; None for a code that nobody knows."""
        known = [_exponent(table, currency) for table in self.tables.values()]
        return max((digits for digits in known if digits is not None), default=None)

    def exponents(self, currencies: Iterable[str]) -> dict[str, int]:
        """The same of each of these that is known."""
        found = ((currency, self.exponent(currency)) for currency in currencies)
        return {currency: digits for currency, digits in found if digits is not None}

    def factor(self, account_id: int, currency: str) -> int:
        """By what that account's amounts are multiplied before they are added."""
        table, finest = self.tables.get(account_id), self.exponent(currency)
        own = None if table is None else _exponent(table, currency)
        return 1 if own is None or finest is None else 10 ** (finest - own)


ALIKE = Counting()


def _exponent(table: CurrencyTable, currency: str) -> int | None:
    try:
        return table.exponent(currency)
    except Invalid:
        return None
