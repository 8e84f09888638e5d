"""`payment dispute`: see one dispute, give evidence, or accept it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from overseer_payment.cli.payment.options import build, command, json_option, key_option
from overseer_payment.errors import OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from overseer_payment.cli.session import Session
    from overseer_payment.schemas import DisputeDetail

yes_option = click.option("--yes", "-y", is_flag=True, help="Don't ask.")


@click.group()
def dispute() -> None:
    """One dispute: see it, give evidence, or accept it.

    \b
    payment dispute show 5
    payment dispute evidence 5 --field shipping_carrier=UPS --file receipt=receipt.pdf
    payment dispute evidence 5 --submit
    payment dispute accept 5

    ID is the number from the list, or the provider's id (du_…). An inquiry or a fraud warning is ended by
    a refund of the payment instead: payment refund.
    """


@dispute.command()
@click.argument("id")
@click.option("--fields", is_flag=True, help="Also list every field that evidence can have.")
@json_option
def show(id: str, fields: bool, as_json: bool) -> None:
    """Show one dispute with its evidence and timeline."""
    from overseer_payment.cli import output
    from overseer_payment.cli.payment.dispute_shown import fields_table, shown
    from overseer_payment.cli.session import session
    from overseer_payment.cli.words import Amounts

    with session() as desk:
        detail = _find(desk, id)
        amounts = Amounts(desk.payments, [detail.provider])
    if as_json:
        output.write_json(detail)
        return
    shown(detail, amounts)
    if fields:
        fields_table(detail)


@dispute.command()
@click.argument("id")
@click.option("--field", "texts", metavar="NAME=TEXT", multiple=True, help="A text. May be repeated.")
@click.option(
    "--file", "files", metavar="NAME=PATH", multiple=True, help="A file to upload. May be repeated."
)
@click.option(
    "--from",
    "source",
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="A JSON object of names and texts; - reads stdin.",
)
@click.option("--submit", is_flag=True, help="Hand everything staged to the bank, for good.")
@yes_option
@key_option
@json_option
def evidence(
    id: str,
    texts: tuple[str, ...],
    files: tuple[str, ...],
    source: str | None,
    submit: bool,
    yes: bool,
    idempotency_key: str | None,
    as_json: bool,
) -> None:
    """Stage evidence, and with --submit hand it to the bank.

    Staged evidence can be changed until it is submitted; that works once. On a terminal you are asked
    before it is. `payment dispute show ID --fields` lists the names.
    """
    from overseer_payment.asking import disputes as asking
    from overseer_payment.cli.payment.dispute_typed import contents, given
    from overseer_payment.cli.session import session
    from overseer_payment.schemas import EvidenceBody

    typed = given(texts, source)
    uploads = contents(files)
    key = idempotency_key or f"cli-{uuid4()}"
    with session() as desk:
        detail = _find(desk, id)
        if submit and not yes:
            _confirm(detail, f"Submit evidence in {_name(desk, detail)}? That is final: it works once.")
        told = {**typed, **_uploaded(desk, detail, uploads, key)}
        body = build(EvidenceBody, evidence=told, submit=submit)
        answered = asking.stage_evidence(
            desk.payments, desk.viewer, str(detail.id), body, idempotency_key=key
        )
        after = _settled(desk, answered, key)
    _say(after, "Submitted." if submit else "Staged, not submitted.", as_json)


@dispute.command()
@click.argument("id")
@yes_option
@key_option
@json_option
def accept(id: str, yes: bool, idempotency_key: str | None, as_json: bool) -> None:
    """Accept a chargeback: it is lost, for good, and the buyer keeps the money.

    On a terminal you are asked first, with the exact sum; a script is not asked.
    """
    from overseer_payment.asking import disputes as asking
    from overseer_payment.cli.session import session

    key = idempotency_key or f"cli-{uuid4()}"
    with session() as desk:
        detail = _find(desk, id)
        if not yes:
            _confirm(detail, f"Accept {_name(desk, detail)}? It is then lost, for good.")
        answered = asking.accept(desk.payments, desk.viewer, str(detail.id), idempotency_key=key)
        after = _settled(desk, answered, key)
    _say(after, "Accepted.", as_json)


def _find(desk: Session, id: str) -> DisputeDetail:
    from overseer_payment.shown.disputes import dispute as find

    return desk.run(find(desk.payments, desk.viewer, id))


def _name(desk: Session, detail: DisputeDetail) -> str:
    from overseer_payment.cli.words import Amounts

    amounts = Amounts(desk.payments, [detail.provider])
    sum_ = amounts.text(detail.provider, detail.amount, detail.currency)
    where = "LIVE mode: real money" if detail.livemode else "test mode"
    return f"{detail.kind.replace('_', ' ')} {detail.id} about {sum_} ({where})"


def _confirm(detail: DisputeDetail, question: str) -> None:
    from overseer_payment.cli.output import can_ask, clean

    # What can't be answered any more is not worth a question: the service says why.
    if not can_ask() or not detail.can_respond:
        return
    if not click.confirm(clean(question), err=True):
        click.echo("Nothing was sent.", err=True)
        raise click.exceptions.Exit(1)


def _uploaded(
    desk: Session, detail: DisputeDetail, uploads: list[tuple[str, str, bytes]], key: str
) -> dict[str, Any]:
    """The ids of uploaded files by the names that they were given for."""
    from overseer_payment.asking.dispute_files import add_file
    from overseer_payment.schemas import EvidenceFileBody

    several = {field.name for field in detail.form.fields if field.kind == "files"} if detail.form else set()
    found: dict[str, Any] = {}
    for number, (name, file, content) in enumerate(uploads):
        made = desk.run(
            add_file(
                desk.payments,
                desk.viewer,
                str(detail.id),
                content,
                build(EvidenceFileBody, name=file),
                idempotency_key=f"{key}-file-{number}",
            )
        )
        found[name] = [*found.get(name, ()), made.id] if name in several else made.id
    return found


def _settled(desk: Session, answered: Coroutine[Any, Any, DisputeDetail], key: str) -> DisputeDetail:
    from overseer_payment.cli.output import note

    try:
        return desk.run(answered)
    except OutcomeUnknown:
        note(f"To settle it without doing it twice, run this again with --idempotency-key {key}")
        raise


def _say(detail: DisputeDetail, done: str, as_json: bool) -> None:
    from overseer_payment.cli.output import Cell, line, note, write_json
    from overseer_payment.cli.words import state

    if as_json:
        write_json(detail)
        return
    line(f"Dispute {detail.id}: {done} ", Cell("Now "), state(detail.status))
    if detail.can_respond and detail.has_evidence:
        note(f"To hand it to the bank: {command(f'dispute evidence {detail.id} --submit')}")
