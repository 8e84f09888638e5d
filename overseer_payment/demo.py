"""Made-up payments: `overseer serve --demo`, and `payment seed`.

Both play a business against the simulator and bring its events in as the real provider would: signed,
through the webhook's own code. Their rows belong to accounts of their own and mix with no real ones.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from overseer_payment.errors import ConfigurationError, Conflict, NotFound

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from overseer_payment.host_contract import Host
    from overseer_payment.service import Payments
    from overseer_payment.simulator import World

MOUNT = "/_stripe"
DAYS = 90

Progress = Callable[[int, int], None]

_AT_ONCE = 64  # deliveries under way together: they share commits
_CONNECTIONS = 16  # of those over HTTP: the client's pool looks through all of them for each request


def _keys() -> tuple[str, str]:
    # Not sk_test_sim…: a demo that others can reach must not have a key that everybody knows.
    return f"sk_test_demo{secrets.token_hex(12)}", f"whsec_{secrets.token_hex(24)}"


def _database(public_url: str) -> str:
    # By port: two demos in one folder would remove each other's rows.
    port = urlsplit(public_url).port or 8000
    return f"sqlite+aiosqlite:///overseer-demo{'' if port == 8000 else f'-{port}'}.db"


def prepare(config: Mapping[str, str]) -> Mapping[str, str]:
    """Settings that point the Stripe plugin at a simulator of our own.

    Raises ConfigurationError when a live key is set: a demo must not be confused with the real thing.
    """
    if "_live_" in config.get("STRIPE_SECRET_KEY", ""):
        raise ConfigurationError("STRIPE_SECRET_KEY is a live key. Unset it to run the demo.")
    key, secret = _keys()
    return {
        "OVERSEER_DEMO": "1",
        "OVERSEER_DATABASE_URL": config.get("OVERSEER_DATABASE_URL")
        or _database(config["OVERSEER_PUBLIC_URL"]),
        "PAYMENT_PROVIDER": "stripe",
        "STRIPE_SECRET_KEY": key,
        "STRIPE_WEBHOOK_SECRET": secret,
        "STRIPE_API_BASE": config["OVERSEER_PUBLIC_URL"].rstrip("/") + MOUNT,
    }


class _Demo:
    """The simulated account behind one host."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        from overseer_payment.database import utcnow
        from overseer_payment.simulator import World

        public_url = str(config["OVERSEER_PUBLIC_URL"]).rstrip("/")
        self.world = World(
            start=utcnow() - timedelta(days=DAYS),
            secret_key=str(config["STRIPE_SECRET_KEY"]),
            public_url=public_url + MOUNT,
            check="sample",
        )
        self.world.add_endpoint(f"{public_url}/api/v1/payment/webhook", str(config["STRIPE_WEBHOOK_SECRET"]))
        self.delivering: asyncio.Task[None] | None = None


_demos: WeakKeyDictionary[Host, _Demo] = WeakKeyDictionary()


def _demo(host: Host) -> _Demo:
    if host not in _demos:
        _demos[host] = _Demo(host.config)
    return _demos[host]


def routes(host: Host) -> Sequence[BaseRoute]:
    """The simulator's API and hosted pages, under `/_stripe`."""
    from starlette.routing import Mount

    from overseer_payment.simulator import create_app

    return [Mount(MOUNT, app=create_app(_demo(host).world, control=False))]


async def ready(host: Host) -> None:
    """Play 90 days of a business, deliver all its events through the real endpoint, and go on delivering."""
    import httpx

    from overseer_payment.composition import payments_for
    from overseer_payment.database import write
    from overseer_payment.ledger import accounts, erase
    from overseer_payment.simulator import Deliverer

    demo, payments = _demo(host), payments_for(host)
    async with write(host.engine) as connection:
        await connection.run_sync(erase.clear, accounts.DEMO)
    await _play(demo.world, days=DAYS)
    # As many kept open as are used: opening one for each event would take most of the time.
    limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
    client = httpx.AsyncClient(trust_env=False, limits=limits)
    deliverer = Deliverer(demo.world, client, concurrency=_CONNECTIONS)
    await deliverer.deliver_due()
    await payments.worker.drain(hurry=True)
    demo.delivering = asyncio.create_task(_deliver(deliverer, client), name="overseer-payment-demo")


async def _deliver(deliverer: Any, client: Any) -> None:
    try:
        await deliverer.run()
    finally:
        await client.aclose()


def is_demo(host: Host) -> bool:
    """Is there a simulated account behind this host?"""
    return host in _demos


async def simulate(host: Host, what: str) -> str:
    """Let something happen in the demo's account, and answer what; its events arrive as always.

    `decline`: a card is refused. `dispute`: a bank takes the latest payment back. `settle`: the bank
    debits that are under way arrive, or fail if their account says so. `month`: what would happen within
    a month happens now: renewals, ends, deadlines. Raises NotFound.
    """
    if host not in _demos or what not in _SIMULATIONS:
        raise NotFound("Only a demo can simulate, and not this.")
    return await asyncio.to_thread(_SIMULATIONS[what], _demos[host].world)


