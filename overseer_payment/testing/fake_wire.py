"""The fake service's JSON, checked, and what it says in our own types."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError

from overseer_payment.errors import PayloadInvalid
from overseer_payment.provider import (
    AsOf,
    ChargeSnapshot,
    CheckoutMode,
    CheckoutPaymentState,
    CheckoutSnapshot,
    CheckoutStatus,
    CustomerSnapshot,
    DisputeKind,
    DisputeSnapshot,
    DisputeStatus,
    Event,
    PaymentSnapshot,
    RefundSnapshot,
    Snapshot,
    SubscriptionItem,
    SubscriptionSnapshot,
    SubscriptionStatus,
    TransactionStatus,
)

KINDS = frozenset({"customer", "payment", "refund", "checkout", "subscription", "dispute"})
"""What the service has, and what its events are about."""

_LAST_SECOND = 253_402_300_799  # of the year 9999: more is no date
Seconds = Annotated[StrictInt, Field(ge=0, le=_LAST_SECOND)]
Amount = Annotated[StrictInt, Field(ge=0)]
Currency = Annotated[StrictStr, Field(pattern=r"^[a-zA-Z]{3}$")]
Id = Annotated[StrictStr, Field(min_length=1, max_length=100)]
Wire = TypeVar("Wire", bound=BaseModel)


class WireEvent(BaseModel):
    """The envelope of a webhook."""

    id: Id
    type: Id
    created: Seconds
    live: StrictBool
    account: Id | None = None
    object: dict[str, Any]


class _Object(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    id: Id
    live: StrictBool
    created: Seconds
    metadata: dict[StrictStr, StrictStr] = {}


class WireCustomer(_Object):
    kind: Literal["customer"]
    email: StrictStr | None = None
    name: StrictStr | None = None
    deleted: StrictBool = False


class WirePayment(_Object):
    kind: Literal["payment"]
    amount: Amount
    currency: Currency
    status: TransactionStatus
    customer: Id | None = None


class WireRefund(_Object):
    kind: Literal["refund"]
    payment: Id
    amount: Amount
    currency: Currency
    status: TransactionStatus
    reason: StrictStr | None = None


class WireCheckout(_Object):
    kind: Literal["checkout"]
    mode: CheckoutMode
    status: CheckoutStatus
    amount: Amount
    currency: Currency | None = None
    customer: Id | None = None
    payment: Id | None = None
    subscription: Id | None = None


class WireSubscription(_Object):
    kind: Literal["subscription"]
    status: SubscriptionStatus
    price: Id
    amount: Amount
    currency: Currency
    quantity: StrictInt = Field(1, ge=0)
    customer: Id | None = None
    period_end: Seconds
    cancel_at_period_end: StrictBool = False
    ended: Seconds | None = None
    collection_paused: StrictBool = False
    resumes: Seconds | None = None


class WireDispute(_Object):
    kind: Literal["dispute"]
    payment: Id
    amount: Amount
    currency: Currency
    status: DisputeStatus
    due: Seconds
    submissions: StrictInt = Field(0, ge=0)
    evidence: dict[StrictStr, StrictStr] = {}


def read(model: type[Wire], data: object) -> Wire:
    """Check `data` against `model`. Raises PayloadInvalid, naming the field and not its value."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        where = ".".join(map(str, error.errors(include_input=False)[0]["loc"])) or "object"
        raise PayloadInvalid(f"The event's {where} can't be read.") from None


def snapshots(data: Mapping[str, Any], as_of: AsOf) -> tuple[Snapshot, ...]:
    """What one object of the service says. Raises PayloadInvalid."""
    kind = data.get("kind")
    if kind == "customer":
        return (_customer(read(WireCustomer, data), data, as_of),)
    if kind == "payment":
        return _payment(read(WirePayment, data), data, as_of)
    if kind == "refund":
        return (_refund(read(WireRefund, data), data, as_of),)
    if kind == "checkout":
        return (_checkout(read(WireCheckout, data), data, as_of),)
    if kind == "subscription":
        return (_subscription(read(WireSubscription, data), data, as_of),)
    if kind == "dispute":
        return (_dispute(read(WireDispute, data), data, as_of),)
    raise PayloadInvalid("The event's object is of no kind that we know.")


