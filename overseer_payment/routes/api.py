"""The REST interface as Starlette routes, in a guarded and a public part."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from starlette.routing import BaseRoute

from overseer_payment.host_contract import Host
from overseer_payment.routes.endpoint import Elsewhere, routes_of
from overseer_payment.routes.op import Call, Op, PaymentsFor
from overseer_payment.routes.openapi import document
from overseer_payment.routes.table import OPS
from overseer_payment.routes.webhook import WEBHOOK_OPS
from overseer_payment.schemas import JsonObject
from overseer_payment.service import Payments


async def get_openapi(call: Call[None, None]) -> JsonObject:
    return _document(call.root_path)


@lru_cache(maxsize=8)  # of as many mounts; it is made of the code alone
def _document(server: str) -> JsonObject:
    return document(ALL_OPS, server=server)


OPENAPI_OP = Op(
    method="GET",
    path="/openapi.json",
    name="get_openapi",
    limited=True,
    tag="Reports",
    summary="Get this document",
    description="The interface as OpenAPI 3.1.",
    handler=get_openapi,
    answer=None,
    example={"openapi": "3.1.0"},
    public=True,
)
PUBLIC_OPS = (*WEBHOOK_OPS, OPENAPI_OP)
ALL_OPS = (*OPS, *PUBLIC_OPS)


def composed(host: Host) -> Payments:
    """The façade that this process keeps for `host`. Raises ConfigurationError."""
    from overseer_payment.composition import payments_for

    return payments_for(host)


def api_routes(host: Host, payments_for: PaymentsFor = composed) -> Sequence[BaseRoute]:
    """The guarded operations, and a 404 for what nobody serves below the prefix."""
    return [*routes_of(host, OPS, payments_for), Elsewhere()]


def public_api_routes(host: Host, payments_for: PaymentsFor = composed) -> Sequence[BaseRoute]:
    """Webhooks and the OpenAPI document."""
    return routes_of(host, PUBLIC_OPS, payments_for)
