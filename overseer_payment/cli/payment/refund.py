"""`payment refund`: give money back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import click

from overseer_payment.cli.payment.options import REFUND_REASONS, build, json_option, key_option
from overseer_payment.errors import Invalid, OutcomeUnknown

if TYPE_CHECKING:
    from overseer_payment.cli.words import Amounts
    from overseer_payment.schemas import TransactionDetail, TransactionRow


@click.command()
@click.argument("transaction_id")
@click.option("--amount", metavar="AMOUNT", help="In major units, like 5.00. Default: all that remains.")
@click.option("--reason", type=click.Choice(REFUND_REASONS), help="Told to the provider.")
@click.option("--yes", "-y", is_flag=True, help="Don't ask.")
@key_option
@json_option
def refund(
    transaction_id: str,
    amount: str | None,
    reason: str | None,
    yes: bool,
    idempotency_key: str | None,
    as_json: bool,
) -> None:
    """Give back a payment, in full or in part.

    On a terminal you are asked first, with the exact sum; a script is not asked.

    \b
    payment refund 412
    payment refund 412 --amount 5.00 --reason requested_by_customer
    """
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.cli.words import Amounts
    from overseer_payment.schemas import RefundBody

    with session() as desk:
        detail = desk.run(desk.payments.transaction(desk.viewer, transaction_id))
        amounts = Amounts(desk.payments, [detail.provider])
        minor = None if amount is None else _parse(amount, detail, amounts)
        if not yes and output.can_ask():
            minor = _ask(detail, minor, amounts)
        body = build(RefundBody, amount=minor, reason=reason)
        key = idempotency_key or f"cli-{uuid4()}"
        try:
            row = desk.run(desk.payments.refund(desk.viewer, str(detail.id), body, idempotency_key=key))
        except OutcomeUnknown:
            output.note(
                f"To settle it without giving the money twice, run this again with --idempotency-key {key}"
            )
            raise
    if as_json:
        output.write_json(row)
    else:
        _show(row, detail, amounts)
    if row.status in {"failed", "canceled"}:
        raise click.exceptions.Exit(1)


def _parse(typed: str, detail: TransactionDetail, amounts: Amounts) -> int:
    """Minor units of the payment's currency. Raises click.BadParameter (exit code 2)."""
    try:
        minor = amounts.table(detail.provider).parse(typed, detail.currency)
    except Invalid as error:
        raise click.BadParameter(error.detail, param_hint="'--amount'") from None
    if minor == 0:
        raise click.BadParameter("Give more than nothing.", param_hint="'--amount'")
    return minor


def _ask(detail: TransactionDetail, minor: int | None, amounts: Amounts) -> int | None:
    """The sum that the person agreed to; ends the command with 1 when they don't.

    It is sent as a sum even when none was typed, so what happens is what was agreed to.
    """
    total = detail.amount_refundable if minor is None else minor
    if total == 0:
        return None  # nothing to agree to: the service says why it can't be
    text = _question(detail, total, amounts)
    if not click.confirm(text, err=True):
        click.echo("Nothing was refunded.", err=True)
        raise click.exceptions.Exit(1)
    return total


def _question(detail: TransactionDetail, total: int, amounts: Amounts) -> str:
    from overseer_payment.cli.output import clean
    from overseer_payment.cli.words import person

    sum_ = amounts.text(detail.provider, total, detail.currency)
    whole = amounts.text(detail.provider, detail.amount, detail.currency)
    buyer = clean(person(detail.customer_name, detail.customer_email))
    words = [f"Refund {sum_}" + ("" if total == detail.amount else f" of {whole}"), f"payment {detail.id}"]
    words += [buyer] if buyer else []
    words += ["LIVE mode: real money"] if detail.livemode else ["test mode"]
    return f"{words[0]} ({', '.join(words[1:])})?"


def _show(row: TransactionRow, detail: TransactionDetail, amounts: Amounts) -> None:
    from overseer_payment.cli.output import Cell, line
    from overseer_payment.cli.words import state

    total = Cell(amounts.text(row.provider, row.amount, row.currency), "bold")
    line(f"Refund {row.id} of payment {detail.id}: ", total, " ", state(row.status))
    if row.failure_message:
        line(f"  {row.failure_message}")
