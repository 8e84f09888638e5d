"""Lists page like Stripe's, and `expand` replaces ids by objects, in depth and in lists."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from overseer_payment.simulator import World
from overseer_payment.simulator.api import register_expander
from overseer_payment.simulator.errors import SimError
from overseer_payment.simulator.expansion import rendered

pytestmark = pytest.mark.anyio


async def products(sdk: stripe.StripeClient, count: int) -> list[str]:
    """Create products and return their ids, newest first as lists give them."""
    made = [await sdk.v1.products.create_async({"name": str(number)}) for number in range(count)]
    return [product.id for product in reversed(made)]


async def test_pages_go_backwards_in_time_and_forwards_again(sdk: stripe.StripeClient) -> None:
    """`starting_after` and `ending_before` walk the same order from either end."""
    ids = await products(sdk, 5)
    first = await sdk.v1.products.list_async({"limit": 2})
    assert ([p.id for p in first.data], first.has_more) == (ids[:2], True)
    last = await sdk.v1.products.list_async({"limit": 3, "starting_after": ids[1]})
    assert ([p.id for p in last.data], last.has_more) == (ids[2:], False)
    back = await sdk.v1.products.list_async({"limit": 2, "ending_before": ids[3]})
    assert ([p.id for p in back.data], back.has_more) == (ids[1:3], True)
    assert [p.id async for p in first.auto_paging_iter()] == ids


async def test_ten_are_listed_unless_asked_otherwise(sdk: stripe.StripeClient) -> None:
    """The default page holds ten; a limit outside 1 to 100 and an unknown cursor are refused."""
    await products(sdk, 11)
    assert len((await sdk.v1.products.list_async()).data) == 10
    for refused in ({"limit": 0}, {"limit": 101}, {"starting_after": "prod_none"}):
        with pytest.raises(stripe.InvalidRequestError):
            await sdk.v1.products.list_async(refused)  # type: ignore[arg-type]  # wrong on purpose


async def test_expansion_reaches_through_objects_and_lists(sdk: stripe.StripeClient) -> None:
    """`product.default_price` of a price, and the same below `data` of a list."""
    price = await sdk.v1.prices.create_async(
        {"currency": "usd", "unit_amount": 500, "product_data": {"name": "a"}, "expand": ["product"]}
    )
    assert not isinstance(price.product, str)
    assert price.product.object == "product"
    await sdk.v1.products.update_async(price.product.id, {"default_price": price.id})
    listed = await sdk.v1.prices.list_async({"expand": ["data.product.default_price"]})
    product = listed.data[0].product
    assert not isinstance(product, str)
    assert isinstance(product, stripe.Product)
    assert isinstance(product.default_price, stripe.Price)
    assert product.default_price.id == price.id


async def test_without_expand_ids_stay_ids_afterwards(sdk: stripe.StripeClient) -> None:
    """Expanding one answer changes neither what is stored nor the next answer."""
    price = await sdk.v1.prices.create_async(
        {"currency": "usd", "unit_amount": 500, "product_data": {"name": "a"}, "expand": ["product"]}
    )
    assert isinstance((await sdk.v1.prices.retrieve_async(price.id)).product, str)


@pytest.mark.parametrize("path", ["currency", "nothing", "product.name", "data.product", "product.a.b.c.d"])
async def test_what_cannot_be_expanded_is_refused(sdk: stripe.StripeClient, path: str) -> None:
    """Plain fields, unknown fields, a list's path on an object, and more than four levels."""
    price = await sdk.v1.prices.create_async(
        {"currency": "usd", "unit_amount": 500, "product_data": {"name": "a"}}
    )
    with pytest.raises(stripe.InvalidRequestError, match="expand"):
        await sdk.v1.prices.retrieve_async(price.id, {"expand": [path]})


def test_a_registered_expander_adds_a_list_that_is_left_out_otherwise(world: World) -> None:
    """A function of the object supplies the field, and paths lead on into what it returned."""
    register_expander("review", "charge", "charge")
    register_expander("radar.value_list", "list_items", lambda world, obj: _items(obj))
    value_list = {"id": "rsl_1", "object": "radar.value_list"}
    world.put({"id": "ch_1", "object": "charge", "amount": 5})
    answer = rendered(world, value_list, ["list_items", "list_items.data.charge"])
    assert answer["list_items"]["data"][0]["charge"]["amount"] == 5
    assert "list_items" not in value_list
    with pytest.raises(SimError):
        rendered(world, value_list, ["list_items.data.reason"])


def _items(obj: dict[str, Any]) -> dict[str, Any]:
    review = {"id": "prv_1", "object": "review", "charge": "ch_1", "reason": "rule"}
    return {"object": "list", "data": [review], "has_more": False, "url": f"/v1/{obj['id']}"}