def event_of(data: Any) -> Event:
    """The envelope of one delivery. Raises PayloadInvalid."""
    wire = read(WireEvent, data)
    return Event(
        id=wire.id,
        type=wire.type,
        occurred_at=moment(wire.created),
        livemode=wire.live,
        api_version="1",
        account=wire.account,
        payload=data,
    )


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def charge_id(payment: str) -> str:
    """The fake service has no charges of its own; each payment is one attempt under this id."""
    return f"{payment}_charge"


def _common(wire: _Object, data: Mapping[str, Any], as_of: AsOf) -> dict[str, Any]:
    return {
        "id": wire.id,
        "as_of": as_of,
        "livemode": wire.live,
        "occurred_at": moment(wire.created),
        "metadata": wire.metadata,
        "raw": data,
    }


def _customer(wire: WireCustomer, data: Mapping[str, Any], as_of: AsOf) -> CustomerSnapshot:
    told = _common(wire, data, as_of)
    return CustomerSnapshot(**told, email=wire.email, name=wire.name, deleted=wire.deleted)


def _payment(wire: WirePayment, data: Mapping[str, Any], as_of: AsOf) -> tuple[Snapshot, ...]:
    common, received = _common(wire, data, as_of), wire.status is TransactionStatus.SUCCEEDED
    payment = PaymentSnapshot(
        **common,
        status=wire.status,
        amount=wire.amount,
        amount_received=wire.amount if received else 0,
        currency=wire.currency,
        customer=wire.customer,
        latest_charge=charge_id(wire.id),
    )
    charge = ChargeSnapshot(
        **{**common, "id": charge_id(wire.id)},
        status=wire.status,
        amount=wire.amount,
        amount_refunded=0,
        currency=wire.currency,
        payment=wire.id,
        customer=wire.customer,
        method="fake •••• 4242",
    )
    return payment, charge


def _refund(wire: WireRefund, data: Mapping[str, Any], as_of: AsOf) -> RefundSnapshot:
    return RefundSnapshot(
        **_common(wire, data, as_of),
        status=wire.status,
        amount=wire.amount,
        currency=wire.currency,
        payment=wire.payment,
        charge=charge_id(wire.payment),
        reason=wire.reason,
    )


def _checkout(wire: WireCheckout, data: Mapping[str, Any], as_of: AsOf) -> CheckoutSnapshot:
    unpaid = wire.status is not CheckoutStatus.COMPLETE
    paid = CheckoutPaymentState.PAID if wire.payment else CheckoutPaymentState.NOT_REQUIRED
    return CheckoutSnapshot(
        **_common(wire, data, as_of),
        mode=wire.mode,
        status=wire.status,
        payment_state=CheckoutPaymentState.UNPAID if unpaid else paid,
        amount_total=wire.amount,
        currency=wire.currency,
        url=f"https://fakepay.example/pay/{wire.id}" if wire.status is CheckoutStatus.OPEN else None,
        customer=wire.customer,
        payment=wire.payment,
        subscription=wire.subscription,
    )


def _subscription(wire: WireSubscription, data: Mapping[str, Any], as_of: AsOf) -> SubscriptionSnapshot:
    item = SubscriptionItem(
        id=f"{wire.id}_item",
        price=wire.price,
        quantity=wire.quantity,
        amount=wire.amount,
        interval="month",
    )
    return SubscriptionSnapshot(
        **_common(wire, data, as_of),
        status=wire.status,
        customer=wire.customer,
        currency=wire.currency,
        items=(item,),
        current_period_start=moment(wire.created),
        current_period_end=moment(wire.period_end),
        cancel_at_period_end=wire.cancel_at_period_end,
        ended_at=moment(wire.ended) if wire.ended else None,
        collection_paused=wire.collection_paused,
        collection_resumes_at=moment(wire.resumes) if wire.resumes else None,
    )


def _dispute(wire: WireDispute, data: Mapping[str, Any], as_of: AsOf) -> DisputeSnapshot:
    return DisputeSnapshot(
        **_common(wire, data, as_of),
        dispute_kind=DisputeKind.CHARGEBACK,
        status=wire.status,
        amount=wire.amount,
        currency=wire.currency,
        payment=wire.payment,
        charge=charge_id(wire.payment),
        evidence_due_by=moment(wire.due),
        has_evidence=bool(wire.evidence),
        submission_count=wire.submissions,
        funds_withdrawn=0 if wire.status is DisputeStatus.WON else wire.amount,
    )
