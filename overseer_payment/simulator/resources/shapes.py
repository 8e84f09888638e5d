"""Small shapes and rules that several resources share: addresses, metadata, amounts, empty parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from overseer_payment.simulator.errors import SimError

Json = dict[str, Any]

# Stripe's page "Supported currencies". The simulator keeps its own copy: what it judges must not share it.
_ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
_THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())
_TWO_DECIMAL = frozenset(
    """
    aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny
    cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk
    jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio
    nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs
    top try ttd twd tzs uah ugx usd uyu uzs wst xcd yer zar zmw
    """.split()
)
_STEP = {"isk": 100, "ugx": 100} | dict.fromkeys(_THREE_DECIMAL, 10)

# The same page: the least that can be charged, in minor units.
_MINIMUM = {
    "usd": 50, "eur": 50, "aud": 50, "cad": 50, "chf": 50, "nzd": 50, "sgd": 50, "brl": 50, "inr": 50,
    "zar": 50, "gbp": 30, "aed": 200, "myr": 200, "pln": 200, "ron": 200, "czk": 1500, "dkk": 250,
    "hkd": 400, "huf": 17500, "jpy": 50, "krw": 50, "mxn": 1000, "thb": 1000, "nok": 300, "sek": 300,
}  # fmt: skip
_MAXIMUM = 99_999_999
_METADATA_KEYS, _KEY_LENGTH, _VALUE_LENGTH = 50, 40, 500
DAY = 86_400


def address(given: Mapping[str, Any] | None = None) -> Json:
    """Return a complete address: absent lines are null."""
    names = ("city", "country", "line1", "line2", "postal_code", "state")
    return {name: (given or {}).get(name) or None for name in names}


def listed(url: str, data: Iterable[Json] = ()) -> Json:
    """Return a Stripe list object that is complete on one page."""
    return {"object": "list", "data": list(data), "has_more": False, "url": url}


def emptied(value: Any) -> Any:
    """Return null for the empty string, with which a request unsets a field."""
    return None if value == "" else value


def metadata(given: Any, before: Mapping[str, str] | None = None) -> Json:
    """Merge metadata as Stripe does: keys stay unless named, "" removes one or all."""
    if given == "":
        return {}
    merged = {key: value for key, value in {**(before or {}), **(given or {})}.items() if value != ""}
    if len(merged) > _METADATA_KEYS:
        raise SimError(400, "You can have up to 50 metadata keys.", param="metadata")
    for key, value in merged.items():
        if len(key) > _KEY_LENGTH or len(value) > _VALUE_LENGTH:
            raise SimError(
                400,
                f"Metadata keys have up to {_KEY_LENGTH} characters, values {_VALUE_LENGTH}: '{key[:40]}'.",
                param=f"metadata[{key[:40]}]",
            )
    return merged


def money(amount: int, currency: str) -> str:
    """Write an amount as Stripe's messages do: `$15.00`, `€15.00`, `¥1500`, else `15.00 KWD`."""
    plain = f"{Decimal(amount).scaleb(-exponent(currency)):.{exponent(currency)}f}"
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


def rounded(value: Decimal) -> int:
    """Round half away from zero to whole minor units."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def text_of(number: Decimal | int | str) -> str:
    """Write a decimal the way Stripe's `*_decimal` strings look: no exponent, no trailing zeros."""
    written = f"{Decimal(number):f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def refuse(message: str, *, code: str | None = None, param: str | None = None, status: int = 400) -> SimError:
    """Return the error for a request that is well formed and still can't be done."""
    return SimError(status, message, code=code, param=param)


def given(params: Mapping[str, Any], *names: str) -> Json:
    """Return the named parameters that the request sent; "" becomes null."""
    return {name: emptied(params[name]) for name in names if name in params}
