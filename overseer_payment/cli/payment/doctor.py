"""`payment doctor`: every misconfiguration with its cure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from overseer_payment.cli.payment.options import json_option
from overseer_payment.errors import PaymentError

if TYPE_CHECKING:
    from overseer_payment.schemas import Finding

_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "error": ("✗", "bold red")}


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Find every misconfiguration, with its cure. Exit code 1 if there is one."""
    from overseer_payment.cli import output

    findings = _examine()
    if as_json:
        output.write_json({"findings": findings})
    else:
        _show(findings)
    if any(finding.level != "ok" for finding in findings):
        raise click.exceptions.Exit(1)


def _examine() -> list[Finding]:
    from overseer_payment.cli.session import session
    from overseer_payment.schemas import Finding

    try:
        with session(check_schema=False) as desk:
            return desk.run(desk.payments.doctor(from_outside=True))
    except PaymentError as error:  # what keeps us from even looking is a finding as well
        return [Finding(id=error.code, level="error", title=error.detail)]


def _show(findings: list[Finding]) -> None:
    from overseer_payment.cli.output import Cell, line

    for finding in findings:
        mark, style = _MARKS[finding.level]
        line(Cell(f"{mark} ", style), Cell(finding.title, "bold" if finding.level == "error" else ""))
        if finding.cure and finding.level != "ok":
            line(Cell(f"  {finding.cure}", "dim"))
    errors = sum(finding.level == "error" for finding in findings)
    warnings = sum(finding.level == "warning" for finding in findings)
    line(_summary(errors, warnings))


def _summary(errors: int, warnings: int) -> str:
    counts = [
        f"{count} {word}{'s'[: count != 1]}"
        for count, word in ((errors, "error"), (warnings, "warning"))
        if count
    ]
    return f"{' and '.join(counts)}." if counts else "Everything is in order."
