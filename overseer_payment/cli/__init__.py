"""The command line. `main` is what the `overseer` script runs; nothing is imported before that."""

from __future__ import annotations


def main() -> None:
    """Run `overseer` with the process's arguments."""
    from overseer_payment.cli.overseer import cli

    cli(prog_name="overseer")
