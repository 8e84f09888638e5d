"""`overseer serve`: the embedded host, from the environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from overseer_payment.host.serving import Site


@click.command()
@click.option("--host", "bind", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0: any free one."
)
@click.option("--demo", is_flag=True, help="Simulated payments with 90 days of history; no account needed.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes.")
def serve(bind: str, port: int, demo: bool, workers: int) -> None:
    """Start the dashboard.

    Reads OVERSEER_TOKEN (made up and printed when unset), OVERSEER_PUBLIC_URL, OVERSEER_DATABASE_URL and
    what the plugins read. Ctrl-C ends it.
    """
    if demo and workers > 1:
        raise click.UsageError("--demo keeps its simulator in one process: leave out --workers.")
    from overseer_payment.host import listening, serving

    if listening.is_exposed(bind, os.environ.get("OVERSEER_PUBLIC_URL", "")):
        _warn(
            f"listening on {bind} without https: whoever can read the network can read the token. "
            "Put a proxy with TLS in front and set OVERSEER_PUBLIC_URL=https://…"
        )
    if demo:
        click.echo("Preparing the demo …", err=True)
    serving.serve(os.environ, announce=_announce, bind=bind, port=port, workers=workers, demo=demo)


def _announce(site: Site) -> None:
    click.echo()
    click.echo(f"  {click.style('◉', fg='blue')} {click.style('Overseer', bold=True)} is running.")
    click.echo()
    _line("Open", click.style(site.login_url, underline=True))
    if site.token is not None:
        _line(
            "Token",
            f"{site.token}  {click.style('(new at each start; set OVERSEER_TOKEN to keep one)', dim=True)}",
        )
    _line("Stop", "Ctrl-C")
    click.echo()


def _line(label: str, text: str) -> None:
    click.echo(f"    {click.style(label.ljust(6), dim=True)} {text}")


def _warn(sentence: str) -> None:
    click.echo(f"{click.style('warning:', fg='yellow', bold=True)} {sentence}", err=True)
