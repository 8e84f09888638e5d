"""Texts as they are looked up: by their beginning, whatever their case."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_

from overseer_payment.tables.columns import KEY_LENGTH

_LAST = "\U0010ffff"  # no text goes on with anything later


def folded(text: str | None) -> str | None:
    """`text` as its key: without case and surrounding blanks, cut; None for nothing to be found by."""
    return (text or "").strip().casefold()[:KEY_LENGTH] or None


def begins(key: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Does the text of `key` begin with `text`? A range of its index, on every database."""
    beginning = folded(text) or ""
    return and_(key >= beginning, key < beginning + _LAST)
