"""`payment webhook listen`: events on a machine that nobody can deliver to."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from overseer_payment.cli.payment.options import json_option
from overseer_payment.cli.payment.webhook import provider_option

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from overseer_payment.cli.session import Session
    from overseer_payment.forwarding import Forwarded, Told
    from overseer_payment.provider import LocalSecret
    from overseer_payment.service import Payments


@click.command()
@click.option("--forward-to", metavar="URL", help="Default: our own webhook, below OVERSEER_PUBLIC_URL.")
@click.option("--allow-remote", is_flag=True, help="Also forward to another machine than this one.")
@click.option(
    "--since",
    metavar="YYYY-MM-DD",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Begin with what happened since this day (UTC).",
)
@click.option("--from-now", is_flag=True, help="Leave out what happened since the last time.")
@click.option(
    "--once",
    is_flag=True,
    help="End when everything there is was forwarded, or when the provider can't be reached.",
)
@click.option("--interval", metavar="SECONDS", type=click.FloatRange(0.2, 3600), default=2.0,
              show_default=True, help="How often to ask for events.")  # fmt: skip
@click.option("--print-secret", is_flag=True, help="Only print the signing secret that is used.")
@provider_option
@json_option
def listen(
    forward_to: str | None,
    allow_remote: bool,
    since: datetime | None,
    from_now: bool,
    once: bool,
    interval: float,
    print_secret: bool,
    provider: str | None,
    as_json: bool,
) -> None:
    """Bring the account's events to this machine: no Stripe CLI, no tunnel, only the API key.

    The provider's list of events is read every few seconds, and each new event is signed and posted as
    a delivery would be. It goes on where it stopped the last time. All events of the account that are
    handled here come, in the API version that the list tells them in. Ctrl-C ends it.

    Without STRIPE_WEBHOOK_SECRET a secret that follows from the API key is used; the server needs it too:

    \b
    export STRIPE_WEBHOOK_SECRET=$(overseer payment webhook listen --print-secret)
    """
    from overseer_payment.cli.session import session

    if since is not None and from_now:
        raise click.UsageError("Either --since or --from-now, not both.")
    with session(check_schema=not print_secret) as desk:
        key = desk.run(_key(desk.payments, provider))
        signer, secret = desk.run(_secret(desk.payments, key))
        if print_secret:
            _print_secret(secret, as_json)
            return
        url = _target(desk.payments, key, forward_to, allow_remote)
        listening = _Listening(desk.payments, key, signer, secret, url, interval)
        told = _until_interrupted(
            desk, listening, _as_json if as_json else _as_line, since=since, from_now=from_now, once=once
        )
    _summary(told, as_json)
    if once and told.refused:
        raise click.exceptions.Exit(1)


def _until_interrupted(
    desk: Session,
    listening: _Listening,
    report: Callable[[Forwarded], None],
    *,
    since: datetime | None,
    from_now: bool,
    once: bool,
) -> Told:
    """What was forwarded until Ctrl-C, or with `once` until all was."""
    import asyncio
    from datetime import UTC

    from overseer_payment.forwarding import Told

    told = Told()
    start = since.replace(tzinfo=UTC) if since is not None else None
    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        desk.run(listening.run(told, report, since=start, from_now=from_now, once=once))
    return told


@dataclass(frozen=True, slots=True)
class _Listening:
    """Whose events go where, and what signs them."""

    payments: Payments
    key: str
    signer: Any
    secret: LocalSecret
    url: str
    interval: float

    async def run(
        self,
        told: Told,
        report: Callable[[Forwarded], None],
        *,
        since: datetime | None,
        from_now: bool,
        once: bool,
    ) -> None:
        import httpx

        from overseer_payment.cli.output import note
        from overseer_payment.forwarding import Forwarder, is_loopback
        from overseer_payment.forwarding.delivering import Courier
        from overseer_payment.forwarding.position import Place

        _end_on_sigterm()
        place = Place(self.payments.home(self.key), self.url)
        # Past any proxy of this machine's: what is meant to stay here must not be handed to one.
        async with httpx.AsyncClient(trust_env=not is_loopback(self.url)) as http:
            courier = Courier(http, self.url, self.signer, self.secret.value, note)
            forwarder = Forwarder(
                self.payments.engine,
                place,
                self.signer,
                courier,
                report,
                self.interval,
                told=told,
                patient=not once,
            )
            at = await forwarder.begin(since, from_now=from_now)
            self.greet()
            await forwarder.run(at, once=once)

    def greet(self) -> None:
        from overseer_payment.asking.endpoints import secret_variable
        from overseer_payment.cli.output import note

        spec = self.payments.registry.spec(self.key)
        mode = "LIVE" if self.payments.home(self.key).livemode else "test"
        if not self.secret.configured:
            note(f"The server needs this secret: {secret_variable(spec)}={self.secret.value}")
        note(f"Ready: {spec.title}'s events ({mode} mode) go to {self.url}. Ctrl-C ends it.")


def _end_on_sigterm() -> None:
    """A service manager ends it as Ctrl-C does."""
    import asyncio
    import signal

    task = asyncio.current_task()
    assert task is not None
    with suppress(NotImplementedError):  # on Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def _key(payments: Payments, provider: str | None) -> str:
    """The provider to listen to. Raises NotSupported for one that can't be listened to."""
    from overseer_payment.errors import NotSupported
    from overseer_payment.provider import Capability, ListsEvents, SignsDeliveries

    key = payments.provider_key(provider)
    spec, built = payments.registry.spec(key), payments.registry.get(key)
    able = isinstance(built, ListsEvents) and isinstance(built, SignsDeliveries)
    if not able or not {Capability.EVENT_LIST, Capability.LOCAL_DELIVERY} <= spec.capabilities:
        raise NotSupported(f"{spec.title}'s events can't be listened to; let it deliver to a public address.")
    return key


