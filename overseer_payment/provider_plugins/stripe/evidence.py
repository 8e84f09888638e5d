"""What Stripe takes as evidence, read from the installed SDK's own types, so that it can't fall behind.

Importing this module imports the SDK: it is imported when the first dispute is answered or looked at.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Literal, TypeAlias

from stripe import Dispute
from stripe.params import DisputeModifyParams, DisputeModifyParamsEvidence

from overseer_payment.errors import Invalid
from overseer_payment.provider import Evidence, EvidenceField, EvidenceForm
from overseer_payment.provider_plugins.stripe.translate import fields as f

LEFT_OUT = frozenset({"enhanced_evidence"})
"""Programmes of card networks with forms of their own, which are filled in in Stripe's Dashboard."""

LARGEST_FILE = 5 * 1024 * 1024
"""Page "File upload guide", purpose `dispute_evidence`; the types too."""

_TYPES = ("application/pdf", "image/png", "image/jpeg")
# Page "Update a dispute": each field and all of them together.
_LONGEST, _LONGEST_TOGETHER = 20_000, 150_000
_APPEAL = "appeal.card."
_FORMS = {"id": "ID", "ip": "IP address"}

_Kind: TypeAlias = Literal["text", "file", "files"]


@cache
def form() -> EvidenceForm:
    """Every field of Stripe's, in its own order: what a dispute's answer takes, then an appeal's."""
    plain = [name for name in DisputeModifyParamsEvidence.__annotations__ if name not in LEFT_OUT]
    fields = [_field(name, _kind(Dispute.Evidence, name)) for name in plain if name != "appeal"]
    card = Dispute.Evidence.Appeal.Card
    names = [name for name in card.__annotations__ if not name.startswith("_")]
    fields += [_field(f"{_APPEAL}{name}", _kind(card, name)) for name in names]
    return EvidenceForm(
        fields=tuple(fields),
        longest_together=_LONGEST_TOGETHER,
        file_types=_TYPES,
        largest_file=LARGEST_FILE,
    )


def _kind(owner: type, name: str) -> _Kind:
    """A file is a field whose answer may hold a File in place of its id."""
    members = list(_members(owner.__annotations__[name]))
    if any(typing.get_origin(member) is list for member in members):
        return "files"
    return "file" if any(getattr(m, "__forward_arg__", m) == "File" for m in members) else "text"


def _members(annotation: Any) -> Iterator[Any]:
    inside = typing.get_args(annotation) if typing.get_origin(annotation) is typing.Union else ()
    for member in inside:
        yield from _members(member)
    if not inside:
        yield annotation


def _field(name: str, kind: _Kind) -> EvidenceField:
    words = [_FORMS.get(word, word) for word in name.removeprefix(_APPEAL).split("_")]
    title = " ".join(words)
    return EvidenceField(
        name=name,
        title=title[0].upper() + title[1:],
        kind=kind,
        longest=_LONGEST if kind == "text" else None,
        appeal=name.startswith(_APPEAL),
    )


def parameters(evidence: Evidence, *, submit: bool) -> DisputeModifyParams:
    """Parameters that stage `evidence`, or submit it. `submit` is always said: left out it means true."""
    known = {field.name: field for field in form().fields}
    plain: dict[str, Any] = {}
    appeal: dict[str, Any] = {}
    for name, value in evidence.items():
        if name not in known:
            raise Invalid(f"Stripe takes no evidence called {name[:40]!r}.")
        several = known[name].kind == "files"
        told = _ids(value) if several else value
        if known[name].appeal:
            appeal[name.removeprefix(_APPEAL)] = told
        else:
            plain[name] = told
    if appeal:
        plain["appeal"] = {"card": appeal}
    params: DisputeModifyParams = {"submit": submit}
    if plain:
        params["evidence"] = plain  # type: ignore[typeddict-item]  # built by name; a test holds it against the type
    return params


def _ids(value: str | Sequence[str]) -> list[str] | str:
    return (value and [value]) if isinstance(value, str) else (list(value) or "")


def staged(dispute: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """What stands in the fields of a dispute's JSON; empty ones are left out."""
    evidence = f.inner(dispute, "evidence")
    card = f.inner(evidence, "appeal", "card")
    found: dict[str, str | list[str]] = {}
    for field in form().fields:
        source, name = (card, field.name.removeprefix(_APPEAL)) if field.appeal else (evidence, field.name)
        if field.kind == "files":
            ids = source.get(name)
            found[field.name] = [id for id in ids if isinstance(id, str)] if isinstance(ids, list) else []
        else:
            found[field.name] = (f.reference if field.kind == "file" else f.text)(source, name) or ""
    return {name: value for name, value in found.items() if value}
