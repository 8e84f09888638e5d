"""What is made of objects that leave something out, say it twice, or say what nobody knows."""

from __future__ import annotations

from typing import Any

import pytest

from overseer_payment.errors import PayloadInvalid
from overseer_payment.provider import (
    AsOf,
    CheckoutStatus,
    DisputeKind,
    InvoiceStatus,
    PriceScheme,
    Source,
    TransactionStatus,
)
from overseer_payment.provider_plugins.stripe.translate import Context, translate
from tests.provider_plugins.stripe import payloads as p

Fields = dict[str, Any]

OLD_ITEM: Fields = {
    "id": "si_1",
    "plan": {"id": "price_1", "currency": "eur", "amount": 5, "interval_count": 3},
}
NEW_ITEM: Fields = {
    "id": "si_2",
    "quantity": 0,
    "price": {"id": "price_2", "recurring": {"interval": "week", "interval_count": 2}},
}
NO_PRICE: Fields = {"id": "si_3", "quantity": 1}
PRICE: Fields = {"id": "price_1", "object": "price", "product": "prod_1", "currency": "usd", "unit_amount": 5}


def _told(obj: Fields, type: str = "") -> tuple[Any, ...]:
    """By an event of that type; without one, by a read."""
    source = Source.EVENT if type else Source.READ
    return tuple(translate(obj["object"], obj, Context(AsOf(p.at(), source), False, type)))


def _case_type(details: Fields) -> Fields:
    return p.dispute(status="under_review", payment_method_details=details)


