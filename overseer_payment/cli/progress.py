"""What a command is at, on stderr and only while a person watches: nothing of it reaches a pipe or a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

Count: TypeAlias = Callable[[str, int], None]
"""Told what was counted last, like `invoice_payment`, and how many by now."""
Share: TypeAlias = Callable[[int, int], None]
"""Told how many are done, of how many."""


@contextmanager
def counter(title: str) -> Iterator[Count | None]:
    """Of something whose end isn't known; None where nobody watches."""
    import sys

    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from overseer_payment.cli.output import console

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console(sys.stderr), transient=True) as shown:
        task = shown.add_task(title, total=None)
        yield lambda kind, count: shown.update(task, description=f"{title}: {count:,} {several(kind, count)}")


@contextmanager
def bar(title: str) -> Iterator[Share | None]:
    """Of something whose end is known; None where nobody watches."""
    import sys

    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import Progress

    from overseer_payment.cli.output import console

    with Progress(console=console(sys.stderr), transient=True) as shown:
        task = shown.add_task(title, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


def several(kind: str, count: int = 2) -> str:
    """`invoice_payment` → `invoice payments`; one of it stays single."""
    words = kind.replace("_", " ")
    return words if count == 1 else f"{words}s"
