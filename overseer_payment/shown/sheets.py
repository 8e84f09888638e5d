"""Rows as the text of a file: CSV that is safe to open in a spreadsheet, or JSON lines.

Both have the same columns: the fields that REST answers, and beside each sum in minor units (`amount`) the
same sum in major units (`amount_decimal`), exactly.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from overseer_payment.errors import Invalid
from overseer_payment.money import CurrencyTable
from overseer_payment.schemas.exports import ExportFormat

Tables = Callable[[str], CurrencyTable]

# What a spreadsheet takes for the beginning of a formula; the last four are the same signs in full width.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_DECIMAL = "_decimal"


def columns(row: type[BaseModel], money: Sequence[str]) -> list[str]:
    """The names of all columns, in their order."""
    return [name for field in row.model_fields for name in (field, *([field + _DECIMAL] * (field in money)))]


def header(row: type[BaseModel], money: Sequence[str], format: ExportFormat) -> str:
    """What comes before the first row: in CSV the names of the columns."""
    return _line(columns(row, money)) if format == "csv" else ""


def lines(rows: Iterable[BaseModel], money: Sequence[str], tables: Tables, format: ExportFormat) -> str:
    """`rows` as whole lines. `tables` knows how a provider counts money."""
    found = (_values(row, money, tables) for row in rows)
    if format == "csv":
        return "".join(_line(map(_cell, values.values())) for values in found)
    return "".join(json.dumps(values, ensure_ascii=False) + "\n" for values in found)


def _values(row: BaseModel, money: Sequence[str], tables: Tables) -> Mapping[str, Any]:
    told, values = row.model_dump(mode="json"), {}
    for name, value in told.items():
        values[name] = value
        if name in money:
            values[name + _DECIMAL] = _decimal(value, told["currency"], tables(told["provider"]))
    return values


def _decimal(amount: int, currency: str, table: CurrencyTable) -> str | None:
    try:
        return f"{table.decimal(amount, currency):f}"
    except Invalid:  # a currency that nobody knows has no major unit
        return None


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False)
    # Strangers write names and descriptions: behind an apostrophe a formula is a text. Sums are ours.
    if isinstance(value, str) and value.startswith(_FORMULA) and not _is_sum(value):
        return f"'{value}"
    return str(value)


def _is_sum(text: str) -> bool:
    return text[0] == "-" and text[1:].replace(".", "", 1).isdecimal()


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
