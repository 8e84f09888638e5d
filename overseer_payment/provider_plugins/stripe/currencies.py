"""How Stripe counts money where it differs from ISO 4217 (documentation: "Supported currencies")."""

from __future__ import annotations

from overseer_payment.money import CurrencyTable

# ISK and UGX lost their decimals but are still sent in hundredths; MGA has fifths, Stripe counts none.
_EXPONENTS = {"ISK": 2, "UGX": 2, "MGA": 0}
# Hundredths that can't be used, and three-decimal currencies whose last digit must be zero.
_GRANULARITY = {"ISK": 100, "UGX": 100, "BHD": 10, "JOD": 10, "KWD": 10, "OMR": 10, "TND": 10}

CURRENCIES = CurrencyTable(exponents=_EXPONENTS, granularity=_GRANULARITY)
