"""`python -m overseer_payment.simulator`: serve a simulated account on 127.0.0.1 and deliver its webhooks."""

from __future__ import annotations

import secrets
import signal
from typing import Literal

import anyio
import click

from overseer_payment.simulator.serving import serving
from overseer_payment.simulator.world import World

_GENERATED_BYTES = 16


@click.command()
@click.option("--port", default=12111, show_default=True, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--key", default="sk_test_sim", show_default=True, help="The secret API key that is accepted.")
@click.option("--webhook", "url", help="Where events are delivered, for example …/api/v1/payment/webhook.")
@click.option("--secret", help="The webhook's signing secret (whsec_…); generated when left out.")
@click.option("--seed", default=1, show_default=True, help="Fixes ids and random choices.")
@click.option("--check", type=click.Choice(["all", "sample", "off"]), default="all", show_default=True,
              help="How much of what is produced is compared with Stripe's types.")  # fmt: skip
def main(
    *,
    port: int,
    key: str,
    url: str | None,
    secret: str | None,
    seed: int,
    check: Literal["all", "sample", "off"],
) -> None:
    """Serve a simulated Stripe account."""
    world = World(secret_key=key, seed=seed, check=check)
    if url:
        secret = secret or f"whsec_{secrets.token_hex(_GENERATED_BYTES)}"
        world.add_endpoint(url, secret)
        click.echo(f"STRIPE_WEBHOOK_SECRET={secret}")
    try:
        anyio.run(_serve, world, port)
    except OSError as error:
        raise click.ClickException(f"Cannot listen on 127.0.0.1:{port}: {error.strerror}.") from error


async def _serve(world: World, port: int) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with serving(world, port=port) as base:
            click.echo(f"STRIPE_API_BASE={base}")
            click.echo(f"STRIPE_SECRET_KEY={world.secret_key}")
            async for _ in signals:
                break


if __name__ == "__main__":
    main()
