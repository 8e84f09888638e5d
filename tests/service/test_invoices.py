"""Invoices: what was asked for, what was tried, what paid it, and what will be asked for next."""

from __future__ import annotations

from typing import Any

import pytest

from overseer_payment.errors import Conflict, NotFound, ProviderUnavailable
from overseer_payment.host_contract import User
from overseer_payment.provider import CheckoutMode
from overseer_payment.schemas import CheckoutBody, InvoiceQuery, Viewer
from overseer_payment.shown import invoices as shown
from tests.service.shop import OPERATOR, Shop

pytestmark = pytest.mark.anyio
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what no database decides: once is enough."""

ADA = Viewer("user:7", User("7", "Ada"))
BEN = Viewer("user:8", User("8", "Ben"))


async def _subscribed(shop: Shop, currency: str = "usd", amount: int = 1500, **more: Any) -> dict[str, Any]:
    """Ada's subscription, paid in a checkout; the provider's subscription."""
    price = await shop.price(amount, currency, "month")
    body = CheckoutBody(price_id=price, mode=CheckoutMode.SUBSCRIPTION, **more)
    created = await shop.payments.create_checkout(ADA, body)
    shop.world.clock.advance(30)
    shop.fill_in(created.session_id)
    await shop.settle()
    return dict(shop.world.find("subscription")[0])


async def _decline_from_now(shop: Shop, subscription: dict[str, Any]) -> None:
    """The customer's card is replaced by one that can't be charged."""
    customer = subscription["customer"]
    method = await shop.post("payment_methods/pm_card_chargeCustomerFail/attach", customer=customer)
    await shop.post(f"subscriptions/{subscription['id']}", default_payment_method=method["id"])


@on_sqlite
async def test_an_invoice_shows_its_page_and_what_paid_it(shop: Shop) -> None:
    """Number, hosted page, PDF, the one payment with its sum; found by our id and the provider's."""
    await _subscribed(shop)
    (row,) = (await shown.invoices(shop.payments, OPERATOR, InvoiceQuery())).rows
    assert (row.status, row.total, row.amount_paid, row.amount_remaining) == ("paid", 1500, 1500, 0)
    detail = await shown.invoice(shop.payments, OPERATOR, row.provider_invoice_id)
    assert detail.id == row.id
    assert detail.hosted_url is not None
    assert detail.pdf_url is not None
    assert detail.number == shop.world.find("invoice")[0]["number"]
    assert [(payment.status, payment.amount) for payment in detail.payments] == [("succeeded", 1500)]
    assert [attempt.status for attempt in detail.attempts] == ["succeeded"]
    assert detail.billing_reason == "subscription_create"


@on_sqlite
@pytest.mark.parametrize(("currency", "amount"), [("jpy", 1500), ("kwd", 12340)])
async def test_sums_stay_in_minor_units_of_their_currency(shop: Shop, currency: str, amount: int) -> None:
    """Yen and dinars are neither scaled nor rounded, in the invoice and in the preview of the next."""
    subscription = await _subscribed(shop, currency, amount)
    (row,) = (await shown.invoices(shop.payments, OPERATOR, InvoiceQuery())).rows
    assert (row.currency, row.total) == (currency, amount)
    following = await shown.upcoming(shop.payments, OPERATOR, subscription["id"])
    assert (following.currency, following.total) == (currency, amount)


async def test_failed_attempts_and_the_next_one_are_visible(shop: Shop) -> None:
    """A renewal that was declined: open, the reason of the attempt, and when it is tried again."""
    subscription = await _subscribed(shop)
    await _decline_from_now(shop, subscription)
    await shop.advance(32)
    (row,) = (
        await shown.invoices(shop.payments, OPERATOR, InvoiceQuery.model_validate({"status": "open"}))
    ).rows
    detail = await shown.invoice(shop.payments, OPERATOR, str(row.id))
    failed = [attempt for attempt in detail.attempts if attempt.status == "failed"]
    assert failed
    assert failed[0].failure_code
    assert failed[0].amount == 1500
    assert detail.attempt_count >= 1
    assert detail.next_attempt_at is not None
    assert detail.next_attempt_at > failed[-1].at
    assert [payment.status for payment in detail.payments] == ["failed"]


