"""The contract check: it accepts what Stripe's types allow, and catches what they do not."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
import stripe

from overseer_payment.simulator import ContractViolation, World, assert_contract, transport
from overseer_payment.simulator.admission import registered
from overseer_payment.simulator.api import Call, Route
from overseer_payment.simulator.contract import object_problems
from overseer_payment.simulator.contract.annotations import evaluated, union_members
from overseer_payment.simulator.contract.catalog import known_operations, operation
from overseer_payment.simulator.contract.expandable import expandable_names
from overseer_payment.simulator.contract.params import read_parameters
from overseer_payment.simulator.errors import SimError


def refund(**fields: Any) -> dict[str, Any]:
    """A refund that conforms; `fields` replace or, with the value `...`, leave out some of its own."""
    whole = {
        "id": "re_1", "object": "refund", "amount": 500, "balance_transaction": "txn_1", "charge": "ch_1",
        "created": 1_780_000_000, "currency": "usd", "metadata": {"order": "7"}, "payment_intent": "pi_1",
        "reason": None, "receipt_number": None, "source_transfer_reversal": None, "status": "succeeded",
        "transfer_reversal": None,
        "destination_details": {"type": "card", "card": {"type": "refund", "reference_status": "pending"}},
    } | fields  # fmt: skip
    return {name: value for name, value in whole.items() if value is not ...}


def event(**fields: Any) -> dict[str, Any]:
    return {
        "id": "evt_1", "object": "event", "api_version": "2026-10-28.endive", "created": 1_780_000_000,
        "data": {"object": refund()}, "livemode": False, "pending_webhooks": 0,
        "request": {"id": None, "idempotency_key": None}, "type": "refund.created",
    } | fields  # fmt: skip


def test_a_conforming_object_has_no_problems() -> None:
    """Also with an expanded field, and an event around it."""
    assert object_problems(refund()) == []
    assert object_problems(event()) == []
    product = {"id": "prod_1", "object": "product", "deleted": True}
    assert object_problems(product) == []


def test_a_name_means_what_it_means_in_its_own_module() -> None:
    """Checkout and the portal both have `SessionCreateParams`: asked for in any order, each has its own."""
    services = [f"stripe.{of}._session_service" for of in ("billing_portal", "checkout")]
    for service in services:  # so that nothing is imported, and typing's cache overwritten, in between
        evaluated("Session", service)
    for service in (*services, *reversed(services)):
        found, _ = union_members(evaluated("Optional['SessionCreateParams']", service))
        assert found.__module__.startswith(f"stripe.params.{service.split('.')[1]}.")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"amout": 5}, "amout: no such field"),
        ({"amount": ...}, "amount: missing"),
        ({"amount": "500"}, "amount: '500' is not int"),
        ({"amount": True}, "amount: True is not int"),
        ({"amount": 5.0}, "amount: 5.0 is not int"),
        ({"currency": None}, "currency: None is not str"),
        ({"charge": {"object": "charge", "id": "ch_1"}}, "charge.amount: missing"),
        ({"charge": {"object": "customer", "id": "ch_1"}}, "charge.amount: missing"),
        ({"pending_reason": "tired"}, "pending_reason: 'tired' is not"),
        ({"metadata": []}, "metadata: unexpected array"),
        (
            {"destination_details": {"type": "card", "card": {"type": "gift"}}},
            "destination_details.card.type: 'gift' is not 'pending', 'refund', 'reversal'",
        ),
        ({"object": "refnd"}, "object: 'refnd' is not an object of Stripe's API"),
    ],
)
def test_a_malformed_object_is_caught(fields: dict[str, Any], problem: str) -> None:
    """Unknown, missing and ill-typed fields, values of closed and open enumerations, in any depth."""
    assert any(found.startswith(problem) for found in object_problems(refund(**fields)))


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"type": "refund.creatd"}, "type: 'refund.creatd' is not"),
        ({"type": "charge.succeeded"}, "data.object: charge.succeeded carries a charge"),
        ({"type": "charge.dispute.created"}, "data.object: charge.dispute.created carries a dispute"),
        ({"data": {"object": refund(amount=None)}}, "data.object.amount: None is not int"),
        ({"data": {}}, "data.object: missing"),
    ],
)
def test_a_malformed_event_is_caught(fields: dict[str, Any], problem: str) -> None:
    """Its own fields, its type, what it carries, and whether type and object belong together."""
    assert any(found.startswith(problem) for found in object_problems(event(**fields)))


def test_elements_of_lists_are_checked() -> None:
    """A list is as good as its elements, and says which one is wrong."""
    listed = {
        "object": "list",
        "data": [refund(), refund(amount="x")],
        "has_more": False,
        "url": "/v1/refunds",
    }
    assert object_problems(listed) == ["data[1].amount: 'x' is not int"]
    assert "has_more: missing" in object_problems({"object": "list", "data": [], "url": "/v1/refunds"})


def test_checking_is_fast_enough_to_be_always_on() -> None:
    """Far below 0.3 ms for an event with its object, once the class is compiled."""
    object_problems(event())
    rounds = 300
    began = time.perf_counter()
    for _ in range(rounds):
        object_problems(event())
    assert (time.perf_counter() - began) / rounds < 0.0003


def test_emitting_a_malformed_object_raises_and_is_recorded() -> None:
    """In strict mode the event is not even logged, and `assert_contract` fails ever after."""
    world = World()
    with pytest.raises(ContractViolation, match=r"event refund\.created.*amount: None is not int"):
        world.emit("refund.created", refund(amount=None))
    assert world.events == []
    with pytest.raises(AssertionError, match="amount"):
        assert_contract(world)


def test_the_check_can_be_sampled_or_switched_off() -> None:
    """One in twenty for bulk work, none when only speed counts; anything else is a misspelling."""
    counts = {}
    for mode in ("all", "sample", "off"):
        world = World(check=mode)
        for _ in range(40):
            world.emit("refund.created", refund())
        counts[mode] = world.contract.checked
    assert counts == {"all": 40, "sample": 2, "off": 0}
    with pytest.raises(ValueError, match="check"):
        World(check="al")  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.anyio
async def test_a_malformed_answer_is_a_500_with_the_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client sees what was wrong, no key remembers it, and the violation is recorded."""

    def broken(call: Call) -> dict[str, Any]:
        return refund(id=call.ids["refund"], amount="500")

    template = "/v1/refunds/{refund}"
    original = next(route for route in registered() if (route.method, route.template) == ("GET", template))
    replaced = Route("GET", template, broken, original.pattern)
    monkeypatch.setattr("overseer_payment.simulator.admission.registered", lambda: [replaced])
    world = World()
    headers = {"Authorization": f"Bearer {world.secret_key}"}
    async with httpx.AsyncClient(transport=transport(world), base_url="http://s", headers=headers) as client:
        answer = await client.get("/v1/refunds/re_1")
    assert answer.status_code == 500
    assert answer.json()["error"]["problems"] == ["amount: '500' is not int"]
    assert len(world.violations) == 1


