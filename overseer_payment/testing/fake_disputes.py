"""How the fake service hears disputes: evidence in two fields, submitted once; files by their digest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from overseer_payment.errors import Invalid
from overseer_payment.provider import (
    DisputeSnapshot,
    Evidence,
    EvidenceField,
    EvidenceFile,
    EvidenceForm,
    Snapshot,
)
from overseer_payment.testing.fake_backend import Json, Refusal
from overseer_payment.testing.fake_calls import FakeCalls

_FORM = EvidenceForm(
    fields=(
        EvidenceField(name="story", title="What happened", kind="text", longest=2000),
        EvidenceField(name="parcel", title="Number of the parcel", kind="text", longest=50),
        EvidenceField(name="receipt", title="Receipt", kind="file"),
    ),
    longest_together=2040,
    file_types=("application/pdf",),
    largest_file=100_000,
)


class FakeDisputes(FakeCalls):
    """Evidence, acceptance and files."""

    def evidence_form(self) -> EvidenceForm:
        return _FORM

    def staged_evidence(self, dispute: DisputeSnapshot) -> Evidence:
        return {name: told for name, told in dispute.raw.get("evidence", {}).items() if told}

    async def stage_evidence(
        self, dispute_id: str, evidence: Evidence, *, submit: bool, idempotency_key: str
    ) -> Sequence[Snapshot]:
        def values(found: Json) -> dict[str, Any]:
            told = {"evidence": {**found["evidence"], **evidence}}
            sent = {"status": "under_review", "submissions": found["submissions"] + 1}
            return told | (sent if submit else {})

        return self._answer(dispute_id, idempotency_key, values)

    async def accept_dispute(self, dispute_id: str, *, idempotency_key: str) -> Sequence[Snapshot]:
        return self._answer(dispute_id, idempotency_key, lambda _: {"status": "lost"})

    async def upload_evidence_file(self, file: EvidenceFile, *, idempotency_key: str) -> str:
        if file.media_type not in _FORM.file_types or not 0 < len(file.content) <= _FORM.largest_file:
            raise Invalid("The fake service reads PDF files of up to 100 kB.")
        values = {"name": file.name, "size": len(file.content)}
        made = self._ask(lambda: self._backend.keep(idempotency_key, "file", self.livemode, values))
        return str(made["id"])

    def _answer(self, id: str, key: str, values: Callable[[Json], dict[str, Any]]) -> Sequence[Snapshot]:
        def change() -> Json:
            found = self._backend.get(id)
            if found["kind"] != "dispute":
                raise Refusal("absent")
            return self._backend.answer(id, values, key=key)

        self._present(id)
        return self._read(self._ask(change))
