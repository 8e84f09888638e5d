"""A click group that knows its commands by name and imports one only when it is run.

Help is written from the short texts given here, so `--help` costs no command's imports.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


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
        limit = max(20, formatter.width - 6 - max(map(len, self.list_commands(ctx)), default=0))
        rows = [
            (name, self._short_help(name, limit)) for name in self.list_commands(ctx) if self._shown(name)
        ]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def _shown(self, name: str) -> bool:
        return name not in self.commands or not self.commands[name].hidden

    def _short_help(self, name: str, limit: int) -> str:
        own = self.commands.get(name)
        return self.lazy[name][1] if own is None else own.get_short_help_str(limit)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete names from the same short texts; click's own would import every command."""
        from click.shell_completion import CompletionItem

        names = [
            name for name in self.list_commands(ctx) if name.startswith(incomplete) and self._shown(name)
        ]
        found = [CompletionItem(name, help=self._short_help(name, 80)) for name in names]
        # click.Command's, not Group's: options of the group itself, without its loop over all commands.
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]
