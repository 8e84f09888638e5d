"""The provider's form of evidence, in an order that a person can work through."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from overseer_payment.cards.flows import Fact

if TYPE_CHECKING:
    from overseer_payment.schemas import DisputeDetail, EvidenceFieldRow

PREFIX = "say."
"""Before the names of fields, so that none of a provider's meets one of ours."""
_GENERAL = "General"
_CLIPPED = 400
_SHORT = ("number", "carrier", "date", "name", "address", "id", "ip")
# By words of the reason, what convinces a bank: first words of fields, as providers write them.
_MATTERS = {
    "received": {"shipping", "service"},
    "fraud": {"customer", "access", "billing"},
    "unrecognized": {"customer", "access", "product"},
    "recognize": {"customer", "access", "product"},
    "duplicate": {"duplicate"},
    "canceled": {"cancellation", "access"},
    "credit": {"refund"},
    "unacceptable": {"product", "refund"},
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One text that the provider asks for, and what is staged in it."""

    name: str
    title: str
    value: str
    longest: int
    short: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Texts that belong together; those that matter for the reason come first and unfolded."""

    title: str
    fields: list[Asked]
    matters: bool

    @property
    def filled(self) -> int:
        """How many of them say something."""
        return sum(bool(field.value) for field in self.fields)


def groups(row: DisputeDetail) -> list[Group]:
    """The texts of the form by what they are about, by the first words of their titles."""
    texts = [field for field in row.form.fields if field.kind == "text"] if row.form else []
    common = Counter(_first(field) for field in texts)
    found: dict[str, list[EvidenceFieldRow]] = {}
    for field in texts:
        title = field.title.split()[0] if common[_first(field)] > 1 else _GENERAL
        found.setdefault(title, []).append(field)
    wanted = _wanted(row.reason or "")
    made = [
        Group(title, [_asked(row, field) for field in fields], any(_first(f) in wanted for f in fields))
        for title, fields in found.items()
    ]
    if not any(group.matters for group in made):
        made = [Group(one.title, one.fields, one.title == _GENERAL) for one in made]
    return sorted(made, key=lambda group: (not group.matters, group.title == _GENERAL))


def files(row: DisputeDetail) -> list[tuple[str, str]]:
    """The fields that take files, as (name, title)."""
    asked = row.form.fields if row.form else []
    return [(field.name, field.title) for field in asked if field.kind != "text"]


def staged(row: DisputeDetail) -> list[Fact]:
    """What has been said so far, by the titles of the form."""
    titles = {field.name: field for field in row.form.fields} if row.form else {}
    return [
        Fact(titles[name].title if name in titles else name, _told(titles.get(name), value))
        for name, value in row.evidence.items()
    ]


def digest(row: DisputeDetail) -> str:
    """Another one whenever what is staged is another: what was shown is what may be submitted."""
    text = json.dumps(row.evidence, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _told(field: EvidenceFieldRow | None, value: str | Sequence[str]) -> str:
    if not isinstance(value, str):
        return f"{len(value)} files attached" if len(value) != 1 else "1 file attached"
    if field is not None and field.kind != "text":
        return "1 file attached"
    return value if len(value) <= _CLIPPED else f"{value[:_CLIPPED]}…"


def _asked(row: DisputeDetail, field: EvidenceFieldRow) -> Asked:
    value = row.evidence.get(field.name, "")
    short = field.name.rpartition("_")[2] in _SHORT
    return Asked(
        field.name, field.title, value if isinstance(value, str) else "", field.longest or 20_000, short
    )


def _first(field: EvidenceFieldRow) -> str:
    return field.title.split()[0].lower()


def _wanted(reason: str) -> set[str]:
    return {word for part, words in _MATTERS.items() if part in reason for word in words}