async def _secret(payments: Payments, key: str) -> tuple[Any, LocalSecret]:
    signer: Any = payments.registry.get(key)
    return signer, signer.local_secret()


def _target(payments: Payments, key: str, asked: str | None, allow_remote: bool) -> str:
    from overseer_payment.forwarding import is_loopback
    from overseer_payment.shown.endpoints import webhook_urls

    if asked is None:
        return webhook_urls(payments, key)[0]
    if not asked.startswith(("http://", "https://")):
        raise click.BadParameter("Give an http or https address.", param_hint="'--forward-to'")
    if not allow_remote and not is_loopback(asked):
        raise click.BadParameter(
            "That is another machine, and events hold what customers bought. If it is meant: --allow-remote",
            param_hint="'--forward-to'",
        )
    return asked


def _print_secret(secret: LocalSecret, as_json: bool) -> None:
    from overseer_payment.cli import output

    if as_json:
        output.write_json({"secret": secret.value, "configured": secret.configured})
    else:
        click.echo(secret.value)


def _as_line(done: Forwarded) -> None:
    from overseer_payment.cli.output import Cell, line

    style = "green" if done.taken else "bold red"
    at = f"{done.at.astimezone():%Y-%m-%d %H:%M:%S}"
    line(Cell(at, "dim"), "  ", Cell(f"[{done.status}]", style), f"  {done.event.type}  ", done.event.id)


def _as_json(done: Forwarded) -> None:
    import json

    from overseer_payment.cli.words import iso

    told = {"at": iso(done.at), "status": done.status, "type": done.event.type, "id": done.event.id}
    click.echo(json.dumps(told))


def _summary(told: Told, as_json: bool) -> None:
    import json

    from overseer_payment.cli.output import line, note

    taken, refused = sum(told.types.values()), sum(told.refused.values())
    if as_json:
        click.echo(json.dumps({"forwarded": taken, "refused": refused, "types": dict(told.types)}))
        return
    kinds = ", ".join(f"{count:,} {type}" for type, count in told.types.most_common())
    line(f"Forwarded {taken:,} event{'s'[: taken != 1]}" + (f": {kinds}" if kinds else "") + ".")
    if refused:
        note(
            f"{refused:,} refused. The server's log says why; payment sync fetches them once that is mended."
        )
