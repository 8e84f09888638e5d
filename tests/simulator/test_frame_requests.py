"""What a request must bring to be executed, and how it is refused otherwise: in Stripe's own words."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import stripe
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from overseer_payment.simulator import World
from overseer_payment.simulator.contract.catalog import operation
from overseer_payment.simulator.contract.params import read_parameters
from overseer_payment.simulator.dispatch import Request
from overseer_payment.simulator.errors import SimError
from overseer_payment.simulator.forms import nested, pairs_of
from overseer_payment.simulator.server import read_request

pytestmark = pytest.mark.anyio
NewSdk = Callable[..., stripe.StripeClient]


async def refused(http: httpx.AsyncClient, path: str, body: str) -> dict[str, Any]:
    answer = await http.post(path, content=body)
    assert answer.status_code == 400, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    return error


async def test_a_wrong_key_is_401_and_not_repeated_in_full(new_sdk: NewSdk) -> None:
    """The SDK raises AuthenticationError; the message shows only the ends of the key."""
    with pytest.raises(stripe.AuthenticationError) as caught:
        await new_sdk(key="sk_test_wrong_and_secret_9876").v1.products.list_async()
    assert caught.value.http_status == 401
    assert "wrong_and_secret" not in str(caught.value)


async def test_no_key_is_401(world: World, http: httpx.AsyncClient) -> None:
    """A request without Authorization is told how to give a key."""
    del http.headers["Authorization"]
    answer = await http.get("/v1/products")
    assert answer.status_code == 401
    assert "did not provide an API key" in answer.json()["error"]["message"]


async def test_basic_auth_with_the_key_as_user_is_accepted(world: World, http: httpx.AsyncClient) -> None:
    """`curl -u KEY:` works, as Stripe's documentation shows it."""
    answer = await http.get("/v1/products", auth=(world.secret_key, ""))
    assert answer.status_code == 200


async def test_another_api_version_is_refused(http: httpx.AsyncClient) -> None:
    """Only the pinned version is spoken; any other would get an answer in the wrong dialect."""
    answer = await http.get("/v1/products", headers={"Stripe-Version": "2024-06-20"})
    assert answer.status_code == 400
    assert "2024-06-20" in answer.json()["error"]["message"]


async def test_an_unknown_url_is_404(http: httpx.AsyncClient) -> None:
    """A path that is no endpoint is named in the error, and a trailing slash is such a path."""
    for path in ("/v1/nothing", "/v1/products/"):
        answer = await http.get(path)
        assert answer.status_code == 404
        assert f"(GET: {path})" in answer.json()["error"]["message"]


async def test_every_answer_names_its_request(http: httpx.AsyncClient) -> None:
    """Request-Id is present and new each time, also on errors."""
    ids = [
        (await http.get(path)).headers["request-id"] for path in ("/v1/products", "/v1/products", "/v1/no")
    ]
    assert len(set(ids)) == 3
    assert all(id.startswith("req_") for id in ids)


async def test_an_unknown_parameter_is_refused(http: httpx.AsyncClient) -> None:
    """`parameter_unknown` names the parameter in brackets and suggests the close one."""
    error = await refused(http, "/v1/products", "name=a&metdata[x]=1")
    assert error["code"] == "parameter_unknown"
    assert error["param"] == "metdata"
    assert error["message"] == "Received unknown parameter: metdata. Did you mean metadata?"
    nested_error = await refused(http, "/v1/products", "name=a&default_price_data[curency]=usd")
    assert nested_error["param"] == "default_price_data[curency]"


async def test_a_value_outside_an_enumeration_is_refused(sdk: stripe.StripeClient) -> None:
    """The SDK leaves enumerations open for clients; an account of one version knows only that version's."""
    with pytest.raises(stripe.InvalidRequestError, match="must be one of") as caught:
        await sdk.v1.refunds.create_async({"reason": "because"})
    assert caught.value.param == "reason"


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ("amount=abc", "amount", "parameter_invalid_integer"),
        ("amount=1_000", "amount", "parameter_invalid_integer"),
        ("amount=1.5", "amount", "parameter_invalid_integer"),
        ("reverse_transfer=yes", "reverse_transfer", "parameter_invalid_boolean"),
        ("expand=charge", "expand", "parameter_invalid_array"),
        ("charge=", "charge", "parameter_invalid_empty"),
        ("charge[a]=b", "charge", "parameter_invalid"),
    ],
)
async def test_a_value_of_the_wrong_type_is_refused(
    http: httpx.AsyncClient, body: str, param: str, code: str
) -> None:
    """Integers, booleans, arrays and texts are read as strictly as Stripe reads them."""
    error = await refused(http, "/v1/refunds", body)
    assert (error["param"], error["code"]) == (param, code)


