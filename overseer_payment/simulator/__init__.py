"""A stateful Stripe-compatible server for demo, tests and users' own tests.

In one process, with the real `stripe` SDK and no socket (`client` is an `httpx.AsyncClient`)::

    world = World()
    client = httpx.AsyncClient(transport=transport(world))
    sdk = stripe.StripeClient(
        world.secret_key, base_addresses=base_addresses(), http_client=YourHTTPClient(client)
    )
    world.add_endpoint("http://app/api/v1/payment/webhook", "whsec_test")
    customer = await sdk.v1.customers.create_async({"email": "a@example.com"})

    await Deliverer(world, app_client).deliver_due()   # signed webhooks, to whatever app_client reaches
    world.clock.advance(30 * 86_400)                   # renewals and other due work happen
    world.faults.time_out("POST", "/v1/refunds", after_effect=True)
    assert_contract(world)                             # nothing ever contradicted Stripe's own types

As a server: `python -m overseer_payment.simulator --webhook URL`. Behaviour that code reaches only
through a connection can also be driven over HTTP, below `/_sim/`.
"""

from __future__ import annotations

from overseer_payment.simulator.clock import Clock
from overseer_payment.simulator.deliveries import Deliverer, Delivery
from overseer_payment.simulator.errors import ContractViolation, SimError
from overseer_payment.simulator.events import API_VERSION
from overseer_payment.simulator.faults import Faults
from overseer_payment.simulator.server import create_app, transport
from overseer_payment.simulator.serving import serving
from overseer_payment.simulator.world import World

__all__ = [
    "API_VERSION",
    "Clock",
    "ContractViolation",
    "Deliverer",
    "Delivery",
    "Faults",
    "SimError",
    "World",
    "assert_contract",
    "base_addresses",
    "create_app",
    "serving",
    "transport",
]


def assert_contract(world: World) -> None:
    """Raise AssertionError if anything the simulator produced contradicted Stripe's types."""
    if world.violations:
        raise AssertionError("\n".join(str(violation) for violation in world.violations))


def base_addresses(base: str = "http://simulator") -> dict[str, str]:
    """Return the SDK's `base_addresses`, all of them: those left out would point at the real Stripe."""
    return dict.fromkeys(("api", "files", "connect", "meter_events"), base)
