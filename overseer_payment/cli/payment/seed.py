"""`payment seed`: example data in an account of its own."""

from __future__ import annotations

import click

from overseer_payment.cli.payment.options import command, json_option
from overseer_payment.cli.progress import bar


@click.command()
@click.option("--days", type=click.IntRange(1, 3650), default=90, show_default=True, help="How far back.")
@click.option("--clear", is_flag=True, help="Remove the example account's rows, and nothing else.")
@json_option
def seed(days: int, clear: bool, as_json: bool) -> None:
    """Fill in example data, in an account of its own that mixes with no real one."""
    from overseer_payment import demo
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session

    with session() as desk:
        if clear:
            count = desk.run(demo.clear(desk.payments))
        else:
            with bar("Example data") as report:
                count = desk.run(demo.seed(desk.payments, days=days, progress=report))
            shown = desk.run(demo.is_shown(desk.payments))
    if as_json:
        output.write_json({"removed" if clear else "added": count})
    elif clear:
        output.line(
            f"Removed the example data ({count:,} events)." if count else "There was no example data."
        )
    else:
        where = f"See them: {command('status')}" if shown else "They stay hidden behind the real business."
        output.line(f"Added {count:,} example events over {days} days. {where}")