def test_every_endpoint_of_the_simulator_is_one_of_stripes() -> None:
    """No endpoint is invented: method and path stand in the SDK."""
    unknown = [(r.method, r.template) for r in registered() if operation(r.method, r.template) is None]
    assert unknown == []
    assert operation("GET", "/v1/customer") is None


def test_all_parameter_types_of_the_sdk_can_be_read() -> None:
    """The reader understands every annotation the SDK uses, so a new endpoint needs no work on it."""
    known = known_operations()
    assert len(known) > 500
    for method, template in known:
        described = operation(method, template)
        assert described is not None
        with pytest.raises(SimError) as caught:
            read_parameters(described.parameters, {"no_such_parameter": "1"})
        assert caught.value.code == "parameter_unknown"


def test_options_of_the_sdks_call_are_no_parameters_of_the_api() -> None:
    """The SDK's types inherit `api_key` and others; Stripe does not know them."""
    described = operation("POST", "/v1/refunds")
    assert described is not None
    with pytest.raises(SimError, match="unknown parameter: api_key"):
        read_parameters(described.parameters, {"api_key": "sk"})


def test_parameters_are_typed_by_the_sdk() -> None:
    """Form texts become what the SDK's TypedDict says; an empty text unsets where that is allowed."""
    described = operation("POST", "/v1/subscriptions/{id}")
    assert described is not None
    values = {
        "items": {"0": {"id": "si_1", "quantity": "3", "deleted": "false"}},
        "pause_collection": "",
        "trial_end": "now",
        "proration_date": "1780000000",
        "metadata": {"0": "zero", "gone": ""},
    }
    assert read_parameters(described.parameters, values) == {
        "items": [{"id": "si_1", "quantity": 3, "deleted": False}],
        "pause_collection": "",
        "trial_end": "now",
        "proration_date": 1_780_000_000,
        "metadata": {"0": "zero", "gone": ""},
    }
    with pytest.raises(SimError, match="Invalid object"):
        read_parameters(described.parameters, {"billing_cycle_anchor": "now"})


def test_what_can_be_expanded_is_read_from_the_sdk() -> None:
    """Directly, in hashes, in arrays; and not what holds no id."""
    assert expandable_names("charge", "customer") == ["customer"]
    assert expandable_names("invoice", "parent.subscription_details.subscription") == ["subscription"]
    assert expandable_names("subscription", "discounts") == ["discount"]
    assert expandable_names("charge", "amount") is None
    assert expandable_names("charge", "nothing") is None
    assert stripe.Charge.OBJECT_NAME == "charge"
