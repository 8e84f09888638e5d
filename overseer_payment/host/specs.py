"""Hooks that a host calls on its plugins: pluggy project `overseer`, entry-point group `overseer.plugins`.

All of them are synchronous, pure and cheap, unless they say otherwise; what they return does the work.
A plugin's module is imported for every `overseer --help`, so it should import little. The marker:

    from overseer_payment.host import hookimpl
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click
    from starlette.routing import BaseRoute

    from overseer_payment.host_contract import Card, Host, Schema

PROJECT = "overseer"
GROUP = "overseer.plugins"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class HostHooks:
    """What a host's plugin may implement; none of it is obligatory."""

    @hookspec
    def check_configuration(self, host: Host) -> str | None:
        """What must be mended before the host may start, as a sentence; nothing if all is well."""

    @hookspec
    def register_routes(self, host: Host) -> Sequence[BaseRoute]:
        """Pages and APIs for people who are signed in. Paths are absolute within the host's mount.

        The routes ask `host.authorize` for each operation themselves: the host only keeps out strangers.
        """

    @hookspec
    def register_public_routes(self, host: Host) -> Sequence[BaseRoute]:
        """Routes outside login and CSRF: webhooks, return pages, static files. They get the raw body."""

    @hookspec
    def register_commands(self, cli: click.Group) -> None:
        """Add commands to the host's command line (the same hook as Datasette's and llm's)."""

    @hookspec
    def register_tables(self) -> Schema:
        """The plugin's tables and their migrations."""

    @hookspec
    def register_permissions(self) -> Mapping[str, str]:
        """Permissions that the plugin asks `host.authorize` for: name → what it allows."""

    @hookspec
    def register_cards(self, host: Host) -> Sequence[Card]:
        """Cards for the dashboard. One that fails or is slow is shown as unavailable."""

    @hookspec
    def lifespan(self, host: Host) -> AbstractAsyncContextManager[None]:
        """Entered when the host has started, left before it stops."""

    @hookspec
    def prepare_demo(self, config: Mapping[str, str]) -> Mapping[str, str]:
        """Settings to lay over `config` for `overseer serve --demo`."""

    @hookspec
    def demo_routes(self, host: Host) -> Sequence[BaseRoute]:
        """Public routes that exist in a demo only."""

    @hookspec
    def demo_ready(self, host: Host) -> Awaitable[None] | None:
        """Called when the demo's server answers requests: the time to fill in example data. May be async."""
