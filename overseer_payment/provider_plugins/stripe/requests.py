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
        **_terms(request),
    }
    if request.price is not None:
        params["line_items"] = [{"price": request.price, "quantity": request.quantity}]
    match request.mode:
        case CheckoutMode.PAYMENT:
            params["payment_intent_data"] = {"metadata": metadata}
            if request.create_customer and not request.customer:
                params["customer_creation"] = "always"
        case CheckoutMode.SUBSCRIPTION:
            params["subscription_data"] = {"metadata": metadata}
            if request.trial_period_days is not None:
                params["subscription_data"]["trial_period_days"] = request.trial_period_days
        case CheckoutMode.SETUP:
            params["setup_intent_data"] = {"metadata": metadata}
    return params  # type: ignore[return-value]  # built by mode; the simulator reads it as that type


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
    return params  # type: ignore[return-value]  # built by case; the simulator reads it as that type


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


def _terms(request: CheckoutRequest) -> dict[str, Any]:
    """On which terms it is sold. Stripe refuses a discount beside codes that the buyer may type."""
    params: dict[str, Any] = {}
    if request.currency:
        params["currency"] = request.currency.lower()
    if request.discount or request.promotion_code:
        given = {"coupon": request.discount, "promotion_code": request.promotion_code}
        params["discounts"] = [{name: id for name, id in given.items() if id}]
    if request.allow_promotion_codes:
        params["allow_promotion_codes"] = True
    if request.automatic_tax:
        params["automatic_tax"] = {"enabled": True}
    if request.collect_tax_id:
        params["tax_id_collection"] = {"enabled": True}
    if request.customer and (request.automatic_tax or request.collect_tax_id):
        # Else Stripe refuses: a known customer's address and name are changed only where that is said.
        params["customer_update"] = {"address": "auto", "name": "auto"}
    if request.expires_at is not None:
        params["expires_at"] = int(request.expires_at.timestamp())
    return params


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
    if sum(map(bool, (request.discount, request.promotion_code, request.allow_promotion_codes))) > 1:
        raise Invalid("A checkout takes one coupon or one promotion code, or lets the buyer type one.")
    if request.quantity < 1:
        raise Invalid("The quantity must be 1 or more.")
    if request.trial_period_days is not None and request.mode is not CheckoutMode.SUBSCRIPTION:
        raise Invalid("Only a subscription can have a trial.")