async def test_filters_and_pages(shop: Shop) -> None:
    """By state, customer and subscription, alone and together; a page goes on where the last ended."""
    subscription = await _subscribed(shop)
    await shop.subscribe(900)
    await shop.advance(63)

    async def ids(**filters: Any) -> list[int]:
        query = InvoiceQuery.model_validate(filters)
        return [row.id for row in (await shown.invoices(shop.payments, OPERATOR, query)).rows]

    every = await ids()
    assert len(every) == 6
    mine = await ids(subscription_id=subscription["id"])
    assert len(mine) == 3
    assert await ids(customer_id=subscription["customer"]) == mine
    assert await ids(customer_id=subscription["customer"], subscription_id=subscription["id"]) == mine
    assert await ids(status="void") == []
    assert await ids(subscription_id="sub_unknown") == []
    first = await shown.invoices(shop.payments, OPERATOR, InvoiceQuery(limit=4))
    rest = await shown.invoices(shop.payments, OPERATOR, InvoiceQuery(limit=4, cursor=first.next_cursor))
    assert [row.id for row in (*first.rows, *rest.rows)] == every


async def test_people_see_their_own_invoices_only(shop: Shop) -> None:
    """Ada sees hers without the staff's link, Ben sees none, and is not told that it exists."""
    subscription = await _subscribed(shop)
    (row,) = (await shown.invoices(shop.payments, ADA, InvoiceQuery())).rows
    assert (await shown.invoice(shop.payments, ADA, str(row.id))).url is None
    theirs = InvoiceQuery(subscription_id=subscription["id"])
    assert (await shown.invoices(shop.payments, BEN, theirs)).rows == []
    for ask, id in ((shown.invoice, str(row.id)), (shown.upcoming, subscription["id"])):
        with pytest.raises(NotFound):
            await ask(shop.payments, BEN, id)
    assert (await shown.upcoming(shop.payments, ADA, subscription["id"])).amount_due == 1500


@on_sqlite
async def test_what_comes_next_is_asked_of_the_provider(shop: Shop) -> None:
    """Sum, moment and lines as the provider has them; asking changes nothing there."""
    subscription = await _subscribed(shop)
    events = len(shop.world.events)
    following = await shown.upcoming(shop.payments, OPERATOR, subscription["id"])
    row = await shop.payments.subscription(OPERATOR, subscription["id"])
    assert following.due_at == row.current_period_end
    assert [line.amount for line in following.lines] == [1500]
    assert following.lines[0].period_start == row.current_period_end
    assert (len(shop.world.events), shop.made("invoice")) == (events, 1)


@on_sqlite
async def test_nothing_comes_after_the_end(shop: Shop) -> None:
    """A subscription that ended has no next invoice: 409, without asking."""
    subscription = await _subscribed(shop)
    await shop.delete(f"subscriptions/{subscription['id']}")
    await shop.settle()
    with pytest.raises(Conflict) as refused:
        await shown.upcoming(shop.payments, OPERATOR, subscription["id"])
    assert refused.value.code == "nothing_upcoming"
    assert shop.requests("POST", "/v1/invoices/create_preview") == []


@on_sqlite
async def test_lists_answer_with_the_provider_away(shop: Shop) -> None:
    """What was recorded is shown; only what must be asked says that it can't be."""
    subscription = await _subscribed(shop)
    shop.wire.down = True
    (row,) = (await shown.invoices(shop.payments, OPERATOR, InvoiceQuery())).rows
    assert (await shown.invoice(shop.payments, OPERATOR, str(row.id))).payments
    with pytest.raises(ProviderUnavailable):
        await shown.upcoming(shop.payments, OPERATOR, subscription["id"])
