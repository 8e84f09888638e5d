"""Amounts by Stripe's rules: currencies, their decimals, what is too little, and how messages write them.

The simulator keeps its own tables: what it is there to judge must not share them.
"""

from __future__ import annotations

from decimal import Decimal

from overseer_payment.simulator.errors import SimError

# Stripe's page "Supported currencies".
_ZERO_DECIMAL = frozenset(
    {
        "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
        "xof", "xpf",
    }
)  # fmt: skip
_THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
_TWO_DECIMAL = frozenset(
    {
        "aed", "afn", "all", "amd", "ang", "aoa", "ars", "aud", "awg", "azn", "bam", "bbd", "bdt",
        "bgn", "bmd", "bnd", "bob", "brl", "bsd", "bwp", "byn", "bzd", "cad", "cdf", "chf", "cny",
        "cop", "crc", "cve", "czk", "dkk", "dop", "dzd", "egp", "etb", "eur", "fjd", "fkp", "gbp",
        "gel", "gip", "gmd", "gtq", "gyd", "hkd", "hnl", "htg", "huf", "idr", "ils", "inr", "isk",
        "jmd", "kes", "kgs", "khr", "kyd", "kzt", "lak", "lbp", "lkr", "lrd", "lsl", "mad", "mdl",
        "mkd", "mmk", "mnt", "mop", "mur", "mvr", "mwk", "mxn", "myr", "mzn", "nad", "ngn", "nio",
        "nok", "npr", "nzd", "pab", "pen", "pgk", "php", "pkr", "pln", "qar", "ron", "rsd", "rub",
        "sar", "sbd", "scr", "sek", "sgd", "shp", "sle", "sos", "srd", "std", "szl", "thb", "tjs",
        "top", "try", "ttd", "twd", "tzs", "uah", "ugx", "usd", "uyu", "uzs", "wst", "xcd", "yer",
        "zar", "zmw",
    }
)  # fmt: skip
_STEP = {"isk": 100, "ugx": 100} | dict.fromkeys(_THREE_DECIMAL, 10)

# The same page: the least that can be charged, in minor units.
_MINIMUM = {
    "usd": 50, "eur": 50, "aud": 50, "cad": 50, "chf": 50, "nzd": 50, "sgd": 50, "brl": 50, "inr": 50,
    "zar": 50, "gbp": 30, "aed": 200, "myr": 200, "pln": 200, "ron": 200, "czk": 1500, "dkk": 250,
    "hkd": 400, "huf": 17500, "jpy": 50, "krw": 50, "mxn": 1000, "thb": 1000, "nok": 300, "sek": 300,
}  # fmt: skip
_MAXIMUM = 99_999_999


def money(amount: int | Decimal, currency: str) -> str:
    """Write an amount as Stripe's messages do: `$1,500.00`, `€15.00`, `¥1,500`, else `15.00 KWD`."""
    major = Decimal(amount).scaleb(-exponent(currency))
    plain = f"{major:,.{max(exponent(currency), -int(major.as_tuple().exponent))}f}"
    sign = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}.get(currency.lower())
    return f"{sign}{plain}" if sign else f"{plain} {currency.upper()}"


def exponent(currency: str) -> int:
    """Return how many decimals of `currency` the minor unit stands for, at Stripe."""
    return 0 if currency in _ZERO_DECIMAL else 3 if currency in _THREE_DECIMAL else 2


def known_currency(currency: str, *, param: str = "currency") -> str:
    """Return the currency in lower case. Raises SimError for one that Stripe does not list."""
    code = currency.lower()
    if code not in _TWO_DECIMAL | _ZERO_DECIMAL | _THREE_DECIMAL:
        message = f"Invalid currency: {code[:10]}. Stripe currently supports these currencies: usd, aed, …"
        raise SimError(400, message, param=param)
    return code


def chargeable(amount: int, currency: str, *, param: str = "amount") -> int:
    """Return the amount if Stripe would charge it. Raises SimError with Stripe's code otherwise."""
    least = _MINIMUM.get(currency, 1)
    if amount < least:
        raise SimError(
            400,
            f"Amount must be at least {money(least, currency)} {currency}",
            code="amount_too_small", param=param,
        )  # fmt: skip
    if amount > _MAXIMUM:
        raise SimError(
            400,
            f"Amount must be no more than {money(_MAXIMUM, currency)} {currency}",
            code="amount_too_large", param=param,
        )  # fmt: skip
    step = _STEP.get(currency, 1)
    if amount % step:
        raise SimError(
            400,
            f"Invalid amount: {currency} amounts must be a multiple of {step}.",
            code="invalid_charge_amount_no_decimal_compatible", param=param,
        )  # fmt: skip
    return amount
