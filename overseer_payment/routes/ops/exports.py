"""Whole lists as files: streamed, in constant memory."""

from __future__ import annotations

from collections.abc import Mapping

from overseer_payment.database import utcnow
from overseer_payment.routes import examples
from overseer_payment.routes.op import Call, Handler, Op, Streamed
from overseer_payment.routes.ops.words import SCOPED
from overseer_payment.schemas import JsonObject
from overseer_payment.schemas.exports import ExportFormat, ExportQuery
from overseer_payment.shown import export, sheets

_MEDIA_TYPES: Mapping[ExportFormat, str] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
}
_EXAMPLES: Mapping[str, JsonObject] = {
    "transactions": examples.TRANSACTION,
    "customers": examples.CUSTOMER,
    "subscriptions": examples.SUBSCRIPTION,
    "invoices": examples.INVOICE,
    "disputes": {
        **{name: examples.INVOICE[name] for name in ("provider", "livemode", "occurred_at", "created_at")},
        "id": 5,
        "provider_dispute_id": "du_1",
        "kind": "chargeback",
        "status": "needs_response",
        "amount": 2000,
        "currency": "usd",
    },
}


def _handler(noun: str) -> Handler:
    async def export_rows(call: Call[ExportQuery, None]) -> Streamed:
        chunks = export.export(call.payments, call.viewer, noun, call.query)
        name = f"{noun}-{utcnow():%Y-%m-%d}.{call.query.format}"
        return Streamed(chunks, _MEDIA_TYPES[call.query.format], name)

    return export_rows


def _streams(noun: str) -> dict[str, str]:
    from overseer_payment.money import ISO

    what = export.EXPORTS[noun]
    row = [what.row.model_validate(_EXAMPLES[noun])]
    return {
        media_type.partition(";")[0]: sheets.header(what.row, what.money, format)
        + sheets.lines(row, what.money, lambda _: ISO, format)
        for format, media_type in _MEDIA_TYPES.items()
    }


OPS = tuple(
    Op(
        method="GET",
        path=f"/export/{noun}",
        name=f"export_{noun}",
        tag="Exports",
        summary=f"Export {noun}",
        description=(
            f"Everything that the list would show with these filters, newest first, as a file. A connection "
            f"that breaks off means that the file is incomplete. {SCOPED}"
        ),
        handler=_handler(noun),
        answer=None,
        example={},
        streams=_streams(noun),
        query=what.query,
        limited=True,
    )
    for noun, what in export.EXPORTS.items()
)
