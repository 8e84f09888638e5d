"""What may stand in a dispute's evidence, by the provider's own form; and the files that it may name."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from overseer_payment.errors import (
    Invalid,
    NotSupported,
    PayloadTooLarge,
    UnsupportedMediaType,
)
from overseer_payment.provider import EvidenceFile
from overseer_payment.schemas import DisputeDetail, EvidenceBody, EvidenceFieldRow, EvidenceFormRow

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_FORM = "This provider takes no evidence through its API: use its dashboard."
# How files of the types that banks read begin.
_BEGINNINGS = {
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
}
_NAMES = {"application/pdf": "PDF", "image/png": "PNG", "image/jpeg": "JPEG"}


def checked(found: DisputeDetail, body: EvidenceBody) -> dict[str, str | list[str]]:
    """What is to be sent of `body`. Raises Invalid, naming the field and what is wrong with it."""
    if found.form is None:
        return dict(body.evidence)  # whether it can be answered at all is asked next
    fields = {field.name: field for field in found.form.fields}
    wanted = {
        name: value for name, value in body.evidence.items() if _says_something(found, fields, name, value)
    }
    for name, value in wanted.items():
        _require_fitting(fields[name], value)
    together = {**found.evidence, **wanted}
    _require_room(found.form, fields, together)
    if not wanted and not body.submit:
        raise Invalid("There is nothing to stage: give at least one field of evidence.")
    if body.submit and not together:
        raise Invalid("There is nothing to submit: stage some evidence first, or accept the dispute.")
    return wanted


def _says_something(
    found: DisputeDetail, fields: Mapping[str, EvidenceFieldRow], name: str, value: str | list[str]
) -> bool:
    """An empty field of a form says nothing; where something is staged it would have to be taken back."""
    if name not in fields:
        known = ", ".join(fields)
        raise Invalid(f"There is no field {name[:60]!r} in this dispute's evidence. There are: {known}.")
    if not value and name in found.evidence:
        raise Invalid(f"{fields[name].title}: what was staged can be replaced, but not taken back.")
    return bool(value)


def _require_fitting(field: EvidenceFieldRow, value: str | list[str]) -> None:
    if isinstance(value, list) and field.kind != "files":
        raise Invalid(f"{field.title} takes one value, not a list.")
    if field.kind != "text" and any(not id.isascii() or not id.isprintable() or " " in id for id in value):
        raise Invalid(f"{field.title} takes the id of an uploaded file. Upload the file first.")
    if field.longest is not None and len(value) > field.longest:
        raise Invalid(f"{field.title} may have {field.longest:,} characters; it has {len(value):,}.")


def _require_room(
    form: EvidenceFormRow, fields: Mapping[str, EvidenceFieldRow], together: Mapping[str, str | list[str]]
) -> None:
    texts = {name for name, field in fields.items() if field.kind == "text"}
    length = sum(len(value) for name, value in together.items() if name in texts)
    if form.longest_together is not None and length > form.longest_together:
        raise Invalid(
            f"All texts together may have {form.longest_together:,} characters; they have {length:,}."
        )


def fitting_file(found: DisputeDetail, content: bytes, name: str) -> EvidenceFile:
    """The file, its type told by how it begins: neither its name nor its sender is believed.

    Raises PayloadTooLarge and UnsupportedMediaType, Invalid for an empty one.
    """
    if found.form is None:
        raise NotSupported(_NO_FORM)
    if not content:
        raise Invalid("The file is empty.")
    if len(content) > found.form.largest_file:
        largest = found.form.largest_file // 1024 // 1024
        raise PayloadTooLarge(f"Files of evidence may have {largest} MB. Make it smaller and try again.")
    type = next((type for head, type in _BEGINNINGS.items() if content.startswith(head)), None)
    if type is None or type not in found.form.file_types:
        taken = ", ".join(_NAMES.get(type, type) for type in found.form.file_types)
        raise UnsupportedMediaType(f"Evidence files are {taken}. This is none of them.")
    return EvidenceFile(name=name, media_type=type, content=content)


def digest(file: EvidenceFile) -> str:
    """Tells two files apart: what an operation keeps instead of the file."""
    return hashlib.sha256(file.content).hexdigest()
