"""Options that several commands share, and how typed values become queries and bodies.

Words of a choice are spelled out here rather than read from the enums: those live beside pydantic,
and `--help` must not import it. A test holds the two equal.
"""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from pydantic import BaseModel

    from overseer_payment.schemas import ListQuery, Page

Model = TypeVar("Model", bound="BaseModel")
Query = TypeVar("Query", bound="ListQuery")
RowT = TypeVar("RowT", bound="BaseModel")
Command = TypeVar("Command", bound=Callable[..., Any])

TRANSACTION_STATES = ("pending", "succeeded", "failed", "canceled", "refunded", "partially_refunded")
TRANSACTION_TYPES = ("charge", "refund", "subscription")
CUSTOMER_STATES = ("active", "deleted")
SUBSCRIPTION_STATES = (
    "incomplete",
    "incomplete_expired",
    "trialing",
    "active",
    "past_due",
    "unpaid",
    "paused",
    "canceled",
)
INVOICE_STATES = ("draft", "open", "paid", "uncollectible", "void")
EVENT_STATES = ("pending", "applied", "ignored", "failed", "dead")
EFFECT_STATES = ("pending", "failed", "done", "lapsed", "dead")
OPERATION_STATES = ("sending", "succeeded", "pending", "failed", "unknown")
DISPUTE_STATES = (
    "open",
    "needs_response",
    "under_review",
    "appeal_needs_response",
    "appeal_under_review",
    "won",
    "lost",
    "closed",
    "prevented",
)
DISPUTE_KINDS = ("chargeback", "inquiry", "fraud_warning")
INTERVALS = ("day", "week", "month")
CHECKOUT_MODES = ("payment", "subscription", "setup")
PAUSE_KINDS = ("collection", "subscription")
PAUSE_BEHAVIORS = ("void", "keep_as_draft", "mark_uncollectible")
PRORATIONS = ("create_prorations", "always_invoice", "none")
REFUND_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
_PAGE = 100  # the most that one query answers

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, as the REST interface answers."
)
provider_option = click.option(
    "--provider", metavar="KEY", help="Of this provider alone. Default: of all that are configured."
)
key_option = click.option(
    "--idempotency-key",
    metavar="KEY",
    help="Do it at most once under this key, however often it is run. Default: a new key each time.",
)


def status_option(words: tuple[str, ...]) -> Callable[[Command], Command]:
    """`--status/-s` with the given words."""
    return click.option("--status", "-s", type=click.Choice(words), help="Only those in this state.")


def list_options(command: Command) -> Command:
    """`--limit/-n`, `--cursor` and `--json`: what every list takes."""
    for option in (
        json_option,
        click.option("--cursor", metavar="CURSOR", help="Go on where an earlier list ended."),
        click.option(
            "--limit",
            "-n",
            type=click.IntRange(1, 10_000),
            default=20,
            show_default=True,
            help="At most so many.",
        ),
    ):
        command = option(command)
    return command


def build(model: type[Model], **values: Any) -> Model:
    """`model` from typed values; those that are None keep the model's default.

    Raises click.BadParameter (exit code 2) that names the option and what is wrong with it.
    """
    from pydantic import ValidationError

    try:
        return model(**{name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        hint = _option_of(str(first["loc"][0]) if first["loc"] else "")
        wrong = first["msg"].removeprefix("Value error, ")
        raise click.BadParameter(wrong, click.get_current_context(), param_hint=hint) from None


def _option_of(field: str) -> str | None:
    for parameter in click.get_current_context().command.params:
        if field in {parameter.name, f"{parameter.name}_id", f"{parameter.name}_period_days"}:
            return parameter.get_error_hint(click.get_current_context())
    return field or None


async def collect(
    fetch: Callable[[Query], Awaitable[Page[RowT]]], query: Query, limit: int
) -> tuple[list[RowT], str | None]:
    """Up to `limit` rows, page by page, and the cursor to go on from."""
    rows: list[RowT] = []
    cursor = query.cursor
    while True:
        size = min(_PAGE, limit - len(rows))
        page = await fetch(query.model_copy(update={"limit": size, "cursor": cursor}))
        rows += page.rows
        cursor = page.next_cursor
        if cursor is None or len(rows) >= limit:
            return rows, cursor


def command(words: str) -> str:
    """A sibling command as it is typed in this host: `checkout` → `overseer payment checkout`."""
    context = click.get_current_context()
    while context.parent is not None and context.command.name != "payment":
        context = context.parent
    return f"{context.command_path} {words}"


def continuation(cursor: str) -> str:
    """The command line that shows what comes next: this one, gone on from `cursor`."""
    context = click.get_current_context()
    words = [context.command_path]
    for parameter in context.command.params:
        name = parameter.name or ""
        if name != "cursor" and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            words.append(parameter.opts[0])
            if not getattr(parameter, "is_flag", False):
                words.append(shlex.quote(_typed(context.params[name])))
    return " ".join([*words, "--cursor", shlex.quote(cursor)])


def _typed(value: object) -> str:
    return f"{value:%Y-%m-%d}" if isinstance(value, datetime) else str(value)