# The object, the type of the event that tells it (none: a read), and what is made of it.
CASES: dict[str, tuple[Fields, str, Fields]] = {
    "a customer who is gone": (
        {"id": "cus_1", "object": "customer", "deleted": True},
        "",
        {"deleted": True, "email": None, "occurred_at": p.at()},
    ),
    "a product that is gone": (
        {"id": "prod_1", "object": "product", "deleted": True},
        "",
        {"deleted": True, "active": False},
    ),
    "a price that is deleted": (PRICE, "price.deleted", {"active": False}),
    "a price that is gone": ({**PRICE, "deleted": True}, "", {"active": False}),
    "a price that costs nothing": (
        {**PRICE, "unit_amount": None, "unit_amount_decimal": "0"},
        "",
        {"amount": 0, "active": True, "interval_count": 1, "scheme": PriceScheme.FLAT},
    ),
    "a price for each interval": (
        {**PRICE, "recurring": {"interval": "month", "interval_count": 1}},
        "",
        {"interval_count": 1},
    ),
    "a session of no sum": (p.checkout(amount_total=0), "", {"amount_total": 0}),
    "a session of the smallest sum": (p.checkout(amount_total=1), "", {"amount_total": 1}),
    "a session without a sum": (p.checkout(amount_total=None), "", {"amount_total": None}),
    "a session of what can't be": (p.checkout(amount_total=-1), "", {"amount_total": None}),
    "a session that says its state": (
        p.checkout(status="expired"),
        "checkout.session.completed",
        {"status": CheckoutStatus.EXPIRED},
    ),
    "a session that was read": (p.checkout(), "", {"status": CheckoutStatus.COMPLETE}),
    "a session that says no state": (p.checkout(status=None), "", {"status": CheckoutStatus.OPEN}),
    "a payment after a failure": (
        p.payment_intent(last_payment_error={"code": "card_declined", "message": "No."}),
        "",
        {"failure_code": None, "failure_message": None},
    ),
    "a charge whose buyer only gets a receipt": (
        p.charge(billing_details=None, receipt_email="bea@example.com"),
        "",
        {"email": "bea@example.com", "name": None},
    ),
    "a charge that failed": (p.charge(status="failed", amount_captured=7), "", {"amount": 2000}),
    "a charge that doesn't say what was captured": (
        p.charge(amount_captured=None),
        "",
        {"amount": 2000, "amount_refunded": 500},
    ),
    "a charge that doesn't say whether it was captured": (
        p.charge(captured=None, amount_captured=1500),
        "",
        {"amount": 1500, "amount_refunded": 500},
    ),
    "a card without a number": (
        p.charge(payment_method_details={"type": "card", "card": {"brand": "visa"}}),
        "",
        {"method": "card"},
    ),
    "a card with an odd number": (
        p.charge(payment_method_details={"type": "card", "card": {"brand": "visa", "last4": "42424"}}),
        "",
        {"method": "card"},
    ),
    "an invoice that says no total": (p.invoice(total=None, amount_due=7), "", {"total": 7}),
    "an invoice without attempts": (p.invoice(attempt_count=0), "", {"attempt_count": 0}),
    "an invoice that is marked paid": (
        p.invoice(status="open", paid=True),
        "",
        {"status": InvoiceStatus.PAID},
    ),
    "an invoice of a new state": (p.invoice(status="novel"), "", {"status": InvoiceStatus.DRAFT}),
    "an invoice whose attempt isn't counted yet": (
        p.invoice(status="open", attempt_count=0),
        "invoice.payment_failed",
        {"attempt_failed": True},
    ),
    "an invoice paid elsewhere": (p.invoice(amount_paid_off_stripe=2000), "", {"paid_out_of_band": True}),
    "an invoice paid elsewhere in part": (
        p.invoice(amount_paid_off_stripe=1999),
        "",
        {"paid_out_of_band": False},
    ),
    "an invoice of one, paid elsewhere": (
        p.invoice(amount_paid_off_stripe=1, amount_paid=1),
        "",
        {"paid_out_of_band": True},
    ),
    "an invoice of one without payments": (
        p.invoice(amount_due=1, amount_paid=1, payments=p.listed()),
        "",
        {"paid_out_of_band": True},
    ),
    "a subscription that says no currency": (
        p.subscription(currency=None, items=p.listed(NO_PRICE, OLD_ITEM)),
        "",
        {"currency": "eur"},
    ),
    "a subscription without periods": (
        p.subscription(items=p.listed()),
        "",
        {"current_period_start": None, "current_period_end": None, "items": ()},
    ),
    "a dispute that nobody answered": (p.dispute(), "", {"submission_count": 0}),
    "an inquiry of another method": (
        _case_type({"type": "paypal", "paypal": {"case_type": "inquiry"}}),
        "",
        {"dispute_kind": DisputeKind.INQUIRY},
    ),
    "an inquiry of a method that is not told": (
        _case_type({"card": {"case_type": "inquiry"}}),
        "",
        {"dispute_kind": DisputeKind.INQUIRY},
    ),
    "a chargeback of another method": (
        _case_type({"type": "paypal", "paypal": {}, "card": {"case_type": "inquiry"}}),
        "",
        {"dispute_kind": DisputeKind.CHARGEBACK},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_left_out_falls_back(name: str) -> None:
    """To what else the object says, or to what claims the least."""
    obj, type, expected = CASES[name]
    told = _told(obj, type)[0]
    assert {field: getattr(told, field) for field in expected} == expected


def test_each_item_that_can_be_read_is() -> None:
    """One without an id or a price costs only itself; how many and how often are one unless they are told."""
    rows = p.listed(NO_PRICE, {"price": {"id": "price_9"}}, OLD_ITEM, NEW_ITEM)
    items = _told(p.subscription(items=rows))[0].items
    assert [(item.id, item.quantity, item.amount, item.interval_count) for item in items] == [
        ("si_1", 1, 5, 3),
        ("si_2", 0, None, 2),
    ]
    (bare,) = _told(p.subscription(items=p.listed({"id": "si_1", "price": "price_1"})))[0].items
    assert (bare.price, bare.quantity, bare.interval, bare.interval_count) == ("price_1", 1, None, 1)


def test_of_the_refunds_in_a_charge_only_what_was_released_moved_nothing() -> None:
    """The one of just that sum without an entry in the balance; what can't be read costs only itself."""
    listed = [
        {"id": "re_0"},
        p.refund(id="re_1", balance_transaction=None),
        p.refund(id="re_2"),
        p.refund(id="re_3", amount=100, balance_transaction=None),
    ]
    states = {
        one.id: one.status for one in _told(p.charge(amount_captured=1500, refunds=p.listed(*listed)))[1:]
    }
    succeeded = TransactionStatus.SUCCEEDED
    assert states == {"re_1": TransactionStatus.CANCELED, "re_2": succeeded, "re_3": succeeded}


def test_what_was_authorised_and_never_captured_is_released_whole() -> None:
    """Where it isn't told that nothing was captured, nothing was released."""
    for captured, status in ((False, TransactionStatus.CANCELED), (None, TransactionStatus.SUCCEEDED)):
        all_of_it = p.refund(amount=2000, balance_transaction=None)
        charge = p.charge(captured=captured, amount_captured=0, refunds=p.listed(all_of_it))
        assert _told(charge)[1].status is status


@pytest.mark.parametrize(
    ("obj", "says"),
    [
        (p.refund(amount=None), "Stripe's refund has no usable amount."),
        (p.refund(currency="us"), "Stripe's refund has no usable currency."),
        (p.dispute(id=""), "Stripe's dispute has no usable id."),
        (p.subscription(currency=None), "Stripe's subscription has no usable currency."),
    ],
)
def test_what_is_refused_is_named(obj: Fields, says: str) -> None:
    """Which object lacks what."""
    with pytest.raises(PayloadInvalid) as refused:
        _told(obj)
    assert str(refused.value) == says


def test_an_object_that_doesn_t_say_what_it_is_is_an_object() -> None:
    """In the sentence that refuses it."""
    with pytest.raises(PayloadInvalid) as refused:
        translate("refund", p.refund(object=None, amount=None), Context(AsOf(p.at(), Source.READ), False))
    assert str(refused.value) == "Stripe's object has no usable amount."
