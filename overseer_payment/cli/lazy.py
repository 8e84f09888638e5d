"""A click group that knows its commands by name and imports one only when it is run.

Help is written from the short texts given here, so `--help` costs no command's imports.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class LazyGroup(click.Group):
    """A group whose `lazy` commands are `name → ("module:attribute", "short help")`.

    Commands added the usual way (`add_command`, `@group.command()`) work beside them and win over a
    lazy one of the same name.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = dict(lazy or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Lazy commands in the order given (the most used come first), then the others by name."""
        return [*self.lazy, *(name for name in super().list_commands(ctx) if name not in self.lazy)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command if it is lazy; None if there is none of that name."""
        if cmd_name in self.commands or cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.lazy[cmd_name][0].partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self.lazy[cmd_name][0]} is not a click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands section from short texts alone."""
        if rows := self.short_helps(ctx, formatter.width):
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def short_helps(self, ctx: click.Context, width: int = 80) -> list[tuple[str, str]]:
        """Name and short help of every command that is not hidden."""
        names = [name for name in self.list_commands(ctx) if not self._is_hidden(name)]
        limit = max(20, width - 6 - max(map(len, names), default=0))
        return [(name, self._short_help(name, limit)) for name in names]

    def _is_hidden(self, name: str) -> bool:
        return name in self.commands and self.commands[name].hidden

    def _short_help(self, name: str, limit: int) -> str:
        own = self.commands.get(name)
        return self.lazy[name][1] if own is None else own.get_short_help_str(limit)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names from the same short texts; click's own would import every command."""
        from click.shell_completion import CompletionItem

        found = [(name, text) for name, text in self.short_helps(ctx) if name.startswith(incomplete)]
        # Command's, not Group's: the group's own options, without its loop over all commands.
        return [
            *(CompletionItem(name, help=text) for name, text in found),
            *click.Command.shell_complete(self, ctx, incomplete),
        ]