async def test_a_missing_parameter_is_named(http: httpx.AsyncClient) -> None:
    """`parameter_missing` for what the SDK's types require."""
    error = await refused(http, "/v1/products", "description=nameless")
    assert (error["param"], error["code"]) == ("name", "parameter_missing")


async def test_payment_method_types_have_their_own_refusal(http: httpx.AsyncClient) -> None:
    """Since 2026-09-30.endive they can no longer be sent, with an error code of their own."""
    error = await refused(http, "/v1/payment_intents", "amount=100&currency=usd&payment_method_types[]=card")
    assert error["code"] == "payment_method_types_no_longer_supported"


async def test_a_missing_object_is_404_in_the_path_and_400_in_a_parameter(sdk: stripe.StripeClient) -> None:
    """Both are `resource_missing`; the status says whether the URL or the body named it."""
    with pytest.raises(stripe.InvalidRequestError) as in_path:
        await sdk.v1.customers.retrieve_async("cus_none")
    with pytest.raises(stripe.InvalidRequestError) as in_body:
        await sdk.v1.payment_intents.create_async({"amount": 100, "currency": "usd", "customer": "cus_no"})
    assert (in_path.value.http_status, in_path.value.code) == (404, "resource_missing")
    assert (in_body.value.http_status, in_body.value.code) == (400, "resource_missing")
    assert "No such customer: 'cus_none'" in str(in_path.value)


def test_brackets_spell_a_tree() -> None:
    """Hashes, indexed arrays, appended arrays and empty values are decoded as Stripe nests them."""
    pairs = pairs_of("a[b][c]=1&items[0][price]=p&items[1][price]=q&expand[]=x&expand[]=y&empty=")
    assert nested(pairs) == {
        "a": {"b": {"c": "1"}},
        "items": {"0": {"price": "p"}, "1": {"price": "q"}},
        "expand": {"0": "x", "1": "y"},
        "empty": "",
    }


@pytest.mark.parametrize("body", ["[a]=1", "a[=1", "a=1&a[b]=2", "a]b=1"])
def test_an_unreadable_name_is_refused(body: str) -> None:
    """Names that spell no tree are an error of the request, not of the simulator."""
    with pytest.raises(SimError) as caught:
        nested(pairs_of(body))
    assert caught.value.status == 400


async def test_metadata_keys_may_be_numbers_and_values_empty(sdk: stripe.StripeClient) -> None:
    """A map of texts stays a map, even where its keys look like an array's indexes."""
    product = await sdk.v1.products.create_async({"name": "a", "metadata": {"0": "zero", "1": "one"}})
    assert product.metadata.to_dict() == {"0": "zero", "1": "one"}


async def test_an_uploaded_file_arrives_whole(
    sdk_over: Callable[[httpx.AsyncClient], stripe.StripeClient],
) -> None:
    """The SDK's multipart body is read into its parameters and the file's bytes."""
    seen: list[Request] = []

    async def upload(request: HttpRequest) -> Response:
        seen.append(await read_request(request))
        return JSONResponse({"id": "file_1", "object": "file"})

    app = Starlette(routes=[Route("/v1/{rest:path}", upload, methods=["POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        sdk = sdk_over(client)
        content = io.BytesIO(b"%PDF \x00\xff\r\n--")
        content.name = "evidence.pdf"
        await sdk.v1.files.create_async({"purpose": "dispute_evidence", "file": content})
    described = operation("POST", "/v1/files")
    assert described is not None
    params = read_parameters(described.parameters, nested(seen[0].pairs))
    assert params["purpose"] == "dispute_evidence"
    assert (params["file"].filename, params["file"].content) == ("evidence.pdf", b"%PDF \x00\xff\r\n--")
