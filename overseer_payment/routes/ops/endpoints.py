"""Webhook endpoints: where the provider delivers to."""

from __future__ import annotations

from typing import Final

from overseer_payment.asking import endpoints as asking
from overseer_payment.routes.op import Call, Op
from overseer_payment.schemas import (
    EndpointBody,
    EndpointDeleted,
    EndpointList,
    EndpointRow,
    JsonObject,
    RotationBody,
)
from overseer_payment.shown import endpoints as shown

_ADMIN: Final = "Needs the permission `payment.admin`."
_ID: Final = "The provider's id of the endpoint (`we_…`)."
_ROW: Final[JsonObject] = {
    "id": "we_1",
    "provider": "stripe",
    "livemode": False,
    "url": "https://shop.example/api/v1/payment/webhook",
    "status": "enabled",
    "api_version": "2026-10-28.endive",
    "event_types": ["charge.refunded", "payment_intent.succeeded"],
    "secret_set": True,
    "faults": ["missing_events"],
    "missing_events": ["refund.failed"],
    "created_at": "2026-11-02T09:30:00Z",
}
_MADE: Final[JsonObject] = {
    **_ROW,
    "secret_set": False,
    "faults": ["secret_not_set"],
    "missing_events": [],
    "secret": "whsec_…",
}


async def list_endpoints(call: Call[None, None]) -> EndpointList:
    return await shown.listing(call.payments, call.viewer)


async def create_endpoint(call: Call[None, EndpointBody]) -> EndpointRow:
    return await asking.create(call.payments, call.viewer, call.body, call.idempotency_key)


async def rotate_endpoint(call: Call[None, RotationBody]) -> EndpointRow:
    return await asking.rotate(call.payments, call.viewer, call.id, call.body, call.idempotency_key)


async def update_endpoint(call: Call[None, None]) -> EndpointRow:
    return await asking.update(call.payments, call.viewer, call.id, client_key=call.idempotency_key)


async def delete_endpoint(call: Call[None, None]) -> EndpointDeleted:
    return await asking.delete(call.payments, call.viewer, call.id, client_key=call.idempotency_key)


OPS = (
    Op(
        method="GET",
        path="/webhook-endpoints",
        name="list_webhook_endpoints",
        tag="Webhooks",
        summary="List where the provider delivers to",
        description=f"Asks the provider. `faults` says how each differs from what is needed here. {_ADMIN}",
        handler=list_endpoints,
        answer=EndpointList,
        example={"webhook_endpoints": [_ROW], "next_cursor": None},
        needs="payment.admin",
        errors=(409, 502),
    ),
    Op(
        method="POST",
        path="/webhook-endpoints",
        name="create_webhook_endpoint",
        tag="Webhooks",
        summary="Let the provider deliver here",
        description=(
            "Makes an endpoint for exactly the event types that are handled, at the API version that is "
            "spoken. The answer is the only one that tells its `secret`; under the same key again it is left "
            "out. 409 `endpoint_exists`: an enabled one leads to that address already, correct it or replace "
            f"its secret. {_ADMIN}"
        ),
        handler=create_endpoint,
        answer=EndpointRow,
        example=_MADE,
        body=EndpointBody,
        body_optional=True,
        body_example={"url": "https://shop.example/api/v1/payment/webhook"},
        needs="payment.admin",
        errors=(404, 409, 502),
    ),
    Op(
        method="POST",
        path="/webhook-endpoints/{id}/rotate",
        name="rotate_webhook_endpoint",
        tag="Webhooks",
        summary="Replace an endpoint's secret",
        description=(
            "Makes a second endpoint at the same address, whose `secret` is told in this answer alone. Both "
            "deliver until `finish` deletes the first; each event is applied once. 409, by `code`: "
            "`rotation_open`, `rotation_not_open`, and `secret_not_set` for a `finish` before the new secret "
            f"is set here. {_ADMIN}"
        ),
        handler=rotate_endpoint,
        answer=EndpointRow,
        example={**_MADE, "id": "we_2", "replaces": "we_1"},
        path_help=_ID,
        body=RotationBody,
        body_optional=True,
        body_example={"finish": True},
        needs="payment.admin",
        errors=(409, 502),
    ),
    Op(
        method="POST",
        path="/webhook-endpoints/{id}/update",
        name="update_webhook_endpoint",
        tag="Webhooks",
        summary="Correct an endpoint's event types, and enable it",
        description=f"Its API version can't be changed: replace it. {_ADMIN}",
        handler=update_endpoint,
        answer=EndpointRow,
        example=_ROW,
        path_help=_ID,
        needs="payment.admin",
        errors=(409, 502),
    ),
    Op(
        method="POST",
        path="/webhook-endpoints/{id}/delete",
        name="delete_webhook_endpoint",
        tag="Webhooks",
        summary="Delete an endpoint",
        description=f"What is on its way to it fails. {_ADMIN}",
        handler=delete_endpoint,
        answer=EndpointDeleted,
        example={"id": "we_1", "deleted": True},
        path_help=_ID,
        needs="payment.admin",
        errors=(409, 502),
    ),
)
