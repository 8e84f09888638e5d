"""What we ask of Stripe, as its parameters: pure functions from our requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from overseer_payment.errors import Invalid
from overseer_payment.provider import CheckoutMode, CheckoutRequest, CustomerRequest, RefundRequest

if TYPE_CHECKING:
    from stripe.params import CustomerCreateParams, RefundCreateParams
    from stripe.params.checkout import SessionCreateParams

SESSION_ID = "{CHECKOUT_SESSION_ID}"
"""Stripe puts the session's id here when it sends the buyer back (page "Customize redirect behavior")."""

_REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer"})
_LONGEST_METADATA = 500


def checkout(request: CheckoutRequest) -> SessionCreateParams:
    """Parameters of a hosted checkout. Raises Invalid for combinations that Stripe has no meaning for.

    `payment_method_types` is not sent: since Endive Stripe refuses it. The metadata stands on the session
    and on what it creates, because Stripe does not copy it.
    """
    _check(request)
    metadata = dict(request.metadata)
    params: dict[str, Any] = {
        "mode": request.mode.value,
        "success_url": with_session_id(request.success_url),
        "cancel_url": request.cancel_url,
        "metadata": metadata,
        **_buyer(request),
    }
    if request.price is not None:
        params["line_items"] = [{"price": request.price, "quantity": request.quantity}]
    match request.mode:
        case CheckoutMode.PAYMENT:
            params["payment_intent_data"] = {"metadata": metadata}
        case CheckoutMode.SUBSCRIPTION:
            params["subscription_data"] = {"metadata": metadata}
            if request.trial_period_days is not None:
                params["subscription_data"]["trial_period_days"] = request.trial_period_days
        case CheckoutMode.SETUP:
            params["setup_intent_data"] = {"metadata": metadata}
            params["currency"] = (request.currency or "").lower()
    return params  # type: ignore[return-value]  # built by mode; a test holds it against the SDK's type


def refund(request: RefundRequest) -> RefundCreateParams:
    """Parameters of a refund. A reason in a person's own words goes into the metadata: Stripe has three."""
    if bool(request.payment) == bool(request.charge):
        raise Invalid("A refund names either a payment intent or a charge.")
    metadata = dict(request.metadata)
    params: dict[str, Any] = {"amount": request.amount, "expand": ["charge.refunds"]}
    if request.payment:
        params["payment_intent"] = request.payment
    else:
        params["charge"] = request.charge
    if request.reason in _REASONS:
        params["reason"] = request.reason
    elif request.reason:
        metadata.setdefault("reason", request.reason[:_LONGEST_METADATA])
    params["metadata"] = metadata
    return params  # type: ignore[return-value]


def customer(request: CustomerRequest) -> CustomerCreateParams:
    """Parameters of a new customer."""
    params: CustomerCreateParams = {"metadata": dict(request.metadata)}
    if request.email:
        params["email"] = request.email
    if request.name:
        params["name"] = request.name
    return params


def with_session_id(url: str) -> str:
    """`url` with Stripe's placeholder for the session id as `session_id`, unless it tells it already."""
    parts = urlsplit(url)
    if SESSION_ID in url or any(name == "session_id" for name, _ in parse_qsl(parts.query)):
        return url
    query = "&".join(filter(None, (parts.query, f"session_id={SESSION_ID}")))
    return urlunsplit(parts._replace(query=query))


def _buyer(request: CheckoutRequest) -> dict[str, str]:
    told = {
        "customer": request.customer,
        "customer_email": request.email,
        "client_reference_id": request.client_reference,
    }
    return {name: value for name, value in told.items() if value}


def _check(request: CheckoutRequest) -> None:
    setup = request.mode is CheckoutMode.SETUP
    if request.customer and request.email:
        raise Invalid("A checkout takes a customer or an e-mail address, not both.")
    if setup and not request.currency:
        raise Invalid("A checkout in setup mode needs a currency.")
    if setup and request.price:
        raise Invalid("A checkout in setup mode sells nothing: leave out the price.")
    if not setup and not request.price:
        raise Invalid("A checkout needs a price.")
    if request.quantity < 1:
        raise Invalid("The quantity must be 1 or more.")
    if request.trial_period_days is not None and request.mode is not CheckoutMode.SUBSCRIPTION:
        raise Invalid("Only a subscription can have a trial.")
