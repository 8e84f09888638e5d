"""`payment providers`: which payment providers are installed, and what state each is in."""

from __future__ import annotations

import click

from overseer_payment.cli.payment.options import json_option


@click.command()
@json_option
def providers(as_json: bool) -> None:
    """List payment providers and their state. Needs no database."""
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
