"""`payment providers`: which payment providers are installed, what state each is in, and a new one."""

from __future__ import annotations

import click

from overseer_payment.cli.payment.options import json_option


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def providers(context: click.Context, as_json: bool) -> None:
    """List payment providers and their state. Needs no database.

    \b
    Begin one of your own:   payment providers new NAME
    """
    if context.invoked_subcommand is None:
        _list(as_json)


@providers.command()
@click.argument("name")
@click.option(
    "--into",
    metavar="FOLDER",
    type=click.Path(file_okay=False, writable=True),
    default=".",
    show_default=True,
    help="Where to make the project's folder.",
)
@json_option
def new(name: str, into: str, as_json: bool) -> None:
    """Begin a provider of your own: a distribution with the conformance kit as its tests.

    It installs at once and is listed. Its tests fail where something is still to be written, and say what.
    """
    from pathlib import Path

    from overseer_payment.cli import output
    from overseer_payment.cli.payment.scaffold import generate

    written = generate(name, Path(into))
    if as_json:
        output.write_json({"files": [str(path) for path in written]})
        return
    for path in written:
        output.line(str(path))
    output.note(f"Next: pip install -e '{written[0].parent}[test]' && cd {written[0].parent} && pytest")


def _list(as_json: bool) -> None:
    import os

    from overseer_payment.cli import output
    from overseer_payment.cli.words import state
    from overseer_payment.registry import Registry

    rows = Registry(os.environ).rows()
    if as_json:
        output.write_json({"providers": rows})
        return
    if not rows:
        output.note(
            "No provider is installed. One comes with a package that names itself a payment provider."
        )
        return
    columns = (
        output.Column("Key"),
        output.Column("Title", shrink=True, rank=2),
        output.Column("State"),
        output.Column("API version", rank=3),
        output.Column("From", shrink=True, rank=1),
    )
    table = (
        (row.key, row.title, state(row.state), row.api_version or "", _origin(row.distribution, row.version))
        for row in rows
    )
    output.table(columns, table)
    for row in rows:
        if row.error:
            output.note(f"{row.key}: {row.error}")


def _origin(distribution: str | None, version: str | None) -> str:
    return " ".join(part for part in (distribution, version) if part)
