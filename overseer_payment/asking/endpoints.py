"""Setting up where the provider delivers to: made, corrected, its secret replaced, deleted.

A secret passes through here once, on its way to whoever asked. What is stored is who asked for which
endpoint and what came of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import Connection, func, select

from overseer_payment import operations
from overseer_payment.committing import committed, unbroken
from overseer_payment.database import utcnow
from overseer_payment.errors import Conflict, IdempotencyConflict, NotFound, PaymentError
from overseer_payment.ledger import accounts
from overseer_payment.ledger.accounts import Account
from overseer_payment.operations import Begun, Intent
from overseer_payment.provider import Endpoint, EndpointRequest, ProviderSpec
from overseer_payment.requesting import as_request
from overseer_payment.schemas import EndpointBody, EndpointDeleted, EndpointRow, RotationBody, Viewer
from overseer_payment.shown.endpoints import PERMISSION, Needs, needed
from overseer_payment.tables import operation

if TYPE_CHECKING:
    from overseer_payment.service import Payments

KIND = "webhook_endpoint"
Send: TypeAlias = Callable[[str], Awaitable[Endpoint | str]]


async def create(
    payments: Payments, viewer: Viewer, body: EndpointBody, client_key: str | None = None
) -> EndpointRow:
    """Make an endpoint; the row is the only one that ever tells its secret.

    The same client key again answers the row without the secret. Raises Conflict where one leads to the
    address already, Forbidden, NotSupported, ProviderError.
    """
    viewer.require(PERMISSION)
    needs = await needed(payments, payments.provider_key(body.provider))
    request = EndpointRequest(url=body.url or needs.urls[0], description=body.description)
    intent = await _in_turn(payments, needs, _intent(viewer, "create", request.url, request, client_key))
    if not await _is_known(payments, needs, intent):
        for known in await needs.manager.list_endpoints():
            if known.enabled and known.url == request.url:
                raise Conflict(
                    f"The endpoint {known.id} leads to {request.url} already: correct it, or replace its "
                    "secret.",
                    code="endpoint_exists",
                )
    return await _carried_out(payments, needs, intent, partial(_make, needs, request))


async def rotate(
    payments: Payments, viewer: Viewer, id: str, body: RotationBody, client_key: str | None = None
) -> EndpointRow:
    """Replace an endpoint's secret: a second endpoint with a new one, until `finish` deletes the first.

    Raises NotFound, Conflict when it is being replaced already or the new secret is not configured yet.
    """
    viewer.require(PERMISSION)
    needs = await needed(payments, payments.provider_key(body.provider))
    if body.finish:
        return await _finish(payments, viewer, needs, id, body, client_key)
    request = EndpointRequest(url="", replaces=id)
    intent = await _in_turn(payments, needs, _intent(viewer, "rotate", id, request, client_key))
    if not await _is_known(payments, needs, intent):
        found = {endpoint.id: endpoint for endpoint in await needs.manager.list_endpoints()}
        old = _present(found, id)
        for endpoint in found.values():
            if endpoint.replaces == id:
                raise Conflict(
                    f"{id} is being replaced by {endpoint.id} already: finish that, or delete {endpoint.id}.",
                    code="rotation_open",
                )
        request = EndpointRequest(url=old.url, description=old.description, replaces=id)
    return await _carried_out(payments, needs, intent, partial(_make, needs, request))


async def update(
    payments: Payments, viewer: Viewer, id: str, provider: str | None = None, client_key: str | None = None
) -> EndpointRow:
    """Enable an endpoint and give it the event types that we handle. Raises NotFound, ProviderError."""
    viewer.require(PERMISSION)
    needs = await needed(payments, payments.provider_key(provider))
    await _require(needs, id)
    intent = _intent(viewer, "update", id, None, client_key)
    return await _carried_out(payments, needs, intent, lambda _: needs.manager.update_endpoint(id))


async def delete(
    payments: Payments, viewer: Viewer, id: str, provider: str | None = None, client_key: str | None = None
) -> EndpointDeleted:
    """Delete an endpoint: nothing is delivered to it any more. Raises NotFound, ProviderError."""
    viewer.require(PERMISSION)
    needs = await needed(payments, payments.provider_key(provider))
    intent = _intent(viewer, "delete", id, None, client_key)
    if not await _is_known(payments, needs, intent):
        await _require(needs, id)
    await _done(payments, needs, intent, lambda _: _remove(needs, id, id))
    return EndpointDeleted(id=id)


async def _finish(
    payments: Payments,
    viewer: Viewer,
    needs: Needs,
    id: str,
    body: RotationBody,
    client_key: str | None,
) -> EndpointRow:
    """End the overlap: delete the endpoint with the old secret. `id` names either of the two."""
    intent, old, new = _intent(viewer, "finish", id, None, client_key), id, id
    if not await _is_known(payments, needs, intent):
        old, new = await _overlap(payments, needs, id, force=body.force)
    return await _carried_out(payments, needs, intent, lambda _: _remove(needs, old, new))


async def _overlap(payments: Payments, needs: Needs, id: str, *, force: bool) -> tuple[str, str]:
    """The endpoint with the old secret and the one with the new. Raises NotFound, Conflict."""
    found = {endpoint.id: endpoint for endpoint in await needs.manager.list_endpoints()}
    named = _present(found, id)
    old = named.replaces if named.replaces in found and named.replaces else id
    following = [endpoint for endpoint in found.values() if endpoint.replaces == old]
    if not following:
        raise Conflict(f"Nothing replaces {id}: begin with a new secret.", code="rotation_not_open")
    if following[0].secret_set is False and not force:
        variable = secret_variable(payments.registry.spec(needs.provider))
        raise Conflict(
            f"{variable} does not hold the new secret here, so deliveries would be refused. "
            "Set it and restart, then finish.",
            code="secret_not_set",
        )
    return old, following[0].id


def secret_variable(spec: ProviderSpec) -> str:
    """The environment variable that a provider reads its signing secrets from, as far as its name tells."""
    names = [field.alias or name for name, field in spec.settings.model_fields.items()]
    return next((name for name in names if "WEBHOOK" in name.upper()), "the webhook's setting")


async def _make(needs: Needs, request: EndpointRequest, key: str) -> Endpoint:
    return await needs.manager.create_endpoint(request, idempotency_key=key)


def _present(found: dict[str, Endpoint], id: str) -> Endpoint:
    if id not in found:
        raise NotFound(f"There is no webhook endpoint {id}.")
    return found[id]


async def _require(needs: Needs, id: str) -> Endpoint:
    return _present({endpoint.id: endpoint for endpoint in await needs.manager.list_endpoints()}, id)


def _intent(
    viewer: Viewer, what: str, target: str, request: EndpointRequest | None, client_key: str | None
) -> Intent:
    asked = {"do": what, **(as_request(request) if request else {})}
    return Intent(kind=KIND, actor=viewer.actor, target=target[:255], request=asked, client_key=client_key)


async def _remove(needs: Needs, id: str, left: str) -> str:
    await needs.manager.delete_endpoint(id)
    return left


async def _is_known(payments: Payments, needs: Needs, intent: Intent) -> bool:
    """Was this asked before, under the same client key? Then its outcome is answered, nothing is checked."""
    return await committed(payments.engine, _earlier, payments.home(needs.provider), intent) is not None


def _earlier(connection: Connection, account: Account, intent: Intent) -> Begun | None:
    return operations.earlier(connection, accounts.ensure(connection, [account])[account], intent)


def _begin(connection: Connection, account: Account, intent: Intent) -> Begun:
    account_id = accounts.ensure(connection, [account])[account]
    before = operations.earlier(connection, account_id, intent)
    if before is not None:
        return before
    intent = replace(intent, key=intent.key or _turn(connection, account_id, intent))
    return operations.begin(connection, account_id, intent, now=utcnow())


async def _in_turn(payments: Payments, needs: Needs, intent: Intent) -> Intent:
    """The intent with its turn, taken before looking what there is: what is done meanwhile is found by it."""
    return await committed(payments.engine, _with_turn, payments.home(needs.provider), intent)


def _with_turn(connection: Connection, account: Account, intent: Intent) -> Intent:
    account_id = accounts.ensure(connection, [account])[account]
    return replace(intent, key=_turn(connection, account_id, intent))


def _turn(connection: Connection, account_id: int, intent: Intent) -> str:
    """A key that two requests for the same at the same moment share: the second finds the first under way."""
    table = operation.c
    ended = select(func.count()).where(
        table.account_id == account_id,
        table.kind == KIND,
        table.target == intent.target,
        table.status.not_in(operations.OPEN),
    )
    text = json.dumps([account_id, intent.target, intent.request.get("do"), connection.scalar(ended)])
    return f"{KIND}_{hashlib.sha256(text.encode()).hexdigest()[:40]}"


async def _carried_out(payments: Payments, needs: Needs, intent: Intent, send: Send) -> EndpointRow:
    """Do it, and answer the endpoint: as it was told just now, else as it is listed."""
    done = await _done(payments, needs, intent, send)
    return needs.row(await _require(needs, done) if isinstance(done, str) else done)


async def _done(payments: Payments, needs: Needs, intent: Intent, send: Send) -> Endpoint | str:
    """Do it once for each client key, and write down what came of it; answers the endpoint or its id.

    Ends even if the caller goes away: the audit trail must say what happened.
    """
    begun = await committed(payments.engine, _begin, payments.home(needs.provider), intent)
    if begun.fresh:
        return await unbroken(_sent(payments, begun, send))
    theirs = intent.client_key is None or begun.operation.client_key != intent.client_key
    if theirs or begun.operation.status in operations.OPEN:
        raise IdempotencyConflict(
            "The same is being done at this moment. Look at the endpoints, then try again.", retry_after=2
        )
    if begun.operation.status != operations.SUCCEEDED or begun.operation.result is None:
        raise Conflict(
            "The first request with this Idempotency-Key did not end well. Look, then use another key.",
            code="endpoint_not_made",
        )
    return str(begun.operation.result)


async def _sent(payments: Payments, begun: Begun, send: Send) -> Endpoint | str:
    id = begun.operation.id
    try:
        # Never the stored key: it is not sent again, and a copy of this database may count to the same.
        done = await send(Intent.fresh_key())
    except PaymentError as error:
        await committed(payments.engine, _write_down, id, error)
        raise
    result = done if isinstance(done, str) else done.id
    await committed(payments.engine, operations.finish, id, operations.SUCCEEDED, now=utcnow(), result=result)
    return done


def _write_down(connection: Connection, id: int, error: PaymentError) -> None:
    operations.finish(
        connection,
        id,
        operations.FAILED,
        now=utcnow(),
        code=error.code,
        error=error.detail,
        release=True,
    )
