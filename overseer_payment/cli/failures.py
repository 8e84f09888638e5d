"""How a command ends: its exit code, and one line on stderr when it failed.

0 done · 1 the answer is "no", or the work failed · 2 wrong usage · 130 interrupted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn

import click

from overseer_payment.errors import PaymentError

INTERRUPTED = 130
_PACKAGE = Path(__file__).resolve().parent.parent


class Failure(click.ClickException):
    """Ends a command with exit code 1 and one line `error: …` on stderr."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        from overseer_payment.cli.output import clean, tinted

        said = clean(self.message)  # it may name what strangers named
        click.echo(f"{tinted('error:', fg='red', bold=True)} {said}", file=file, err=True)


class WrongUsage(Failure):
    """Ends a command with exit code 2 and one line, like any other failure."""

    exit_code = 2


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn whatever is raised inside into an exit code and one clear line.

    `OVERSEER_DEBUG=1` lets an unexpected exception through with its traceback.
    """
    try:
        yield
    except PaymentError as error:
        raise Failure(_one_line(error)) from error
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None
    except click.Abort as error:
        _leave_prompt(error)
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        raise WrongUsage(_usage(error)) from None
    except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
        raise
    except Exception as error:
        if os.environ.get("OVERSEER_DEBUG", "").strip() not in {"", "0"}:
            raise
        raise Failure(_unexpected(error)) from error


def _leave_prompt(error: click.Abort) -> NoReturn:
    click.echo(err=True)  # the cursor still stands behind the question
    interrupted = isinstance(error.__context__, KeyboardInterrupt)
    raise click.exceptions.Exit(INTERRUPTED if interrupted else 1) from None


def _usage(error: click.UsageError) -> str:
    text = " ".join(error.format_message().split())
    return f"{text} See: {error.ctx.command_path} --help" if error.ctx else text


def _one_line(error: PaymentError) -> str:
    text = " ".join(error.detail.split())
    if error.retry_after and "again" not in text:
        text += f" Try again in {error.retry_after} s."
    return text


def _unexpected(error: Exception) -> str:
    # The exception's own text may hold a key, an address or SQL: its type and place are enough for a report.
    return f"unexpected {type(error).__name__}{_place(error)}. Set OVERSEER_DEBUG=1 for the traceback."


def _place(error: Exception) -> str:
    import traceback

    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(_PACKAGE) and path != Path(__file__).resolve():
            return f" at {path.relative_to(_PACKAGE.parent)}:{frame.lineno}"
    return ""
