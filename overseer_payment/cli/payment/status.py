"""`payment status`: health, counts and revenue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from overseer_payment.cli.payment.options import command, json_option, provider_option

if TYPE_CHECKING:
    from overseer_payment.cli.output import Cell
    from overseer_payment.schemas import StatusView

_LATE = 10  # seconds that an event may wait before a person is told


@click.command()
@provider_option
@json_option
def status(provider: str | None, as_json: bool) -> None:
    """Show health, counts and all-time revenue per currency."""
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session

    with session() as desk:
        view = desk.run(desk.payments.status(desk.viewer, provider))
    if as_json:
        output.write_json(view)
        return
    _health(view)
    _counts(view)
    _revenue(view)


def _health(view: StatusView) -> None:
    from overseer_payment.cli.output import Cell, line
    from overseer_payment.cli.words import mode

    if not view.enabled or view.provider is None:
        line(Cell("● ", "yellow"), Cell("not configured", "bold"), f"  {view.health_message}")
        return
    word, style = ("healthy", "green") if view.healthy else ("unhealthy", "red")
    if view.read_only:
        word, style = "the database is read-only", "red"
    account = f" ({view.account})" if view.account not in {None, "default"} else ""
    line(
        *(Cell("● ", style), Cell(f"{view.provider}{account}", "bold"), "  ", mode(view.livemode)),
        *("  ", Cell(word, style), f"  {view.health_message}"),
    )


def _counts(view: StatusView) -> None:
    from overseer_payment.cli.output import Cell, facts
    from overseer_payment.cli.words import moment

    def alarming(count: int) -> Cell:
        return Cell(f"{count:,}", "bold red" if count else "", plain=str(count))

    facts(
        (
            ("Transactions", Cell(f"{view.total_transactions:,}", plain=str(view.total_transactions))),
            (
                "Active subscriptions",
                Cell(f"{view.active_subscriptions:,}", plain=str(view.active_subscriptions)),
            ),
            ("Open disputes", alarming(view.open_disputes)),
            ("Failed events", alarming(view.failed_events)),
            ("Pending events", _pending(view)),
            ("Last event", moment(view.last_event_at) if view.last_event_at else None),
            ("Asked for missed", _recovered(view)),
            ("Compared", _compared(view)),
            ("API version", view.api_version),
        )
    )


def _pending(view: StatusView) -> Cell:
    from overseer_payment.cli.output import Cell

    late = view.lag_seconds >= _LATE
    waiting = f" (the oldest for {view.lag_seconds:,} s)" if late else ""
    return Cell(f"{view.pending_events}{waiting}", "yellow" if late else "", plain=str(view.pending_events))


def _recovered(view: StatusView) -> Cell | None:
    from overseer_payment.cli.output import Cell
    from overseer_payment.cli.words import moment

    if view.last_recovery_at is None:
        return None
    at, found = moment(view.last_recovery_at), view.recovered_events
    return Cell(f"{at.text}, {found:,} found" if found else f"{at.text}, none", plain=at.plain)


def _compared(view: StatusView) -> Cell | None:
    from overseer_payment.cli.output import Cell
    from overseer_payment.cli.words import moment

    if view.last_reconciliation_at is None:
        return None
    at = moment(view.last_reconciliation_at)
    left = f"{view.drift:,} differences left" if view.drift else "no difference left"
    healed = f", {view.healed:,} mended" if view.healed else ""
    return Cell(f"{at.text}, {left}{healed}", "bold red" if view.drift else "", plain=at.plain)


def _revenue(view: StatusView) -> None:
    from overseer_payment.cli.output import Column, heading, note, table
    from overseer_payment.cli.words import summed

    if not view.revenue:
        note(f"Nothing paid yet. Open a checkout: {command('checkout')}. Or add examples: {command('seed')}")
        return
    heading(f"Revenue, {' and '.join(view.providers)} together" if len(view.providers) > 1 else "Revenue")
    columns = [Column(title, right=True) for title in ("Gross", "Refunded", "Disputed", "Net")]
    table(
        columns,
        (
            (
                *(
                    summed(amount, row.currency, view.exponents.get(row.currency))
                    for amount in (row.gross, -row.refunded, -row.disputed)
                ),
                summed(row.net, row.currency, view.exponents.get(row.currency), "bold"),
            )
            for row in view.revenue
        ),
        indent=2,
    )
