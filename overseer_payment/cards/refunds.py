"""Giving money back: a form, a page that states the exact sum, one write, the true result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from starlette.responses import Response

from overseer_payment.cards import flows, words
from overseer_payment.cards.addresses import Address
from overseer_payment.cards.flows import Change, Fact, Fields, Question, Slip, Told
from overseer_payment.cards.frame import frame_of, view
from overseer_payment.cards.methods import method
from overseer_payment.cards.render import part
from overseer_payment.cards.words import REASON
from overseer_payment.errors import Conflict, Invalid
from overseer_payment.provider import Capability
from overseer_payment.schemas import RefundBody, TransactionState

if TYPE_CHECKING:
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit
    from overseer_payment.schemas import TransactionDetail, TransactionRow

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
    contested = row.refund_refused == "dispute_open"
    if not seen.may("payment.refund") or (row.refund_refused is not None and not contested):
        return None
    typed = seen.fmt.table(row.provider).plain(row.amount_refundable, row.currency)
    blocked = "A chargeback is open: the bank already holds this money." if contested else ""
    return Offer(row.amount_refundable, typed, seen.can(row.provider, Capability.PARTIAL_REFUND), blocked)


def told(seen: Visit, row: TransactionDetail) -> Told | None:
    """What became of the refund that was just made, read from the ledger again."""
    wanted = seen.request.query_params.get("refund")
    made = next((refund for refund in row.refunds if str(refund.id) == wanted), None)
    if made is None:
        return None
    money = seen.fmt.money(made.amount, made.currency, made.provider)
    if made.status is TransactionState.SUCCEEDED:
        return Told("ok", f"{money} refunded.")
    if made.status is TransactionState.PENDING:
        return Told("open", f"A refund of {money} is on its way; the provider has not confirmed it yet.")
    because = f": {made.failure_message}" if made.failure_message else "."
    return Told("danger", f"The refund of {money} did not go through{because}")


async def confirm(seen: Visit) -> View:
    """State the exact sum and what it means. Changes nothing."""
    row = await _payment(seen)
    given = seen.request.query_params
    try:
        amount, reason = _asked(seen, row, given.get("amount"), given.get("reason"))
    except Invalid as error:
        return await _again(seen, row, error)
    return await flows.confirm(seen, _change(seen, row.id), _question(seen, row, amount, reason))


async def refund(seen: Visit) -> View | Response:
    """Send one refund and lead to the payment, which then tells the true state of it."""
    row = await seen.payments.transaction(seen.viewer, _id(seen))

    async def do(fields: Fields, key: str) -> str:
        # Parsed, but not measured against what remains: the second of two clicks comes when less does,
        # and must reach the service to be recognised by its key.
        amount, reason = _typed(seen, row, fields.get("amount")), _reason(fields.get("reason"))
        body = RefundBody(amount=amount, reason=reason)
        made = await seen.payments.refund(seen.viewer, str(row.id), body, idempotency_key=key)
        return seen.links.transaction(row.id, refund=made.id)

    return await flows.carry_out(seen, _change(seen, row.id), do)


def _change(seen: Visit, id: int) -> Change:
    return Change(
        title="Refund",
        tab="transactions",
        list_text="All transactions",
        row=seen.links.transaction(id),
        row_text="Payment",
        action=seen.links.refund(id),
        keep="Keep the payment",
        nothing="Nothing was refunded",
        unknown="We don’t know yet whether it was refunded",
        again="Try the same refund again",
    )


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


def _question(seen: Visit, row: TransactionDetail, amount: int, reason: str | None) -> Question:
    money = seen.fmt.money(amount, row.currency, row.provider)
    return Question(
        text=f"Refund {money}?",
        button=f"Refund {money}",
        progress="Refunding…",
        consequence=_consequence(seen, row, amount),
        facts=_facts(seen, row, reason),
        livemode=row.livemode,
        fields={
            "amount": seen.fmt.table(row.provider).plain(amount, row.currency),
            "reason": reason or "",
        },
    )


def _facts(seen: Visit, row: TransactionRow, reason: str | None) -> list[Fact]:
    paid = seen.fmt.money(row.amount, row.currency, row.provider)
    return [
        Fact("To", part("who", row), method(row.method) if row.method else ""),
        Fact("For", part("what", row, words)),
        Fact("Paid", paid, seen.fmt.when(row.occurred_at)),
        Fact("Reason", REASON.get(reason or "", "None given")),
    ]


def _consequence(seen: Visit, row: TransactionRow, amount: int) -> str:
    goes = seen.fmt.money(amount, row.currency, row.provider)
    left = row.amount_refundable - amount
    remains = seen.fmt.money(left, row.currency, row.provider)
    rest = f"{remains} of this payment can still be refunded afterwards."
    if not left:
        rest = "Nothing of this payment is left to refund afterwards."
    on = " The subscription goes on." if row.subscription_id else ""
    return f"{goes} goes back to the customer’s payment method. {rest} A refund can’t be taken back.{on}"


async def _again(seen: Visit, row: TransactionDetail, error: Invalid) -> View:
    """The payment with its form open, and what is wrong with what was typed."""
    return view(
        seen,
        "transaction.html",
        title="Payment",
        http_status=error.status,
        frame=await frame_of(seen, "transactions"),
        row=row,
        offer=offer_of(seen, row),
        told=None,
        slip=Slip("op-refund", error.detail, dict(seen.request.query_params), "amount"),
    )


PAGES = (Address("/payment/transactions/{id}/refund", confirm, "payment.refund", refund),)
