"""Another plan: choose it, see to the cent what it costs now and next, then change it to exactly that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup
from pydantic import ValidationError
from starlette.responses import Response

from overseer_payment.asking import subscriptions as asking
from overseer_payment.cards import flows, words
from overseer_payment.cards.addresses import Address
from overseer_payment.cards.flows import Fact, Fields, Question, Slip
from overseer_payment.cards.forms import new_key
from overseer_payment.cards.frame import frame_of, view
from overseer_payment.cards.offering import MANAGES
from overseer_payment.cards.subscribing import change_of, found
from overseer_payment.cards.subscription_offers import ENDED
from overseer_payment.errors import Conflict, Invalid, PaymentError
from overseer_payment.provider import Proration
from overseer_payment.schemas import ChangePlanBody

if TYPE_CHECKING:
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit
    from overseer_payment.schemas import (
        ChangePreview,
        PriceRow,
        SubscriptionItemRow,
        SubscriptionRow,
        UpcomingLine,
    )

_FORM = "op-plan"
_FIELDS = ("item_id", "new_price_id", "quantity", "proration", "proration_date")
_DIFFERENCE = {
    Proration.CREATE_PRORATIONS: "On the next invoice",
    Proration.ALWAYS_INVOICE: "At once",
    Proration.NONE: "Not at all",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What there is to choose from. `problem` says why the catalogue can't be shown."""

    items: list[tuple[str, str]]
    prices: list[tuple[str, str]]
    problem: str = ""


async def plan(seen: Visit) -> View:
    """The form: which price, how many, and what becomes of the difference."""
    return await _form(seen, await _changeable(seen))


async def confirm(seen: Visit) -> View:
    """What the change costs, by the provider's own reckoning. Changes nothing."""
    row, given = await _changeable(seen), seen.request.query_params
    try:
        body = _body(given)
        preview = await asking.preview_change(seen.payments, seen.viewer, str(row.id), body)
    except PaymentError as error:
        return await _form(seen, row, Slip(_FORM, error.detail, dict(given)), error.status)
    prices = await _prices(seen)
    return await flows.confirm(
        seen, change_of(seen, row, "change"), _question(seen, row, body, preview, prices)
    )


async def change(seen: Visit) -> View | Response:
    """Change it to what the preview showed."""
    row = await found(seen)
    change = change_of(seen, row, "change")

    async def do(fields: Fields, key: str) -> str:
        body = _body(fields)
        await asking.change_plan(seen.payments, seen.viewer, str(row.id), body, idempotency_key=key)
        return change.done

    return await flows.carry_out(seen, change, do)


async def _changeable(seen: Visit) -> SubscriptionRow:
    row = await found(seen)
    if row.status in ENDED:
        raise Conflict("This subscription has ended. A new one needs a new checkout.")
    return row


def _body(given: Mapping[str, str]) -> ChangePlanBody:
    """The change as it was chosen; what was left empty stays as it is. Raises Invalid."""
    said = {name: given[name].strip() for name in _FIELDS if given.get(name, "").strip()}
    if "proration" in said:
        said["proration_behavior"] = said.pop("proration")
    try:
        return ChangePlanBody.model_validate(said)
    except ValidationError as error:
        wrong = {str(one["loc"][0]) for one in error.errors(include_input=False) if one["loc"]}
        if "quantity" in wrong:
            raise Invalid("The quantity is a whole number from 1 to 999,999.") from None
        raise Invalid("Choose another price or another quantity.") from None


async def _form(seen: Visit, row: SubscriptionRow, slip: Slip | None = None, status: int = 200) -> View:
    return view(
        seen,
        "plan.html",
        title="Change plan",
        http_status=status,
        frame=await frame_of(seen, "subscriptions"),
        change=change_of(seen, row, "change"),
        row=row,
        choice=await _choice(seen, row),
        difference=[(kind.value, text) for kind, text in _DIFFERENCE.items()],
        slip=slip,
        key=new_key(),
    )


async def _choice(seen: Visit, row: SubscriptionRow) -> Choice:
    items = [(item.id, _item(seen, row, item)) for item in row.items]
    try:
        prices = (await seen.payments.catalog(seen.viewer)).prices
    except PaymentError as error:
        return Choice(items, [], error.detail)
    usable = [price for price in prices if _fits(row, price)]
    return Choice(items, [(price.id, _price(seen, row, price)) for price in usable])


