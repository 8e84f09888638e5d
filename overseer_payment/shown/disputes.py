"""Disputes as they are shown: lists by deadline, and one with everything that an answer needs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import select

from overseer_payment import tables
from overseer_payment.database import utcnow
from overseer_payment.errors import NotFound
from overseer_payment.ledger import objects, queries, timeline
from overseer_payment.provider import (
    OPEN_DISPUTE,
    AnswersDisputes,
    Capability,
    DisputeKind,
    DisputeSnapshot,
    DisputeStatus,
    EvidenceForm,
    Kind,
    Ref,
    Snapshot,
)
from overseer_payment.schemas import (
    DisputeDetail,
    DisputeQuery,
    DisputeRow,
    EvidenceFieldRow,
    EvidenceFormRow,
    Page,
    TimelineEntry,
    TransactionRow,
    Viewer,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from overseer_payment.ledger.scope import Scope
    from overseer_payment.shown.views import Views

APPEALED = frozenset({DisputeStatus.APPEAL_NEEDS_RESPONSE, DisputeStatus.APPEAL_UNDER_REVIEW})
RowT = TypeVar("RowT", bound=DisputeRow)


async def disputes(payments: Views, viewer: Viewer, query: DisputeQuery) -> Page[DisputeRow]:
    """Disputes, newest first; those that are open or due soon with the nearest deadline first.

    A buyer sees chargebacks and inquiries about their own payments, and no early fraud warning.
    """
    which = payments.of_provider(query.provider)
    page = await payments.ask(
        viewer, lambda c, scope: queries.disputes(c, scope, query, now=utcnow()), which=which
    )
    rows = [completed(payments, viewer, row) for row in page.rows]
    return Page(rows=rows, next_cursor=page.next_cursor)


async def dispute(payments: Views, viewer: Viewer, id: str) -> DisputeDetail:
    """One dispute by our id or the provider's; what was staged is shown to staff only. Raises NotFound."""
    found, snapshot = await payments.ask(viewer, lambda c, scope: _detail(c, scope, id), one=True)
    row = completed(payments, viewer, found)
    provider = answering(payments, row.provider)
    # Asked outside the transaction: a provider's form may take its SDK to be loaded.
    if provider is None or not isinstance(snapshot, DisputeSnapshot):
        return row
    evidence = {"evidence": provider.staged_evidence(snapshot), "form": form(provider, row)}
    return DisputeDetail.model_validate({**row.model_dump(), **evidence})


def completed(payments: Views, viewer: Viewer, row: RowT) -> RowT:
    """The row with what the provider's plugin adds: whether answers can be sent; for staff its page there."""
    built = payments.built().get(row.provider)
    answers = built is not None and answering(payments, row.provider) is not None
    shown = built is not None and viewer.sees_all
    url = built.dashboard_url(Ref(Kind.DISPUTE, row.provider_dispute_id)) if built and shown else None
    can = {"can_respond": row.can_respond and answers, "can_accept": row.can_accept and answers}
    return row.model_copy(update={"url": url, **can})


def answering(payments: Views, provider: str) -> AnswersDisputes | None:
    """The provider's part that answers disputes, if it is configured and declares that it has one."""
    built = payments.built().get(provider)
    if not isinstance(built, AnswersDisputes):
        return None
    return built if Capability.DISPUTE_RESPONSES in payments.registry.spec(provider).capabilities else None


def _detail(connection: Connection, scope: Scope, id: str) -> tuple[DisputeDetail, Snapshot | None]:
    """The row with its payment and timeline; for staff also the provider's object, which holds evidence."""
    row = queries.dispute(connection, scope, id, now=utcnow())
    table = tables.dispute
    account_id = connection.execute(select(table.c.account_id).where(table.c.id == row.id)).scalar_one()
    ref = Ref(Kind.DISPUTE, row.provider_dispute_id)
    snapshot = objects.by_id(connection, account_id, {ref}, raw=True).get(ref)
    paid = _payment(connection, scope, row)
    told = _timeline(connection, scope, account_id, row, paid, snapshot)
    detail = DisputeDetail(**row.model_dump(), transaction=paid, timeline=told)
    # Evidence is the seller's case against the buyer.
    return detail, snapshot if scope.user_id is None else None


def _payment(connection: Connection, scope: Scope, row: DisputeRow) -> TransactionRow | None:
    """The payment in question, unless nobody has described it yet."""
    with suppress(NotFound):
        if row.transaction_id is not None:
            return queries.transaction(connection, scope, str(row.transaction_id))
    return None


def form(provider: AnswersDisputes, row: DisputeRow) -> EvidenceFormRow | None:
    """What is asked for in the dispute's present state; of a decided one everything, to read it by."""
    if row.kind is DisputeKind.FRAUD_WARNING:
        return None
    whole: EvidenceForm = provider.evidence_form()
    appeal = row.status in APPEALED
    asked = [field for field in whole.fields if row.status not in OPEN_DISPUTE or field.appeal is appeal]
    return EvidenceFormRow(
        fields=[EvidenceFieldRow(**asdict(field)) for field in asked],
        longest_together=whole.longest_together,
        file_types=list(whole.file_types),
        largest_file=whole.largest_file,
    )


def _timeline(
    connection: Connection,
    scope: Scope,
    account_id: int,
    row: DisputeRow,
    paid: TransactionRow | None,
    snapshot: Snapshot | None,
) -> list[TimelineEntry]:
    """What happened to the dispute and to its payment since."""
    found = [snapshot] if snapshot is not None else []
    if paid is None:
        return timeline.timeline(connection, account_id, 0, found, operations=False)
    names = timeline.references(connection, account_id, paid.id)
    refunds = {Ref(Kind.REFUND, name) for name in names}
    found += objects.by_id(connection, account_id, refunds).values()
    staff = scope.user_id is None
    entries = timeline.timeline(connection, account_id, paid.id, found, operations=staff)
    return [entry for entry in entries if entry.at >= row.occurred_at or entry.kind != "operation"]
