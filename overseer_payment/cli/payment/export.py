"""`payment export`: whole lists as files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import click

from overseer_payment.cli.payment.options import (
    CUSTOMER_STATES,
    DISPUTE_KINDS,
    DISPUTE_STATES,
    INVOICE_STATES,
    SUBSCRIPTION_STATES,
    TRANSACTION_STATES,
    TRANSACTION_TYPES,
    build,
    provider_option,
    status_option,
)
from overseer_payment.cli.progress import counter

_DAY = click.DateTime(["%Y-%m-%d"])
_FIELDS = {
    "customer": "customer_id",
    "subscription": "subscription_id",
    "query": "q",
    "since": "occurred_after",
    "until": "occurred_before",
}
"""Options that are called otherwise than the filter that they are."""

_customer = click.option("--customer", metavar="ID", help="Only this customer's.")
_subscription = click.option("--subscription", metavar="ID", help="Only this subscription's.")
_currency = click.option("--currency", metavar="CODE", help="Only this currency, like EUR.")


@click.group()
def export() -> None:
    """Write whole lists to a file or to stdout, as CSV or JSON lines.

    The filters are those of the lists. Sums stand in minor units and, beside them, in major units.
    """


def _exported(name: str, *filters: Callable[[Any], Any]) -> Callable[[Callable[[], None]], click.Command]:
    """A command that exports what it is named after; its function has only the help."""

    def decorate(described: Callable[[], None]) -> click.Command:
        def run(format: str, output: Path | None, **typed: Any) -> None:
            _run(name, format, output, typed)

        run.__doc__ = described.__doc__
        for option in reversed((*filters, provider_option, *_OUTPUT)):
            run = option(run)
        return export.command(name)(run)

    return decorate


_OUTPUT = (
    click.option(
        "--format",
        type=click.Choice(("csv", "jsonl")),
        default="csv",
        show_default=True,
        help="csv opens in a spreadsheet; jsonl has a JSON object on each line.",
    ),
    click.option(
        "--output",
        "-o",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Write to this file, which then is there whole or not at all. Default: stdout.",
    ),
)


@_exported(
    "transactions",
    status_option(TRANSACTION_STATES),
    click.option("--type", type=click.Choice(TRANSACTION_TYPES), help="Only payments of this type."),
    _currency,
    _customer,
    _subscription,
    click.option("--query", "-q", metavar="TEXT", help="What `transactions -q` finds."),
    click.option("--since", metavar="YYYY-MM-DD", type=_DAY, help="From this day (UTC) on."),
    click.option("--until", metavar="YYYY-MM-DD", type=_DAY, help="Before this day (UTC)."),
    click.option(
        "--order",
        type=click.Choice(("newest", "oldest", "largest", "smallest")),
        help="Which come first: the newest. By amount only with --currency.",
    ),
)
def transactions() -> None:
    """Payments and refunds, newest first unless asked otherwise."""


@_exported(
    "customers",
    status_option(CUSTOMER_STATES),
    click.option("--query", "-q", metavar="TEXT", help="What `customers -q` finds."),
    click.option("--until", metavar="YYYY-MM-DD", type=_DAY, help="Who came before this day (UTC)."),
)
def customers() -> None:
    """Customers, newest first."""


@_exported("subscriptions", status_option(SUBSCRIPTION_STATES), _customer)
def subscriptions() -> None:
    """Subscriptions, newest first."""


@_exported("invoices", status_option(INVOICE_STATES), _customer, _subscription)
def invoices() -> None:
    """Invoices, newest first."""


@_exported(
    "disputes",
    status_option(DISPUTE_STATES),
    click.option("--due-soon", is_flag=True, help="Only those whose answer is due within seven days."),
    click.option("--kind", type=click.Choice(DISPUTE_KINDS), help="Only disputes of this kind."),
    _currency,
)
def disputes() -> None:
    """Disputes, newest first."""


def _run(noun: str, format: str, output: Path | None, typed: dict[str, Any]) -> None:
    from overseer_payment.cli.session import session
    from overseer_payment.shown import export as shown

    values = {_FIELDS.get(name, name): _in_utc(value) for name, value in typed.items() if value}
    asked = build(shown.EXPORTS[noun].query, format=format, **values)
    with session() as desk, _open(output) as file, _counting(noun, output) as count:
        desk.run(_write(shown.export(desk.payments, desk.viewer, noun, asked, count=count), file))


@contextmanager
def _counting(noun: str, output: Path | None) -> Iterator[Callable[[int], None]]:
    """How many rows there are by now, for who watches, unless they watch the rows themselves."""
    from overseer_payment.cli.output import on_terminal

    if output is None and on_terminal():
        yield lambda _: None
        return
    with counter("Exporting") as report:
        kind = noun.removesuffix("s")
        yield lambda total: report(kind, total) if report else None


def _in_utc(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


async def _write(pieces: AsyncIterator[str], file: IO[Any]) -> None:
    async for piece in pieces:
        file.write(piece)
    file.flush()


@contextmanager
def _open(output: Path | None) -> Iterator[IO[Any]]:
    """Stdout, or a file that takes its place only once everything is in it."""
    import os
    import tempfile

    from overseer_payment.cli.failures import Failure

    if output is None:
        with click.open_file("-", "w", encoding="utf-8", errors="strict") as stdout:
            yield stdout
        return
    try:
        handle, name = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)
    except OSError as error:
        raise Failure(f"{output} can't be written: {error.strerror}.") from error
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
        part.replace(output)
    except OSError as error:
        raise Failure(f"{output} can't be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)
