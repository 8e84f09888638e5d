"""Mounting a plugin's routes so that they work in a stranger's application.

A mounted `Starlette()` would answer its own 500 *and* raise, so that the host answers twice; a plain
`Mount` at the empty prefix would swallow every path of the host. This does neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import BaseRoute, Match, Mount, Router
from starlette.types import ASGIApp, ExceptionHandler, Scope

from overseer_payment.draining import Drained
from overseer_payment.host.middleware import LimitBody


class PluginMount(Mount):
    """Routes below `path` that leave alone every path which is not theirs.

    `wrap` puts middleware around the routes; errors that `handlers` name are answered inside it, any
    other error goes on to the host.
    """

    def __init__(
        self,
        path: str,
        routes: Sequence[BaseRoute],
        *,
        name: str,
        handlers: Mapping[Any, ExceptionHandler],
        wrap: Callable[[ASGIApp], ASGIApp] = lambda app: app,
    ) -> None:
        self._inner = Router(routes, redirect_slashes=False)
        app = Drained(ExceptionMiddleware(LimitBody(self._inner), handlers=handlers))
        super().__init__(path, app=wrap(app), name=name)

    @property
    def routes(self) -> list[BaseRoute]:
        return self._inner.routes

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As good as the best of our routes: PARTIAL (wrong method) lets a route of the host go first."""
        match, child = super().matches(scope)
        if match is not Match.FULL:
            return match, child
        inner = {**scope, **child}
        best = max(
            (route.matches(inner)[0] for route in self.routes), key=lambda m: m.value, default=Match.NONE
        )
        return best, child if best is not Match.NONE else {}
