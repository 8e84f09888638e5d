"""Runs the embedded host: one process, or several that share a socket, until somebody ends it."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import uvicorn
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from overseer_payment.environ import environ_of
from overseer_payment.errors import ConfigurationError
from overseer_payment.host import schema
from overseer_payment.host.app import create_app, log_to_stderr
from overseer_payment.host.contributions import load_host_plugins
from overseer_payment.host.embedded import EmbeddedHost
from overseer_payment.host.listening import listen, url_of
from overseer_payment.plugins import acall_each, call_each
from overseer_payment.settings import Settings, read_settings

DEMO_SECONDS = 300.0
_SERVER: Mapping[str, Any] = {
    "log_level": "warning",
    # It would write down `/login?token=…`.
    "access_log": False,
    "server_header": False,
    "timeout_graceful_shutdown": 10,
    "lifespan": "on",
}


def _server(config: Mapping[str, str]) -> dict[str, Any]:
    # By default uvicorn believes any process on this machine, so that each request could name an address
    # of its own and never meet the throttle: only proxies that the operator names are believed.
    trusted = config.get("FORWARDED_ALLOW_IPS", "")
    return {**_SERVER, "proxy_headers": bool(trusted), "forwarded_allow_ips": trusted}


@dataclass(frozen=True, slots=True)
class Site:
    """What the person who started us is told once requests are answered. `token` is None if they chose it."""

    url: str
    login_url: str
    token: str | None


@dataclass(frozen=True, slots=True)
class _Plan:
    config: Mapping[str, str]
    token_generated: bool
    demo: bool
    announce: Callable[[Site], None]


def serve(
    environ: Mapping[str, str],
    *,
    announce: Callable[[Site], None],
    bind: str = "127.0.0.1",
    port: int = 8000,
    workers: int = 1,
    demo: bool = False,
) -> None:
    """Serve until SIGINT or SIGTERM, finishing what is under way; `announce` when requests are answered.

    Raises ConfigurationError for an address or setting that can't be used, DatabaseError for a database
    that can't be reached or is outdated.
    """
    log_to_stderr()
    sock = listen(bind, port)
    try:
        with _ended_by_signal():
            plan = _plan(environ, url_of(sock), announce, demo=demo)
            if workers > 1:
                _serve_many(plan, sock, workers)
            else:
                with asyncio.Runner(loop_factory=uvicorn.Config("").get_loop_factory()) as runner:
                    runner.run(_serve_one(plan, sock))
    finally:
        sock.close()


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    # uvicorn shuts down in good order and then raises the signal again, which would end us with a bad
    # exit code. Being told to stop is no failure.
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _plan(environ: Mapping[str, str], own_url: str, announce: Callable[[Site], None], *, demo: bool) -> _Plan:
    config = {"OVERSEER_PUBLIC_URL": own_url} | {name: text for name, text in environ.items() if text.strip()}
    generated = "OVERSEER_TOKEN" not in config
    if generated:
        config["OVERSEER_TOKEN"] = secrets.token_urlsafe(24)
    if demo:
        config.update(_demo_settings(config))
    return _Plan(config, generated, demo, announce)


def _demo_settings(config: Mapping[str, str]) -> dict[str, str]:
    loaded = load_host_plugins(read_settings(Settings, environ_of(config)))
    able = loaded.active
    settings = [found for _, found in call_each(loaded, "prepare_demo", config=config)]
    for record in able:
        if not record.active:
            # Going on would mean a demo on whatever is configured, perhaps a live account.
            raise ConfigurationError(str(record.error).removeprefix("prepare_demo: "))
    return {name: text for found in settings for name, text in found.items()}


async def _serve_one(plan: _Plan, sock: socket.socket) -> None:
    app = create_app(plan.config, demo=plan.demo, alone=True)
    await _check_database(app)

    async def ready() -> None:
        if plan.demo:
            host: EmbeddedHost = app.state.host
            loaded = host.contributions.loaded
            await acall_each(loaded, "demo_ready", timeout=DEMO_SECONDS, host=host)
        plan.announce(_site(plan, app))

    await _Server(uvicorn.Config(app, **_server(plan.config)), ready).serve(sockets=[sock])


def _serve_many(plan: _Plan, sock: socket.socket, workers: int) -> None:
    app = create_app(plan.config)
    asyncio.run(_check_database(app))
    # Workers are new processes and read their environment; all must know the same token.
    os.environ.update(plan.config)
    config = uvicorn.Config(
        "overseer_payment.host.app:from_environment",
        factory=True,
        workers=workers,
        **_server(plan.config),
    )
    supervisor = Multiprocess(config, sockets=[sock])
    # The socket listens already: whoever comes before the first worker waits a moment.
    plan.announce(_site(plan, app))
    supervisor.run()


async def _check_database(app: Starlette) -> None:
    # Before the server starts: its own report of a failed start-up is a traceback, ours is one line.
    host: EmbeddedHost = app.state.host
    try:
        await schema.prepare(host.engine, host.contributions.schemas)
    finally:
        await host.engine.dispose()


def _site(plan: _Plan, app: Starlette) -> Site:
    host: EmbeddedHost = app.state.host
    url, token = host.settings.public_url, plan.config["OVERSEER_TOKEN"]
    return Site(
        url=url,
        # A token that somebody chose stays out of logs and scrollback.
        login_url=f"{url}/login?token={quote(token, safe='')}" if plan.token_generated else f"{url}/login",
        token=token if plan.token_generated else None,
    )


class _Server(uvicorn.Server):
    """Runs `ready` once requests are answered, beside answering them: a demo talks to this very server."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._ready = ready
        self._task: asyncio.Future[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._task = asyncio.ensure_future(self._ready())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await super().shutdown(sockets)
