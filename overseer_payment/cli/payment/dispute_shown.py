"""One dispute on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.cli.output import Cell, Column, facts, heading, line, table
from overseer_payment.cli.payment.disputes import answer
from overseer_payment.cli.words import exact, mode, person, state

if TYPE_CHECKING:
    from overseer_payment.cli.words import Amounts
    from overseer_payment.schemas import DisputeDetail


def shown(detail: DisputeDetail, amounts: Amounts) -> None:
    """Write everything that is known of a dispute."""
    total = Cell(amounts.text(detail.provider, detail.amount, detail.currency), "bold")
    name = detail.kind.replace("_", " ").capitalize()
    line(Cell(f"{name} {detail.id}", "bold"), "  ", total, "  ", state(detail.status))
    _facts(detail, amounts)
    if detail.evidence:
        heading("Evidence" if detail.submission_count else "Evidence, staged and not submitted")
        facts(
            (name, told if isinstance(told, str) else ", ".join(told))
            for name, told in detail.evidence.items()
        )
    if detail.timeline:
        heading("Timeline")
        columns = (Column("When"), Column("What", shrink=True, least=20), Column("Status", rank=1))
        table(
            columns,
            (
                (
                    Cell(exact(entry.at) or "", "dim"),
                    f"{entry.title} by {entry.actor}" if entry.actor else entry.title,
                    state(entry.status or ""),
                )
                for entry in detail.timeline
            ),
            indent=2,
        )


def _facts(detail: DisputeDetail, amounts: Amounts) -> None:
    taken = amounts.text(detail.provider, detail.funds_withdrawn, detail.currency)
    facts(
        (
            ("Opened", exact(detail.occurred_at)),
            ("Provider", detail.provider),
            ("Mode", mode(detail.livemode)),
            ("Reason", (detail.reason or "").replace("_", " ")),
            ("Answer", answer(detail)),
            ("Deadline", exact(detail.evidence_due_by)),
            ("Taken", taken if detail.funds_withdrawn else None),
            ("Submitted", str(detail.submission_count) if detail.submission_count else None),
            ("Payment", str(detail.transaction_id) if detail.transaction_id else None),
            ("Customer", person(detail.customer_name, detail.customer_email)),
            ("Dispute", detail.url or detail.provider_dispute_id),
        )
    )


def fields_table(detail: DisputeDetail) -> None:
    """Write what evidence can have."""
    if detail.form is None:
        line("No evidence can be given through the API.")
        return
    heading("Fields")
    columns = (Column("Name"), Column("Takes"), Column("Title", shrink=True))
    table(columns, ((field.name, field.kind, field.title) for field in detail.form.fields), indent=2)
