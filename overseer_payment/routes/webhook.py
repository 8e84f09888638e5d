"""Where providers deliver events: public, raw bytes, 200 only after the commit.

Whoever calls proves itself by the signature alone. A refusal names its kind and nothing of the inside:
its reason goes to the log, for the operator.
"""

from __future__ import annotations

import logging

from overseer_payment.errors import PaymentError
from overseer_payment.routes import examples
from overseer_payment.routes.answers import Received
from overseer_payment.routes.op import Call, Op

logger = logging.getLogger("overseer_payment.routes.webhook")

_REFUSALS = {
    400: "The delivery was refused: its signature or its body is not valid.",
    404: "Deliveries are not taken at this address.",
    413: "The delivery is too large.",
}
_RECEIVED = Received()
_NOT_STORED = "The delivery could not be stored; send it again later."


async def receive(call: Call[None, None]) -> Received:
    """Hand the delivery to the inbox; what comes back is an answer that the delivery is stored."""
    try:
        await call.payments.receive(call.id or None, call.raw, call.headers)
    except PaymentError as error:
        raise _hushed(error) from None
    return _RECEIVED


def _hushed(error: PaymentError) -> PaymentError:
    level = logging.WARNING if error.status >= 500 else logging.INFO
    logger.log(level, "delivery not stored (%s): %s", error.code, error.detail)
    detail = _REFUSALS.get(error.status, _NOT_STORED)
    return type(error)(detail, code=error.code, retry_after=error.retry_after)


_DESCRIPTION = (
    "Verifies the signature of the raw body against every configured secret, stores the event, and answers "
    "200 once it is committed. Any other answer means that the event is not stored and should be sent again. "
    "Bodies are read up to 1 MiB."
)

WEBHOOK_OPS = (
    Op(
        method="POST",
        path="/webhook",
        name="receive_webhook",
        tag="Webhooks",
        summary="Deliver an event of the default provider",
        description=_DESCRIPTION,
        handler=receive,
        answer=Received,
        example=examples.RECEIVED,
        raw_body=True,
        public=True,
        errors=(400,),
    ),
    Op(
        method="POST",
        path="/webhook/{provider}",
        name="receive_webhook_of",
        tag="Webhooks",
        summary="Deliver an event of a named provider",
        description=_DESCRIPTION,
        handler=receive,
        answer=Received,
        example=examples.RECEIVED,
        path_help="The provider's key, for example `stripe`.",
        raw_body=True,
        public=True,
        errors=(400,),
    ),
)
