"""Stripe's side of a dispute: evidence, files, conceding."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from overseer_payment.errors import Invalid, NotSupported, OutcomeUnknown
from overseer_payment.provider import DisputeSnapshot, Evidence, EvidenceFile, EvidenceForm, Snapshot
from overseer_payment.provider_plugins.stripe.calls import StripeCalls
from overseer_payment.provider_plugins.stripe.translate import fields as f

if TYPE_CHECKING:
    from stripe.params import FileCreateParams


class Disputes(StripeCalls):
    """Answering disputes. An early fraud warning is no dispute: it takes no answer."""

    def evidence_form(self) -> EvidenceForm:
        """The fields of Stripe's evidence (page "Update a dispute")."""
        from overseer_payment.provider_plugins.stripe import evidence

        return evidence.form()

    def staged_evidence(self, dispute: DisputeSnapshot) -> Evidence:
        """What stands in the fields of `raw`."""
        from overseer_payment.provider_plugins.stripe import evidence

        return evidence.staged(dispute.raw)

    async def stage_evidence(
        self, dispute_id: str, evidence: Evidence, *, submit: bool, idempotency_key: str
    ) -> Sequence[Snapshot]:
        """Update the dispute (page "Update a dispute"); `submit` normally works once."""
        from overseer_payment.provider_plugins.stripe.evidence import parameters

        params = parameters(evidence, submit=submit)
        _require_dispute(dispute_id)
        answer = await self._client.write(
            lambda stripe: stripe.v1.disputes.update_async(
                dispute_id, params, {"idempotency_key": idempotency_key}
            )
        )
        return self._told("dispute", answer)

    async def accept_dispute(self, dispute_id: str, *, idempotency_key: str) -> Sequence[Snapshot]:
        """Close the dispute (page "Close a dispute"): irreversible."""
        _require_dispute(dispute_id)
        answer = await self._client.write(
            lambda stripe: stripe.v1.disputes.close_async(
                dispute_id, None, {"idempotency_key": idempotency_key}
            )
        )
        return self._told("dispute", answer)

    async def upload_evidence_file(self, file: EvidenceFile, *, idempotency_key: str) -> str:
        """Upload a file of purpose `dispute_evidence` (page "File upload guide").

        Raises Invalid for a type or size that Stripe doesn't take.
        """
        _check(file, self.evidence_form())
        content = BytesIO(file.content)
        content.name = file.name  # the SDK takes the file's name from here
        params: FileCreateParams = {"purpose": "dispute_evidence", "file": content}
        answer = await self._client.write(
            lambda stripe: stripe.v1.files.create_async(params, {"idempotency_key": idempotency_key})
        )
        id = f.reference(answer.data, "id")
        if id is None:
            raise OutcomeUnknown("Stripe did not say under which id it keeps the file. Upload it again.")
        return id


def _require_dispute(id: str) -> None:
    if id.startswith("issfr_"):
        raise NotSupported("An early fraud warning can't be answered: refund the payment, or leave it.")


def _check(file: EvidenceFile, form: EvidenceForm) -> None:
    if file.media_type not in form.file_types:
        raise Invalid("Stripe takes PDF, PNG and JPEG files as evidence.")
    if not 0 < len(file.content) <= form.largest_file:
        raise Invalid(f"Stripe takes files of up to {form.largest_file // 1024 // 1024} MB as evidence.")
