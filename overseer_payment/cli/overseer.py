"""The embedded host's command `overseer`: its own commands, and whatever its plugins add."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from overseer_payment.cli.failures import one_line_errors
from overseer_payment.cli.lazy import LazyGroup
from overseer_payment.cli.output import clean

if TYPE_CHECKING:
    from overseer_payment.plugins import Loaded

_HERE = "overseer_payment.cli"


class OverseerGroup(LazyGroup):
    """Loads plugins when a name is asked for that is not its own; then their commands are like its own."""

    @cached_property
    def loaded(self) -> Loaded:
        """The installed plugins, after each has added its commands."""
        from overseer_payment.cli.plugins import load_with_commands

        return load_with_commands(self)

    def list_commands(self, ctx: click.Context) -> list[str]:
        _ = self.loaded
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            _ = self.loaded
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            off = [clean(record.name) for record in self.loaded.records if not record.active]
            if not off:
                raise
            hint = f"Plugins that are off: {', '.join(off)} (see: overseer plugins)."
            raise click.UsageError(f"{error.message} {hint}", ctx) from None

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        with one_line_errors():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with one_line_errors():
            return super().invoke(ctx)


@click.group(
    cls=OverseerGroup,
    lazy={
        "serve": (f"{_HERE}.serve:serve", "Start the dashboard."),
        "plugins": (f"{_HERE}.plugins:plugins", "List installed plugins, and what is wrong with any."),
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="overseer-payment", prog_name="overseer")
def cli() -> None:
    """A small admin dashboard for whatever plugins are installed beside it."""
