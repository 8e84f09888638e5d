"""Providers that are each wrong in one way: evidence, files, acceptance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from overseer_payment.provider import DisputeSnapshot, Evidence, EvidenceFile, EvidenceForm, Snapshot
from overseer_payment.testing import FakeProvider
from tests.testing.wrong import Wrong


class TestUnlabelled(Wrong):
    """Asks for things without saying what they are."""

    class Unlabelled(FakeProvider):
        def evidence_form(self) -> EvidenceForm:
            form = super().evidence_form()
            return replace(form, fields=tuple(replace(field, title="") for field in form.fields))

    provider_class = Unlabelled
    fails: ClassVar = {"the_form_of_evidence_can_be_filled_in"}


class TestShortOfMemory(Wrong):
    """Keeps only the evidence that was staged last."""

    class ShortOfMemory(FakeProvider):
        def staged_evidence(self, dispute: DisputeSnapshot) -> Evidence:
            return dict(list(super().staged_evidence(dispute).items())[-1:])

    provider_class = ShortOfMemory
    fails: ClassVar = {"staged_evidence_is_kept_and_added_to"}


class TestHesitant(Wrong):
    """Stages what it should submit."""

    class Hesitant(FakeProvider):
        async def stage_evidence(
            self, dispute_id: str, evidence: Evidence, *, submit: bool, idempotency_key: str
        ) -> Sequence[Snapshot]:
            del submit
            return await super().stage_evidence(
                dispute_id, evidence, submit=False, idempotency_key=idempotency_key
            )

    provider_class = Hesitant
    fails: ClassVar = {"submitted_evidence_is_final"}


class TestFighter(Wrong):
    """Fights on where it should concede."""

    class Fighter(FakeProvider):
        async def accept_dispute(self, dispute_id: str, *, idempotency_key: str) -> Sequence[Snapshot]:
            return await self.stage_evidence(dispute_id, {}, submit=True, idempotency_key=idempotency_key)

    provider_class = Fighter
    fails: ClassVar = {"an_accepted_dispute_is_lost"}


class TestCopier(Wrong):
    """Uploads a file again whenever it is asked."""

    class Copier(FakeProvider):
        uploads = 0

        async def upload_evidence_file(self, file: EvidenceFile, *, idempotency_key: str) -> str:
            self.uploads += 1
            key = f"{idempotency_key} {self.uploads}"
            return await super().upload_evidence_file(file, idempotency_key=key)

    provider_class = Copier
    fails: ClassVar = {"an_uploaded_file_can_be_named"}
