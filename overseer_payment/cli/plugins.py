"""`overseer plugins`, and how plugins add their commands."""

from __future__ import annotations

import json
import os

import click

from overseer_payment.cli.output import clean
from overseer_payment.host.specs import GROUP, PROJECT, HostHooks
from overseer_payment.plugins import Loaded, PluginRecord, PluginState, call_one, load

_COLOURS = {PluginState.ACTIVE: "green", PluginState.BLOCKED: "yellow", PluginState.FAILED: "red"}


def load_with_commands(cli: click.Group) -> Loaded:
    """The installed plugins; each adds its commands to `cli` whole or not at all."""
    loaded = _load()
    for record in loaded.active:
        _add_commands(cli, loaded, record)
    return loaded


def _load() -> Loaded:
    # Settings would cost this its 60 ms of pydantic: `--help` has to answer at once.
    disabled = [name.strip() for name in os.environ.get("OVERSEER_DISABLE_PLUGINS", "").split(",")]
    safe = os.environ.get("OVERSEER_SAFE_MODE", "").strip().lower() in {"1", "true", "yes", "on", "y", "t"}
    return load(PROJECT, GROUP, specs=HostHooks, disabled=filter(None, disabled), safe_mode=safe)


def _add_commands(cli: click.Group, loaded: Loaded, record: PluginRecord) -> None:
    # On a group of its own: a plugin that fails half way leaves nothing, and none replaces another's.
    scratch = click.Group(cli.name)
    call_one(loaded, record, "register_commands", cli=scratch)
    taken = set(cli.commands) | set(getattr(cli, "lazy", ()))
    clash = sorted(taken & set(scratch.commands))
    if clash:
        record.fail(f"register_commands: the command {clash[0]!r} is taken.")
    if record.active:
        cli.commands.update(scratch.commands)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def plugins(ctx: click.Context, as_json: bool) -> None:
    """List installed plugins, and what is wrong with any.

    OVERSEER_DISABLE_PLUGINS (names of plugins or distributions, comma separated) switches some off,
    OVERSEER_SAFE_MODE=1 all but our own.
    """
    group = ctx.find_root().command
    loaded = group.loaded if hasattr(group, "loaded") else _load()
    rows = [_row(record) for record in loaded.records]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif not rows:
        click.echo("No plugins are installed.")
    else:
        _print_table(rows)


def _row(record: PluginRecord) -> dict[str, str | None]:
    return {
        "name": record.name,
        "distribution": record.distribution,
        "version": record.version,
        "entry_point": record.value,
        "state": record.state.value,
        "error": record.error,
    }


def _print_table(rows: list[dict[str, str | None]]) -> None:
    # Strangers chose the names, and their exceptions' texts.
    rows = [{name: text and clean(text) for name, text in row.items()} for row in rows]
    columns = ("name", "distribution", "version", "state", "entry_point")
    widths = {c: max(len(c), *(len(row[c] or "") for row in rows)) for c in columns}
    click.echo(
        "  ".join(click.style(c.replace("_", " ").ljust(widths[c]), dim=True) for c in columns).rstrip()
    )
    for row in rows:
        cells = {c: (row[c] or "").ljust(widths[c]) for c in columns}
        cells["state"] = click.style(cells["state"], fg=_COLOURS[PluginState(str(row["state"]))])
        click.echo("  ".join(cells.values()).rstrip())
        if row["error"]:
            click.echo(f"  {row['error']}")