def _fits(row: SubscriptionRow, price: PriceRow) -> bool:
    """A subscription keeps its currency, and a one-off price can't recur."""
    return price.interval is not None and row.currency in {
        price.currency,
        *(option.currency for option in price.currencies),
    }


async def _prices(seen: Visit) -> dict[str, PriceRow]:
    try:
        return {price.id: price for price in (await seen.payments.catalog(seen.viewer)).prices}
    except PaymentError:
        return {}


def _item(seen: Visit, row: SubscriptionRow, item: SubscriptionItemRow) -> str:
    each = words.interval(item.interval, item.interval_count)
    money = seen.fmt.price(item, row.currency, row.provider)
    return f"{item.quantity:,} × {item.name or item.price_id}, {money} {each}"


def _price(seen: Visit, row: SubscriptionRow, price: PriceRow) -> str:
    money = seen.fmt.option(price, row.currency, row.provider)
    more = f" ({price.nickname})" if price.nickname else ""
    return f"{price.product_name}{more}, {money} {words.interval(price.interval, price.interval_count)}"


# -- what it comes to ---------------------------------------------------------------------------------


def _question(
    seen: Visit,
    row: SubscriptionRow,
    body: ChangePlanBody,
    preview: ChangePreview,
    prices: Mapping[str, PriceRow],
) -> Question:
    due = seen.fmt.money(preview.due_now, preview.currency, row.provider)
    return Question(
        text=f"Change it and ask for {due} now?" if preview.due_now else "Change this subscription?",
        button=f"Change it for {due}" if preview.due_now else "Change it",
        progress="Changing…",
        consequence=_consequence(preview, due),
        facts=_facts(seen, row, body, preview, prices),
        livemode=row.livemode,
        moves_money=preview.due_now != 0,
        fields={
            "item_id": body.item_id or "",
            "new_price_id": body.new_price_id or "",
            "quantity": str(body.quantity or ""),
            "proration": body.proration_behavior.value,
            "proration_date": preview.proration_date.isoformat(),
        },
    )


def _consequence(preview: ChangePreview, due: str) -> str:
    if preview.due_now > 0:
        return f"The customer is asked for {due} at once. The sums are the provider’s, as of this moment."
    following = " What changes within this period stands on the next invoice." if preview.next_invoice else ""
    return f"It changes at once; nothing is asked for now.{following} The sums are the provider’s."


def _facts(
    seen: Visit,
    row: SubscriptionRow,
    body: ChangePlanBody,
    preview: ChangePreview,
    prices: Mapping[str, PriceRow],
) -> list[Fact]:
    item = next((one for one in row.items if one.id == body.item_id), row.items[0] if row.items else None)
    before = _item(seen, row, item) if item else row.plan_name or "As it is"
    found = [
        Fact("Customer", row.customer_email or "Unknown"),
        Fact("From", before),
        Fact("To", _target(seen, row, body, item, prices)),
        Fact("Due now", seen.fmt.money(preview.due_now, preview.currency, row.provider)),
    ]
    if following := preview.next_invoice:
        due = seen.fmt.on(following.due_at) if following.due_at else ""
        total = seen.fmt.money(following.total, following.currency, row.provider)
        found.append(Fact("Next invoice", total, due))
    if preview.lines:
        lines = [_line(seen, row, preview, line) for line in preview.lines]
        found.append(Fact("In detail", Markup("").join(lines)))
    return found


def _target(
    seen: Visit,
    row: SubscriptionRow,
    body: ChangePlanBody,
    item: SubscriptionItemRow | None,
    prices: Mapping[str, PriceRow],
) -> str:
    count = body.quantity or (item.quantity if item else 1)
    if body.new_price_id is None:
        name = (item.name or item.price_id) if item else row.plan_name
        return f"{count:,} × {name or 'the same'}"
    price = prices.get(body.new_price_id)
    return f"{count:,} × {_price(seen, row, price) if price else body.new_price_id}"


def _line(seen: Visit, row: SubscriptionRow, preview: ChangePreview, line: UpcomingLine) -> Markup:
    money = seen.fmt.money(line.amount, preview.currency, row.provider)
    return Markup('<span class="op-line"><b>{}</b> <bdi>{}</bdi></span>').format(money, line.description)


PAGES = (
    Address("/payment/subscriptions/{id}/plan", plan, MANAGES),
    Address("/payment/subscriptions/{id}/change", confirm, MANAGES, change),
)
