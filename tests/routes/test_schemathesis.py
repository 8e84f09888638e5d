"""The interface against its own document: generated requests, alone and in sequence, find no fault."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import anyio
import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.stateful import run_state_machine_as_test
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from overseer_payment.host import create_app
from overseer_payment.routes.api import ALL_OPS
from overseer_payment.routes.op import PREFIX, Op
from overseer_payment.simulator import Deliverer, World, assert_contract
from overseer_payment.simulator import create_app as simulated
from tests.support.emptied import Emptied
from tests.support.server import serving

TOKEN = "a-token-for-tests-0123456789"
SECRET = "whsec_c2NoZW1hdGhlc2lz"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
BOUNDED = settings(
    deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
EXCLUDED = [
    positive_data_acceptance,  # a price that isn't there is 422, and no schema knows which are
    ignored_auth,  # asks with wrong tokens until the host counts too many; `test_access.py` has it
]


@dataclass
class Place:
    """A real host, whose Stripe is the simulator."""

    base: str
    stripe: str
    world: World

    def post(self, path: str, **params: str) -> None:
        """A call of Stripe's API by the business itself."""
        key = {"Authorization": f"Bearer {self.world.secret_key}"}
        httpx.post(f"{self.stripe}/v1/{path}", data=params, headers=key).raise_for_status()

    async def deliver(self) -> None:
        async with httpx.AsyncClient() as http:
            await Deliverer(self.world, http).deliver_due()

    def rows(self, name: str) -> list[Any]:
        answer = httpx.get(f"{self.base}{PREFIX}/{name}", headers=AUTHORIZED)
        return list(answer.raise_for_status().json()[name])


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, emptied_postgres: Emptied
) -> Iterator[str]:
    """A database for all tests of this file, of each kind."""
    if request.param == "postgresql":
        with emptied_postgres.database() as url:
            yield url
    else:
        yield f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('schemathesis') / 'overseer.db'}"


@pytest.fixture(scope="module")
def place(url: str) -> Iterator[Place]:
    world = World()
    with serving(simulated(world), lifespan="off") as stripe:
        config = {
            "OVERSEER_DATABASE_URL": url,
            "OVERSEER_TOKEN": TOKEN,
            "STRIPE_SECRET_KEY": world.secret_key,
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "STRIPE_API_BASE": stripe,
        }
        with serving(create_app(config), lifespan="on") as base:
            yield Place(base, stripe, world)
    assert_contract(world)


@pytest.fixture(scope="module")
def business(place: Place) -> None:
    """Something to read and to act upon: payments and a customer, brought by signed deliveries."""
    place.world.add_endpoint(f"{place.base}{PREFIX}/webhook", SECRET)
    place.post("customers", name="Ada")
    fixed = {"confirm": "true", "payment_method": "pm_card_visa", "return_url": "https://app.example/back"}
    for amount in ("1000", "2500"):
        place.post("payment_intents", amount=amount, currency="usd", **fixed)
    anyio.run(place.deliver)
    for _ in range(200):
        if len(place.rows("transactions")) == 2 and place.rows("customers"):
            return
        time.sleep(0.05)
    raise TimeoutError("The payments were not applied.")


@pytest.fixture(scope="module")
def api(place: Place) -> Any:
    """The document as schemathesis reads it."""
    return schemathesis.openapi.from_url(f"{place.base}{PREFIX}/openapi.json")


# First: the requests below leave little of the business that a sequence could follow.
def test_generated_sequences_find_no_fault(api: Any, business: None) -> None:
    """The same along the document's links: what a list names is read, and acted upon."""
    answered: set[tuple[str, int]] = set()

    class Walk(api.as_state_machine()):  # type: ignore[misc]  # made at run time from the document
        def get_call_kwargs(self, case: schemathesis.Case[Any]) -> dict[str, Any]:
            return {"headers": AUTHORIZED}

        def validate_response(self, response: Any, case: schemathesis.Case[Any], **more: Any) -> None:
            answered.add((case.operation.path, response.status_code))
            case.validate_response(response, excluded_checks=EXCLUDED)

    run_state_machine_as_test(Walk, settings=settings(BOUNDED, max_examples=6, stateful_step_count=10))
    followed = {path for path, status in answered if "{" in path and status == 200}
    assert len(followed) > 1, sorted(answered)


@pytest.mark.parametrize("op", ALL_OPS, ids=lambda op: op.name)
def test_generated_requests_find_no_fault(op: Op, api: Any) -> None:
    """Whatever is asked: a documented status, the documented shape, and no failure of our own."""

    @given(case=api[PREFIX + op.path][op.method].as_strategy())
    @settings(BOUNDED, max_examples=3)
    def ask(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(headers=AUTHORIZED, excluded_checks=EXCLUDED)

    ask()
