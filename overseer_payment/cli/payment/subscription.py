"""`payment subscription`: one subscription: show, cancel, resume, pause, change its plan."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from overseer_payment.cli.payment.options import (
    PAUSE_BEHAVIORS,
    PAUSE_KINDS,
    PRORATIONS,
    build,
    json_option,
    key_option,
)
from overseer_payment.errors import OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from overseer_payment.cli.session import Session
    from overseer_payment.schemas import ChangePlanBody, SubscriptionRow

_yes_option = click.option("--yes", "-y", is_flag=True, help="Don't ask.")


@click.group()
def subscription() -> None:
    """Show one subscription, end it, pause it, let it go on, or change its plan.

    ID is the number from the list, or the provider's id (sub_…). On a terminal you are asked first, with
    what exactly will happen; a script is not asked.
    """


@subscription.command()
@click.argument("id")
@json_option
def show(id: str, as_json: bool) -> None:
    """Show one subscription with its items."""
    from overseer_payment.cli import output
    from overseer_payment.cli.payment.subscription_words import write
    from overseer_payment.cli.session import session
    from overseer_payment.cli.words import Amounts

    with session() as desk:
        row = desk.run(desk.payments.subscription(desk.viewer, id))
        amounts = Amounts(desk.payments, [row.provider])
    if as_json:
        output.write_json(row)
    else:
        write(row, amounts)


@subscription.command()
@click.argument("id")
@click.option("--now", is_flag=True, help="At once and for good, not at the end of the period.")
@_yes_option
@key_option
@json_option
def cancel(id: str, now: bool, yes: bool, idempotency_key: str | None, as_json: bool) -> None:
    """End a subscription with its period, or now. Nothing is given back.

    \b
    payment subscription cancel 4
    payment subscription cancel 4 --now
    """
    from overseer_payment.asking import subscriptions as asking
    from overseer_payment.cli.payment.subscription_words import ending
    from overseer_payment.cli.session import session
    from overseer_payment.schemas import CancelBody

    body = build(CancelBody, at_period_end=not now)
    with session() as desk:
        row = desk.run(desk.payments.subscription(desk.viewer, id))
        _agreed(desk, row, ending(row, now=now), yes)
        key = _key(idempotency_key)
        done = _once(
            desk,
            key,
            lambda: asking.cancel(desk.payments, desk.viewer, str(row.id), body, idempotency_key=key),
        )
        _say(desk, done, as_json)


@subscription.command()
@click.argument("id")
@_yes_option
@key_option
@json_option
def resume(id: str, yes: bool, idempotency_key: str | None, as_json: bool) -> None:
    """Take back a planned end, and end a pause."""
    from overseer_payment.asking import subscriptions as asking
    from overseer_payment.cli.payment.subscription_words import going_on
    from overseer_payment.cli.session import session

    with session() as desk:
        row = desk.run(desk.payments.subscription(desk.viewer, id))
        _agreed(desk, row, going_on(row), yes)
        key = _key(idempotency_key)
        done = _once(
            desk, key, lambda: asking.resume(desk.payments, desk.viewer, str(row.id), idempotency_key=key)
        )
        _say(desk, done, as_json)


@subscription.command()
@click.argument("id")
@click.option(
    "--kind",
    type=click.Choice(PAUSE_KINDS),
    default="collection",
    show_default=True,
    help="Ask nobody to pay, or stop the subscription itself.",
)
@click.option(
    "--behavior", type=click.Choice(PAUSE_BEHAVIORS), help="What becomes of invoices. Default: void."
)
@click.option("--until", metavar="DATE", help="When to ask for money again. Default: when it is resumed.")
@_yes_option
@key_option
@json_option
def pause(
    id: str,
    kind: str,
    behavior: str | None,
    until: str | None,
    yes: bool,
    idempotency_key: str | None,
    as_json: bool,
) -> None:
    """Stop asking for money, or stop the subscription itself until it is resumed."""
    from overseer_payment.asking import subscriptions as asking
    from overseer_payment.cli.payment.subscription_words import pausing
    from overseer_payment.cli.session import session
    from overseer_payment.schemas import PauseBody

    body = build(PauseBody, kind=kind, behavior=behavior, resumes_at=_moment(until, "--until"))
    with session() as desk:
        row = desk.run(desk.payments.subscription(desk.viewer, id))
        _agreed(desk, row, pausing(body), yes)
        key = _key(idempotency_key)
        done = _once(
            desk,
            key,
            lambda: asking.pause(desk.payments, desk.viewer, str(row.id), body, idempotency_key=key),
        )
        _say(desk, done, as_json)


@subscription.command("change-plan")
@click.argument("id")
@click.option("--price", metavar="ID", help="The provider's id of the new price.")
@click.option("--quantity", type=click.IntRange(1, 999_999), metavar="N", help="Default: as it is.")
@click.option("--item", metavar="ID", help="Which item, where there are several.")
@click.option("--proration", type=click.Choice(PRORATIONS), help="Default: create_prorations.")
@click.option("--trial-end", metavar="DATE", help="When the trial ends: a day, a moment, or now.")
@click.option("--preview", is_flag=True, help="Only show what it would cost. Changes nothing.")
@_yes_option
@key_option
@json_option
def change_plan(
    id: str,
    price: str | None,
    quantity: int | None,
    item: str | None,
    proration: str | None,
    trial_end: str | None,
    preview: bool,
    yes: bool,
    idempotency_key: str | None,
    as_json: bool,
) -> None:
    """Change price, quantity or trial of a subscription.

    \b
    payment subscription change-plan 4 --price price_1 --preview
    payment subscription change-plan 4 --quantity 5 --proration always_invoice
    """
    from overseer_payment.cli.session import session
    from overseer_payment.schemas import ChangePlanBody

    if price is None and quantity is None and trial_end is None:
        raise click.UsageError("Name what changes: --price, --quantity or --trial-end.")
    body = build(
        ChangePlanBody,
        new_price_id=price,
        quantity=quantity,
        item_id=item,
        proration_behavior=proration,
        trial_end="now" if trial_end == "now" else _moment(trial_end, "--trial-end"),
    )
    with session() as desk:
        row = desk.run(desk.payments.subscription(desk.viewer, id))
        if preview:
            _preview(desk, row, body, as_json)
        else:
            _change(desk, row, body, yes, idempotency_key, as_json)


def _preview(desk: Session, row: SubscriptionRow, body: ChangePlanBody, as_json: bool) -> None:
    from overseer_payment.asking import subscriptions as asking
    from overseer_payment.cli import output
    from overseer_payment.cli.payment.subscription_words import cost
    from overseer_payment.cli.words import Amounts

    told = desk.run(asking.preview_change(desk.payments, desk.viewer, str(row.id), body))
    if as_json:
        output.write_json(told)
    else:
        cost(told, row.provider, Amounts(desk.payments, [row.provider]))


def _change(
    desk: Session, row: SubscriptionRow, body: ChangePlanBody, yes: bool, key: str | None, as_json: bool
) -> None:
    from overseer_payment.asking import subscriptions as asking
    from overseer_payment.cli import output
    from overseer_payment.cli.payment.subscription_words import changing
    from overseer_payment.cli.words import Amounts

    if not yes and output.can_ask():
        told = desk.run(asking.preview_change(desk.payments, desk.viewer, str(row.id), body))
        _agreed(desk, row, changing(body, told, row.provider, Amounts(desk.payments, [row.provider])), yes)
        # What happens is what was agreed to, also when the answer took its time.
        body = body.model_copy(update={"proration_date": told.proration_date})
    once = _key(key)
    done = _once(
        desk,
        once,
        lambda: asking.change_plan(desk.payments, desk.viewer, str(row.id), body, idempotency_key=once),
    )
    _say(desk, done, as_json)


def _key(given: str | None) -> str:
    return given or f"cli-{uuid4()}"


def _once(
    desk: Session, key: str, call: Callable[[], Coroutine[Any, Any, SubscriptionRow]]
) -> SubscriptionRow:
    from overseer_payment.cli import output

    try:
        return desk.run(call())
    except OutcomeUnknown:
        output.note(f"To settle it without doing it twice, run this again with --idempotency-key {key}")
        raise


def _agreed(desk: Session, row: SubscriptionRow, consequence: str, yes: bool) -> None:
    """Go on only if the person agrees; ends the command with 1 when they don't."""
    from overseer_payment.cli import output
    from overseer_payment.cli.payment.subscription_words import question
    from overseer_payment.cli.words import Amounts

    if yes or not output.can_ask():
        return
    if not click.confirm(question(row, consequence, Amounts(desk.payments, [row.provider])), err=True):
        click.echo("Nothing was changed.", err=True)
        raise click.exceptions.Exit(1)


def _say(desk: Session, row: SubscriptionRow, as_json: bool) -> None:
    from overseer_payment.cli import output
    from overseer_payment.cli.payment.subscription_words import write
    from overseer_payment.cli.words import Amounts

    if as_json:
        output.write_json(row)
    else:
        write(row, Amounts(desk.payments, [row.provider]))


def _moment(typed: str | None, option: str) -> datetime | None:
    """A day or a moment, UTC where no zone is told. Raises click.BadParameter (exit code 2)."""
    if typed is None:
        return None
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        raise click.BadParameter("That is no date like 2026-12-31.", param_hint=f"'{option}'") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
