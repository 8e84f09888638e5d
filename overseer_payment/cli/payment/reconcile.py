"""`payment reconcile`: where ledger and provider differ."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

import click

from overseer_payment.cli.payment.options import command, json_option
from overseer_payment.cli.payment.sync import (
    DAY,
    account_json,
    heading,
    provider_option,
    sources_of,
)
from overseer_payment.cli.progress import counter, several

if TYPE_CHECKING:
    from datetime import datetime

    from overseer_payment.cli.session import Session
    from overseer_payment.cli.words import Amounts
    from overseer_payment.ledger.accounts import Account
    from overseer_payment.sync import Difference, Drift, Reconciled, Source

_SHOWN = 50
_MONEY = ("amount", "total", "funds")


@click.command()
@click.option("--heal", is_flag=True, help="Record what the provider says wherever it differs.")
@click.option("--since", metavar="YYYY-MM-DD", type=DAY, help="Compare what was made since this day (UTC).")
@click.option("--all", "whole", is_flag=True, help="Compare everything. Default: the last 30 days.")
@provider_option
@json_option
def reconcile(heal: bool, since: datetime | None, whole: bool, provider: str | None, as_json: bool) -> None:
    """Compare the ledger with the provider, object by object, and the totals with the rows.

    Reads first and writes nothing. What seems to differ is looked at once more after a few seconds, so
    that a delivery on its way is no finding. Older objects are compared as long as they are unfinished.

    Exit code 1 when a difference is left: found and not healed.
    """
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.cli.words import Amounts

    if whole and since is not None:
        raise click.UsageError("Either --all or --since, not both.")
    with session() as desk:
        found = [
            (source, _compare(desk, source, _start(since, whole), heal=heal))
            for source in sources_of(desk, provider)
        ]
        if heal:
            desk.run(desk.payments.worker.drain(hurry=True))
        amounts = Amounts(desk.payments, [source.account.provider for source, _ in found])
    if as_json:
        output.write_json({"accounts": [_json(source.account, one) for source, one in found]})
    else:
        for source, one in found:
            _show(source, one, amounts)
    if not all(one.agrees for _, one in found):
        raise click.exceptions.Exit(1)


def _start(since: datetime | None, whole: bool) -> datetime | None:
    from overseer_payment.database import utcnow
    from overseer_payment.sync import WINDOW

    if whole:
        return None
    return since.replace(tzinfo=UTC) if since is not None else utcnow() - WINDOW


def _compare(desk: Session, source: Source, since: datetime | None, *, heal: bool) -> Reconciled:
    from overseer_payment.sync import reconcile

    with counter(f"Comparing with {source.spec.title}") as report:
        done = desk.run(reconcile(desk.payments.engine, source, since=since, heal=heal, progress=report))
    assert done is not None
    return done


# -- for a person --------------------------------------------------------------------------------------


def _show(source: Source, found: Reconciled, amounts: Amounts) -> None:
    from overseer_payment.cli import output
    from overseer_payment.cli.output import Column, table

    heading(source.account)
    shown = found.drift[:_SHOWN] if output.on_terminal() else found.drift
    if shown:
        columns = [Column("Object"), Column("Id"), Column("Difference", shrink=True, least=24)]
        columns += [Column("Healed")] if found.healing else []
        rows = ([*_row(source, one, amounts), *([_healed(one)] if found.healing else [])] for one in shown)
        table(columns, rows, indent=2)
    if len(shown) < len(found.drift):
        output.note(f"  … and {len(found.drift) - len(shown):,} more. All of them: --json")
    for cell in _summary(source, found):
        output.line("  ", cell)
    if found.truncated:
        output.note(f"That is more than one report holds. Read the whole history: {command('sync --all')}")
    elif not found.agrees and not found.healing:
        output.note(f"Heal it: {command('reconcile --heal')}")


def _row(source: Source, one: Drift, amounts: Amounts) -> list[Any]:
    from overseer_payment.cli.output import Cell

    return [one.kind.value.replace("_", " "), one.id, Cell(_words(source, one, amounts))]


def _healed(one: Drift) -> Any:
    from overseer_payment.cli.output import Cell

    return Cell("yes", "green") if one.healed else Cell("no", "bold red")


def _words(source: Source, one: Drift, amounts: Amounts) -> str:
    there = source.spec.title
    if one.what == "missing_here":
        return "missing in the ledger"
    if one.what == "missing_there":
        return f"no longer at {there}"
    return "; ".join(_difference(source, one, d, amounts) for d in one.differences)


def _difference(source: Source, one: Drift, difference: Difference, amounts: Amounts) -> str:
    name = difference.field.replace("_", " ")
    if difference.here is None and difference.there is None:
        return f"{name} differs"

    def told(value: Any) -> str:
        money = isinstance(value, int) and difference.field.startswith(_MONEY)
        if money and one.currency:
            return amounts.text(source.account.provider, value, one.currency)
        return "–" if value is None else str(value)

    return f"{name}: {told(difference.here)} here, {told(difference.there)} at {source.spec.title}"


def _summary(source: Source, found: Reconciled) -> list[Any]:
    from overseer_payment.cli.output import Cell

    total, healed = len(found.drift), sum(one.healed for one in found.drift)
    compared = f"{sum(found.objects.values()):,} objects compared"
    lines = []
    if not total:
        lines.append(Cell(f"✓ Ledger and {source.spec.title} agree ({compared}).", "green"))
    else:
        said = f"{total:,} {several('difference', total)}, {healed:,} healed ({compared})."
        lines.append(Cell(said, "green" if healed == total else "bold red"))
    if found.sums:
        done = "rebuilt" if found.healing else "wrong"
        style = "yellow" if found.healing else "bold red"
        lines.append(
            Cell(f"{found.sums:,} {several('total', found.sums)} did not equal the rows: {done}.", style)
        )
    if found.unreadable:
        lines.append(Cell(f"{found.unreadable:,} could not be read and were not compared.", "yellow"))
    return lines


# -- for a program -------------------------------------------------------------------------------------


def _json(account: Account, found: Reconciled) -> dict[str, Any]:
    from overseer_payment.cli.words import iso

    return {
        **account_json(account),
        "since": iso(found.since) if found.since else None,
        "until": iso(found.until),
        "objects": found.objects,
        "drift": [one.told() for one in found.drift],
        "wrong_totals": found.sums,
        "unreadable": found.unreadable,
        "unhealed": found.unhealed,
        "truncated": found.truncated,
        "agrees": found.agrees,
    }