def _decline(world: World) -> str:
    from overseer_payment.simulator import scenario

    price = next(price for price in world.find("price", active=True) if not price["recurring"])
    with world.lock:
        scenario.buy(world, price, card="4000000000000002", email="lena@example.com", name="Lena Declined")
    return "A card was declined. The failed payment appears in the list."


def _dispute(world: World) -> str:
    from overseer_payment.simulator import scenario

    charges = world.find("charge", status="succeeded", captured=True, disputed=False, refunded=False)
    if not charges:
        raise Conflict("There is no payment left that could be disputed.")
    with world.lock:
        scenario.dispute(world, charges[0])
    return "A bank disputes the latest payment. The deadline for an answer is in 20 days."


def _settle(world: World) -> str:
    with world.lock:
        count = world.clock.hurry("bank debit of ")
    if not count:
        return "No bank debit is under way. Open a checkout and pay it from a bank account first."
    return f"{count} bank debit{'s have' if count > 1 else ' has'} been decided."


_months: WeakKeyDictionary[World, int] = WeakKeyDictionary()
"""How many months each demo is ahead of its clock."""


def _month(world: World) -> str:
    # Not by moving its clock: what it did then would lie ahead of ours, and be shown nowhere.
    with world.lock:
        _months[world] = _months.get(world, 0) + 1
        until = world.now() + _months[world] * 31 * 86_400
        due = [label for at, label in world.clock.scheduled() if at <= until]
        for label in due:
            world.clock.hurry(label)
        # A period that ends drafts an invoice, which is paid an hour later.
        world.clock.hurry("finalization of invoice ")
    ended = sum(label.startswith("period end of ") for label in due)
    if not ended:
        return "No subscription comes to the end of a period within a month. Open a checkout for one first."
    who = f"{ended} subscription{'s' if ended > 1 else ''}"
    return (
        f"A month has passed in a moment: {who} came to the end of a period, and renewed, ended or could not "
        "pay. It all appears in the lists, as of now."
    )


_SIMULATIONS: Mapping[str, Callable[[World], str]] = {
    "decline": _decline,
    "dispute": _dispute,
    "settle": _settle,
    "month": _month,
}


async def stop(host: Host) -> None:
    """End the demo's deliveries, if there is a demo."""
    demo = _demos.pop(host, None)
    if demo is not None and demo.delivering is not None:
        demo.delivering.cancel()
        await asyncio.gather(demo.delivering, return_exceptions=True)


async def _play(world: World, *, days: int) -> None:
    from overseer_payment.simulator.scenario import play_history

    # In a thread: the server goes on answering (health checks, the page) while history is made.
    await asyncio.to_thread(play_history, world, days=days)


# -- example data --------------------------------------------------------------------------------------


async def seed(payments: Payments, *, days: int = DAYS, progress: Progress | None = None) -> int:
    """Fill the example account of this database anew; answers how many events that took."""
    from overseer_payment.database import utcnow, write
    from overseer_payment.ledger import accounts, erase
    from overseer_payment.service import Payments
    from overseer_payment.simulator import World

    key, secret = _keys()
    world = World(start=utcnow() - timedelta(days=days), secret_key=key, check="sample")
    await _play(world, days=days)
    async with write(payments.engine) as connection:
        await connection.run_sync(erase.clear, accounts.EXAMPLE)
    example = Payments(
        payments.engine, _registry(world, key, secret), payments.settings, account=accounts.EXAMPLE
    )
    try:
        await _deliver_all(example, world.events, secret, progress)
        await example.worker.drain(hurry=True)
    finally:
        await example.aclose()
    return len(world.events)


def _registry(world: World, key: str, secret: str) -> Any:
    import httpx

    from overseer_payment.registry import Registry
    from overseer_payment.simulator import transport

    config = {"STRIPE_SECRET_KEY": key, "STRIPE_WEBHOOK_SECRET": secret, "OVERSEER_SAFE_MODE": "1"}
    return Registry(config, http_factory=lambda _: httpx.AsyncClient(transport=transport(world)))


async def _deliver_all(
    example: Payments, events: Sequence[dict[str, Any]], secret: str, progress: Progress | None
) -> None:
    from overseer_payment.simulator.deliveries import signature

    async def one(event: dict[str, Any]) -> None:
        body = json.dumps(event).encode()
        header = signature(body, [secret], int(time.time()))
        await example.receive("stripe", body, {"stripe-signature": header})

    for start in range(0, len(events), _AT_ONCE):
        await asyncio.gather(*(one(event) for event in events[start : start + _AT_ONCE]))
        await example.worker.drain()
        if progress is not None:
            progress(min(start + _AT_ONCE, len(events)), len(events))


async def clear(payments: Payments) -> int:
    """Remove the example account's rows and nothing else; answers how many events that were."""
    from overseer_payment.database import write
    from overseer_payment.ledger import accounts, erase

    async with write(payments.engine) as connection:
        return await connection.run_sync(erase.clear, accounts.EXAMPLE)


async def is_shown(payments: Payments) -> bool:
    """Is example data what lists and sums tell of? Not beside real business."""
    from overseer_payment.committing import queried
    from overseer_payment.ledger import accounts
    from overseer_payment.shown import whose

    shown = await queried(payments.engine, whose.listed, payments.homes(), payments.account)
    return any(account.account == accounts.EXAMPLE for account in shown)
