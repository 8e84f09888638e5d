"""Answering disputes: what a provider that declares DISPUTE_RESPONSES does besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from overseer_payment.provider.snapshots import DisputeSnapshot, Snapshot

Evidence: TypeAlias = Mapping[str, str | Sequence[str]]
"""What is said in a dispute, by the name of the provider's field: a text, a file's id, or several ids.

An empty text takes back what was staged in that field.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceField:
    """One thing that a provider wants to be told about a dispute."""

    name: str
    """The provider's own name of it."""
    title: str
    """For a person."""
    kind: Literal["text", "file", "files"]
    """A text; the id of an uploaded file; or a list of such ids."""
    longest: int | None = None
    """How many characters a text may have."""
    appeal: bool = False
    """Asked for in an appeal, and not before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceForm:
    """Everything that a provider takes as evidence."""

    fields: tuple[EvidenceField, ...]
    longest_together: int | None = None
    """How many characters all texts together may have."""
    file_types: tuple[str, ...] = ()
    """Media types of files."""
    largest_file: int = 0
    """Bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFile:
    """A file to upload. `media_type` is one of the form's `file_types`."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@runtime_checkable
class AnswersDisputes(Protocol):
    """What a provider that declares DISPUTE_RESPONSES does besides. Others need not have the methods."""

    def evidence_form(self) -> EvidenceForm:
        """What it takes as evidence. The same for every dispute."""

    def staged_evidence(self, dispute: DisputeSnapshot) -> Evidence:
        """What was staged or submitted so far, out of the snapshot's `raw`. Pure; empty fields left out."""

    async def stage_evidence(
        self, dispute_id: str, evidence: Evidence, *, submit: bool, idempotency_key: str
    ) -> Sequence[Snapshot]:
        """Keep evidence with the dispute; with `submit` hand everything staged to the bank, which is final.

        Fields that aren't named keep what was staged. The dispute comes first in what is returned.
        """

    async def accept_dispute(self, dispute_id: str, *, idempotency_key: str) -> Sequence[Snapshot]:
        """Concede: the dispute is lost, for good. It comes first in what is returned."""

    async def upload_evidence_file(self, file: EvidenceFile, *, idempotency_key: str) -> str:
        """Upload a file that evidence may name; returns its id. A file that is never named does nothing."""
