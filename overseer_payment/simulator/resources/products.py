"""Products: what is sold. Prices say for how much."""

from __future__ import annotations

from typing import Any

from overseer_payment.simulator.api import Call, changed, endpoint, paged
from overseer_payment.simulator.resources.shapes import Json, emptied, given, metadata, refuse
from overseer_payment.simulator.world import World

_PLAIN = ("active", "description", "shippable", "statement_descriptor", "tax_code", "unit_label", "url")
_LISTS = ("images", "marketing_features")


def new_product(world: World, name: str, **fields: Any) -> Json:
    """Store and announce a product. `fields` are top-level fields of Stripe's object, `id` included."""
    now = world.clock.now()
    product: Json = {
        "id": fields.pop("id", None) or world.new_id("prod_"),
        "object": "product",
        "active": True,
        "created": now,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": name,
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": "service",
        "unit_label": None,
        "updated": now,
        "url": None,
    }
    product.update(fields)
    world.put(product)
    world.emit("product.created", product)
    return product


@endpoint("POST", "/v1/products")
def create_product(call: Call) -> Json:
    """Create a product, with its default price when `default_price_data` is sent."""
    from overseer_payment.simulator.resources.prices import price_from_data

    params = call.params
    if "id" in params and call.world.peek("product", params["id"]):
        raise refuse("Product already exists.", code="resource_already_exists", param="id")
    fields = given(params, *_PLAIN, *_LISTS, "id", "type", "package_dimensions")
    fields["metadata"] = metadata(params.get("metadata"))
    product = new_product(call.world, params["name"], **fields)
    if data := params.get("default_price_data"):
        price = price_from_data(call.world, data, product=product["id"], param="default_price_data")
        changed(call.world, product, None, default_price=price["id"])
    return product


@endpoint("GET", "/v1/products")
def list_products(call: Call) -> Json:
    """List products; filters `active`, `ids`, `shippable`, `type`, `url`."""
    params = call.params
    equal = {name: params[name] for name in ("active", "shippable", "type", "url") if name in params}
    found = call.world.find("product", **equal)
    if "ids" in params:
        found = [product for product in found if product["id"] in params["ids"]]
    return paged(call, found)


@endpoint("GET", "/v1/products/{id}")
def retrieve_product(call: Call) -> Json:
    """Return one product."""
    return call.world.get("product", call.ids["id"])


@endpoint("POST", "/v1/products/{id}")
def update_product(call: Call) -> Json:
    """Change what may be changed of a product."""
    product, params = call.world.get("product", call.ids["id"]), call.params
    values = given(params, "name", "package_dimensions", *_PLAIN)
    values |= {name: emptied(params[name]) or [] for name in _LISTS if name in params}
    if "default_price" in params:
        price = call.world.get("price", params["default_price"], param="default_price")
        if price["product"] != product["id"]:
            raise refuse("The price does not belong to this product.", param="default_price")
        values["default_price"] = price["id"]
    if "metadata" in params:
        values["metadata"] = metadata(params["metadata"], product["metadata"])
    return changed(call.world, product, "product.updated", **values, updated=call.world.clock.now())


@endpoint("DELETE", "/v1/products/{id}")
def delete_product(call: Call) -> Json:
    """Delete a product that has no price."""
    product = call.world.get("product", call.ids["id"])
    if call.world.find("price", product=product["id"]):
        raise refuse("This product cannot be deleted because it has one or more user-created prices.")
    stub = call.world.remove(product)
    call.world.emit("product.deleted", product)
    return stub
