"""Answering disputes: evidence is kept until it is submitted, and what is final is final."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import pytest

from overseer_payment.errors import NotSupported, ObjectAbsent, ProviderRejected
from overseer_payment.provider import (
    AWAITS_RESPONSE,
    AnswersDisputes,
    Capability,
    DisputeSnapshot,
    DisputeStatus,
    EvidenceFile,
    Provider,
    Snapshot,
    Source,
)
from overseer_payment.testing.billing import Use
from overseer_payment.testing.case import ConformanceCase, needs

Key = Callable[[], str]
_ABSENT = "absent_0000"
# The least that opens as a document of each type.
_SAMPLES = {
    "application/pdf": b"%PDF-1.7\n%%EOF\n",
    "image/png": b"\x89PNG\r\n\x1a\n" + b"\0" * 32,
    "image/jpeg": b"\xff\xd8\xff\xe0" + b"\0" * 32,
}


class DisputingTests(ConformanceCase):
    """Evidence, files, acceptance."""

    @pytest.fixture
    def dispute(self) -> str:
        """Id of a chargeback that awaits an answer (capability DISPUTE_RESPONSES)."""
        raise NotImplementedError("Supply `dispute`: it opens one at your (simulated) provider.")

    @needs(Capability.DISPUTE_RESPONSES)
    async def test_the_form_of_evidence_can_be_filled_in(self, provider: Provider) -> None:
        """Every field has a name of its own and a title; what files may be is said."""
        form = _answering(provider).evidence_form()
        names = [field.name for field in form.fields]
        assert names
        assert len(names) == len(set(names))
        assert all(field.title.strip() for field in form.fields)
        assert all(field.longest is None or field.longest > 0 for field in form.fields)
        if any(field.kind != "text" for field in form.fields):
            assert form.file_types
            assert form.largest_file > 0

    @needs(Capability.DISPUTE_RESPONSES)
    async def test_staged_evidence_is_kept_and_added_to(
        self, provider: Provider, dispute: str, key: Key
    ) -> None:
        """Field by field, without anything going to the bank."""
        answering = _answering(provider)
        fields = [f.name for f in answering.evidence_form().fields if f.kind == "text" and not f.appeal][:2]
        for number, name in enumerate(fields):
            told = await answering.stage_evidence(
                dispute, {name: f"told {number}"}, submit=False, idempotency_key=key()
            )
        staged = _first(told)
        assert dict(answering.staged_evidence(staged)) == {n: f"told {i}" for i, n in enumerate(fields)}
        assert (staged.id, staged.status, staged.submission_count) == (
            dispute,
            DisputeStatus.NEEDS_RESPONSE,
            0,
        )
        assert staged.as_of.source is Source.READ

    @needs(Capability.DISPUTE_RESPONSES)
    async def test_submitted_evidence_is_final(self, provider: Provider, dispute: str, key: Key) -> None:
        """One key submits once; under another the provider says a definite no."""
        answering, once = _answering(provider), key()
        name = next(f.name for f in answering.evidence_form().fields if f.kind == "text")
        for _ in range(2):
            told = await answering.stage_evidence(dispute, {name: "told"}, submit=True, idempotency_key=once)
            assert _first(told).submission_count == 1
            assert _first(told).status not in AWAITS_RESPONSE
        with pytest.raises(ProviderRejected):
            await answering.stage_evidence(dispute, {name: "more"}, submit=True, idempotency_key=key())

    @needs(Capability.DISPUTE_RESPONSES)
    async def test_an_accepted_dispute_is_lost(self, provider: Provider, dispute: str, key: Key) -> None:
        """For good: accepting it again is a definite no."""
        answering = _answering(provider)
        lost = _first(await answering.accept_dispute(dispute, idempotency_key=key()))
        assert (lost.id, lost.status) == (dispute, DisputeStatus.LOST)
        with pytest.raises(ProviderRejected):
            await answering.accept_dispute(dispute, idempotency_key=key())

    @needs(Capability.DISPUTE_RESPONSES)
    async def test_an_uploaded_file_can_be_named(self, provider: Provider, dispute: str, key: Key) -> None:
        """One key uploads once, and the file's id stands in the evidence."""
        answering, once = _answering(provider), key()
        form = answering.evidence_form()
        field = next((f for f in form.fields if f.kind == "file" and not f.appeal), None)
        if field is None:
            return
        type = next(type for type in form.file_types if type in _SAMPLES)
        file = EvidenceFile(name="receipt", media_type=type, content=_SAMPLES[type])
        id = await answering.upload_evidence_file(file, idempotency_key=once)
        assert await answering.upload_evidence_file(file, idempotency_key=once) == id
        told = await answering.stage_evidence(dispute, {field.name: id}, submit=False, idempotency_key=key())
        assert answering.staged_evidence(_first(told)) == {field.name: id}


def disputing_uses(provider: Provider) -> Mapping[Capability, Use]:
    """For each of these capabilities, the least that uses it: that the provider says no is enough."""

    async def accept() -> object:
        with suppress(ObjectAbsent, ProviderRejected):
            return await _answering(provider).accept_dispute(_ABSENT, idempotency_key="capability-accept")
        return None

    return {Capability.DISPUTE_RESPONSES: accept}


def _answering(provider: Provider) -> AnswersDisputes:
    # A provider that takes no answers need not have the methods at all.
    if not isinstance(provider, AnswersDisputes):
        raise NotSupported("It answers no disputes.")
    return provider


def _first(found: Sequence[Snapshot]) -> DisputeSnapshot:
    first = found[0]
    assert isinstance(first, DisputeSnapshot), "the dispute comes first"
    return first
