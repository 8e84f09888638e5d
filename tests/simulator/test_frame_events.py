"""The event log: what an event says, and how `/v1/events` finds it again."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import stripe

from overseer_payment.simulator import API_VERSION, Deliverer, World
from overseer_payment.simulator.api import changed

pytestmark = pytest.mark.anyio
DAY = 86_400


def product(world: World, name: str, **fields: Any) -> dict[str, Any]:
    """Create a product the way Stripe holds it, with its event."""
    now = world.now()
    made = world.put(
        {
            "id": world.new_id("prod_"), "object": "product", "active": True, "created": now, "updated": now,
            "default_price": None, "description": None, "images": [], "livemode": False,
            "marketing_features": [], "metadata": {}, "name": name, "package_dimensions": None,
            "shippable": None, "statement_descriptor": None, "tax_code": None, "type": "service",
            "unit_label": None, "url": None, **fields,
        }
    )  # fmt: skip
    world.emit("product.created", made)
    return made


async def types(sdk: stripe.StripeClient, **params: Any) -> list[str]:
    page = await sdk.v1.events.list_async(params)  # type: ignore[arg-type]  # a plain dict, of names chosen at run time
    return [event.type for event in page.data]


async def test_an_event_is_a_copy_of_its_moment(world: World) -> None:
    """Later changes of the object do not reach into events that were emitted before."""
    made = product(world, "before")
    changed(world, made, "product.updated", name="after")
    first, second = world.events
    assert first["data"] == {"object": {**made, "name": "before"}}
    assert second["data"]["object"]["name"] == "after"
    assert second["data"]["previous_attributes"] == {"name": "before"}
    assert (first["api_version"], first["livemode"]) == (API_VERSION, False)


async def test_previous_attributes_hold_only_what_differed(world: World) -> None:
    """Of a hash only the changed keys are listed, new ones as null; no difference emits nothing."""
    made = product(world, "a", metadata={"kept": "1", "changed": "old"})
    changed(world, made, "product.updated", name="a", metadata={"kept": "1", "changed": "new", "added": "2"})
    assert world.events[-1]["data"]["previous_attributes"] == {"metadata": {"added": None, "changed": "old"}}
    changed(world, made, "product.updated", name="a")
    assert len(world.events) == 2


async def test_events_outside_a_request_name_none(world: World) -> None:
    """What the clock does is nobody's request."""
    world.schedule(world.now() + 10, lambda world: (product(world, "a"), None)[1], "create later")
    world.clock.advance(10)
    assert world.events[0]["request"] == {"id": None, "idempotency_key": None}
    assert world.events[0]["created"] == world.now()


async def test_the_list_filters_by_type(world: World, sdk: stripe.StripeClient) -> None:
    """`type` takes one type or a family, `types` up to twenty; both together are refused."""
    made = product(world, "a")
    changed(world, made, "product.updated", name="b")
    world.emit("product.deleted", made)
    assert await types(sdk) == ["product.deleted", "product.updated", "product.created"]
    assert await types(sdk, type="product.updated") == ["product.updated"]
    assert await types(sdk, type="product.*", limit=2) == ["product.deleted", "product.updated"]
    assert await types(sdk, types=["product.created", "product.deleted"]) == [
        "product.deleted",
        "product.created",
    ]
    for refused in ({"type": "a", "types": ["b"]}, {"types": ["product.created"] * 21}):
        with pytest.raises(stripe.InvalidRequestError):
            await types(sdk, **refused)


async def test_the_list_filters_by_creation(world: World, sdk: stripe.StripeClient) -> None:
    """Ranges and exact moments of `created`, by the account's clock."""
    moments = []
    for name in ("first", "second", "third"):
        moments.append(world.now())
        product(world, name)
        world.clock.advance(10)

    async def names(created: Any) -> list[str]:
        page = await sdk.v1.events.list_async({"created": created})
        return [event.data.object["name"] for event in page.data]

    assert await names({"gte": moments[1]}) == ["third", "second"]
    assert await names({"gt": moments[0], "lt": moments[2]}) == ["second"]
    assert await names({"lte": moments[0]}) == ["first"]
    assert await names(moments[1]) == ["second"]


async def test_reading_on_from_the_last_known_event_is_chronological(
    world: World, sdk: stripe.StripeClient
) -> None:
    """`ending_before` with auto-paging gives what came after, oldest first: how recovery reads."""
    for number in range(7):
        product(world, str(number))
    known = world.events[1]["id"]
    page = await sdk.v1.events.list_async({"ending_before": known, "limit": 2})
    assert [event.data.object["name"] for event in page.data] == ["3", "2"]
    assert page.has_more
    read = [event.data.object["name"] async for event in page.auto_paging_iter()]
    assert read == ["2", "3", "4", "5", "6"]


async def test_events_are_kept_for_thirty_days(world: World, sdk: stripe.StripeClient) -> None:
    """Older ones are neither listed nor found."""
    product(world, "old")
    old = world.events[0]["id"]
    world.clock.advance(30 * DAY)
    assert (await sdk.v1.events.retrieve_async(old)).id == old
    world.clock.advance(1)
    assert await types(sdk) == []
    with pytest.raises(stripe.InvalidRequestError, match="No such event"):
        await sdk.v1.events.retrieve_async(old)


async def test_delivery_success_tells_delivered_from_lost(world: World, sdk: stripe.StripeClient) -> None:
    """False lists what is pending or failed everywhere, true what arrived or had nowhere to go."""
    product(world, "nobody listened")
    world.add_endpoint("http://app/webhook", "whsec_test")
    product(world, "delivered")
    world.faults.drop()
    product(world, "dropped")
    answers = httpx.MockTransport(lambda _request: httpx.Response(200))
    async with httpx.AsyncClient(transport=answers) as client:
        await Deliverer(world, client).deliver_due()
    product(world, "pending")

    async def names(success: bool) -> list[str]:
        page = await sdk.v1.events.list_async({"delivery_success": success})
        return [event.data.object["name"] for event in page.data]

    assert await names(False) == ["pending", "dropped"]
    assert await names(True) == ["delivered", "nobody listened"]
