"""Answers to disputes: sent under one key, and looked for where that key may be forgotten or was refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from overseer_payment.errors import NotSupported, ObjectAbsent, ProviderRejected
from overseer_payment.provider import (
    AWAITS_RESPONSE,
    AnswersDisputes,
    DisputeSnapshot,
    Kind,
    Ref,
    Snapshot,
)
from overseer_payment.requesting.attempt import Attempt


async def give_evidence(attempt: Attempt) -> Sequence[Snapshot]:
    """Stage or submit evidence: what an earlier attempt did is found instead of done again."""
    provider, request = _answering(attempt), attempt.request

    def is_done(dispute: DisputeSnapshot) -> bool:
        if request["submit"]:
            return dispute.submission_count > int(request["submissions"])
        staged = provider.staged_evidence(dispute)
        return all(staged.get(name) == told for name, told in request["evidence"].items())

    async def call() -> Sequence[Snapshot]:
        return await provider.stage_evidence(
            request["dispute"],
            request["evidence"],
            submit=request["submit"],
            idempotency_key=attempt.key,
        )

    return await _once(attempt, call, is_done)


async def concede(attempt: Attempt) -> Sequence[Snapshot]:
    """Accept a dispute."""
    provider = _answering(attempt)

    async def call() -> Sequence[Snapshot]:
        return await provider.accept_dispute(attempt.request["dispute"], idempotency_key=attempt.key)

    return await _once(attempt, call, lambda dispute: dispute.status not in AWAITS_RESPONSE)


async def upload(_attempt: Attempt) -> Sequence[Snapshot]:
    """An upload that was cut off: its bytes are kept nowhere, and a file that nobody names does no harm."""
    raise ProviderRejected("The upload was cut off. Upload the file again.", code="upload_cut_off")


async def _once(
    attempt: Attempt,
    call: Callable[[], Awaitable[Sequence[Snapshot]]],
    is_done: Callable[[DisputeSnapshot], bool],
) -> Sequence[Snapshot]:
    if attempt.is_first:
        return await call()
    if attempt.is_forgotten:
        return await _find(attempt, is_done)
    try:
        await call()
    except ProviderRejected:
        # "Closed already" may be our own first attempt speaking.
        with suppress(ObjectAbsent):
            return await _find(attempt, is_done)
        raise
    # The answer to a key that was used before may tell how things stood then: look how they stand.
    return await _read(attempt)


async def _read(attempt: Attempt) -> Sequence[Snapshot]:
    return await attempt.provider.fetch(Ref(Kind.DISPUTE, attempt.request["dispute"]))


async def _find(attempt: Attempt, is_done: Callable[[DisputeSnapshot], bool]) -> Sequence[Snapshot]:
    """The dispute, if an earlier attempt took effect. Raises ObjectAbsent when none did."""
    found = await _read(attempt)
    if isinstance(found[0], DisputeSnapshot) and is_done(found[0]):
        return found
    raise ObjectAbsent("The answer never took effect at the provider. It can be given again.")


def _answering(attempt: Attempt) -> AnswersDisputes:
    if not isinstance(attempt.provider, AnswersDisputes):
        raise NotSupported("This provider takes no answers to disputes through its API.")
    return attempt.provider
