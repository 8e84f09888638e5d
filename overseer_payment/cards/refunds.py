"""Giving money back: a form, a page that states the exact sum, one write, the true result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from starlette.responses import RedirectResponse, Response

from overseer_payment.cards.forms import key_of, new_key, read_form
from overseer_payment.cards.frame import frame_of, view
from overseer_payment.cards.render import PRIVATE
from overseer_payment.cards.words import REASON
from overseer_payment.errors import (
    Conflict,
    DatabaseError,
    Invalid,
    OutcomeUnknown,
    PaymentError,
)
from overseer_payment.provider import OPEN_DISPUTE, Capability, DisputeKind
from overseer_payment.schemas import RefundBody, TransactionState, TransactionType

if TYPE_CHECKING:
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit
    from overseer_payment.schemas import TransactionDetail

Reason = Literal["duplicate", "fraudulent", "requested_by_customer"]


@dataclass(frozen=True, slots=True)
class Offer:
    """What the refund form may offer. `blocked` says why it offers nothing although money remains."""

    remaining: int
    typed: str
    """The remainder in major units, as a person would type it."""
    partial: bool
    blocked: str = ""


def offer_of(seen: Visit, row: TransactionDetail) -> Offer | None:
    """The refund that this viewer may make of this payment, or None when there is no such thing."""
    paid = row.status in {TransactionState.SUCCEEDED, TransactionState.PARTIALLY_REFUNDED}
    if row.type is TransactionType.REFUND or not paid:
        return None
    if not seen.may("payment.refund") or not seen.can(row.provider, Capability.REFUND):
        return None
    contested = _contested(row)
    if row.amount_refundable <= 0 and not contested:
        return None
    typed = seen.fmt.table(row.provider).plain(row.amount_refundable, row.currency)
    blocked = "A chargeback is open: the bank already holds this money." if contested else ""
    return Offer(row.amount_refundable, typed, seen.can(row.provider, Capability.PARTIAL_REFUND), blocked)


def _contested(row: TransactionDetail) -> bool:
    return any(
        dispute.kind is DisputeKind.CHARGEBACK and dispute.status in OPEN_DISPUTE for dispute in row.disputes
    )


async def confirm(seen: Visit) -> View:
    """State the exact sum and what it means. Changes nothing."""
    row = await _payment(seen)
    given = seen.request.query_params
    try:
        amount, reason = _asked(seen, row, given.get("amount"), given.get("reason"))
    except Invalid as error:
        return await _again(seen, row, error)
    return await _confirmation(seen, row, amount, reason, new_key())


async def refund(seen: Visit) -> View | Response:
    """Send one refund and lead to the payment, which then tells the true state of it."""
    fields = await read_form(seen.host, seen.request)
    key, row = key_of(fields), await seen.payments.transaction(seen.viewer, _id(seen))
    try:
        # Parsed, but not measured against what remains: the second of two clicks comes when less does,
        # and must reach the service to be recognised by its key.
        amount, reason = _typed(seen, row, fields.get("amount")), _reason(fields.get("reason"))
        body = RefundBody(amount=amount, reason=reason)
        made = await seen.payments.refund(seen.viewer, str(row.id), body, idempotency_key=key)
    except PaymentError as error:
        return await _refused(seen, row, error, fields, key)
    return RedirectResponse(seen.links.transaction(row.id, refund=made.id), 303, PRIVATE)


def _id(seen: Visit) -> str:
    return str(seen.request.path_params["id"])


async def _payment(seen: Visit) -> TransactionDetail:
    """The payment, when there is something about it to confirm. Raises Conflict otherwise."""
    row = await seen.payments.transaction(seen.viewer, _id(seen))
    offer = offer_of(seen, row)
    if offer is None:
        raise Conflict("Of this payment nothing can be refunded now.")
    if offer.blocked:
        raise Conflict(f"{offer.blocked} A refund would pay the customer twice.")
    return row


def _asked(
    seen: Visit, row: TransactionDetail, typed: str | None, reason: str | None
) -> tuple[int, Reason | None]:
    amount = _typed(seen, row, typed)
    money = seen.fmt.money(row.amount_refundable, row.currency, row.provider)
    if amount > row.amount_refundable:
        raise Invalid(f"That is more than remains: {money} can still be refunded.")
    if amount < row.amount_refundable and not seen.can(row.provider, Capability.PARTIAL_REFUND):
        raise Invalid(f"This provider refunds a payment only as a whole: {money}.")
    return amount, _reason(reason)


def _typed(seen: Visit, row: TransactionDetail, typed: str | None) -> int:
    """The typed sum in minor units; an empty field means all that remains. Raises Invalid."""
    if typed is None or not typed.strip():
        return row.amount_refundable
    amount = seen.fmt.table(row.provider).parse(typed, row.currency)
    if amount < 1:
        raise Invalid("A refund needs an amount above zero.")
    return amount


def _reason(given: str | None) -> Reason | None:
    if not given:
        return None
    if given not in REASON:
        raise Invalid("Choose one of the reasons in the list, or none.")
    return cast(Reason, given)


async def _confirmation(
    seen: Visit, row: TransactionDetail, amount: int, reason: str | None, key: str
) -> View:
    return view(
        seen,
        "refund.html",
        title="Refund",
        frame=await frame_of(seen, "transactions"),
        row=row,
        amount=amount,
        typed=seen.fmt.table(row.provider).plain(amount, row.currency),
        left=row.amount_refundable - amount,
        reason=reason,
        key=key,
        csrf=seen.host.csrf_token(seen.request),
    )


async def _again(seen: Visit, row: TransactionDetail, error: Invalid) -> View:
    """The payment with its form open, and what is wrong with what was typed."""
    given = seen.request.query_params
    return view(
        seen,
        "transaction.html",
        title="Payment",
        http_status=error.status,
        frame=await frame_of(seen, "transactions"),
        row=row,
        offer=offer_of(seen, row),
        done=None,
        error=error,
        typed=given.get("amount", ""),
        reason=given.get("reason", ""),
    )


async def _refused(
    seen: Visit, row: TransactionDetail, error: PaymentError, fields: dict[str, str] | object, key: str
) -> View:
    """What the provider or the ledger said. The same key stays in the form when sending it again is right."""
    return view(
        seen,
        "refused.html",
        title="Refund",
        http_status=error.status,
        frame=await frame_of(seen, "transactions"),
        row=row,
        error=error,
        fields=fields,
        key=key,
        csrf=seen.host.csrf_token(seen.request),
        unknown=isinstance(error, OutcomeUnknown | DatabaseError),
        retry=error.status == 503 or isinstance(error, OutcomeUnknown),
    )
