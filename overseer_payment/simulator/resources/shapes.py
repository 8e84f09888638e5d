"""Small shapes and rules that several resources share: addresses, metadata, amounts, empty parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from overseer_payment.simulator.errors import SimError

Json = dict[str, Any]

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
