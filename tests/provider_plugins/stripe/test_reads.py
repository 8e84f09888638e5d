"""What is asked of Stripe to know an object whole: addresses, paging."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_httpx import HTTPXMock

from overseer_payment.errors import ObjectAbsent
from overseer_payment.provider import (
    InvoicePaymentSnapshot,
    Kind,
    PaymentSnapshot,
    ProductSnapshot,
    Ref,
    RefundSnapshot,
    Source,
    SubscriptionSnapshot,
)
from overseer_payment.provider_plugins.stripe.provider import StripeProvider
from tests.provider_plugins.stripe import payloads as p

pytestmark = pytest.mark.anyio


def _kinds(snapshots: Any) -> list[Kind]:
    return [snapshot.kind for snapshot in snapshots]


def _page(*items: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return p.listed(*items, has_more=more)


async def test_a_read_speaks_of_the_providers_time(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """The Date header places it; our stopped clock is a day behind."""
    date = "Tue, 27 Oct 2026 07:33:20 GMT"  # a day after NOW
    other = "Mon, 01 Jan 2024 00:00:00 GMT"  # of a server in between
    httpx_mock.add_response(json=p.customer(), headers=[("Date", other), ("Date", date)])
    (found,) = await provider.fetch(Ref(Kind.CUSTOMER, "cus_1"))
    assert found.as_of.source is Source.READ
    assert found.as_of.moment.strftime("%a, %d %b %Y %H:%M:%S GMT") == date


async def test_fetching_a_charge_brings_every_refund(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """A list that comes cut off is read to its end, page by page."""
    cut = p.charge(refunds=_page(p.refund(id="re_3"), more=True))
    httpx_mock.add_response(url="https://api.stripe.com/v1/charges/ch_1?expand[0]=refunds", json=cut)
    listing = "https://api.stripe.com/v1/refunds?charge=ch_1&limit=100"
    httpx_mock.add_response(url=listing, json=_page(p.refund(id="re_3"), p.refund(id="re_2"), more=True))
    httpx_mock.add_response(url=f"{listing}&starting_after=re_2", json=_page(p.refund(id="re_1")))
    found = await provider.fetch(Ref(Kind.CHARGE, "ch_1"))
    assert [snapshot.id for snapshot in found] == ["ch_1", "re_3", "re_2", "re_1"]


async def test_a_list_that_never_ends_is_left(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """A page that repeats itself does not keep us reading."""
    httpx_mock.add_response(json=p.charge(refunds=None))
    httpx_mock.add_response(json=_page(p.refund(), more=True), is_reusable=True)
    await provider.fetch(Ref(Kind.CHARGE, "ch_1"))
    assert len(httpx_mock.get_requests()) == 3


async def test_fetching_an_invoice_brings_every_payment(
    provider: StripeProvider, httpx_mock: HTTPXMock
) -> None:
    """Embedded when whole, else listed."""
    httpx_mock.add_response(json=p.invoice(payments=None))
    httpx_mock.add_response(
        url="https://api.stripe.com/v1/invoice_payments?invoice=in_1&limit=100",
        json=_page(p.invoice_payment(), p.invoice_payment(id="inpay_2", status="canceled")),
    )
    found = await provider.fetch(Ref(Kind.INVOICE, "in_1"))
    assert [snapshot.id for snapshot in found] == ["in_1", "inpay_1", "inpay_2"]


async def test_fetching_a_link_by_our_own_name_for_it(
    provider: StripeProvider, httpx_mock: HTTPXMock
) -> None:
    """A link that an older dialect told of is asked for by its invoice."""
    httpx_mock.add_response(json=p.invoice())
    found = await provider.fetch(Ref(Kind.INVOICE_PAYMENT, "in_1:pi_1"))
    assert any(isinstance(snapshot, InvoicePaymentSnapshot) for snapshot in found)


async def test_fetching_a_subscription_names_its_products(
    provider: StripeProvider, httpx_mock: HTTPXMock
) -> None:
    """With the product expanded, the name that people know comes along."""
    product = {"id": "prod_1", "object": "product", "name": "Pro"}
    price = {"id": "price_1", "object": "price", "unit_amount": 5, "product": product}
    items = _page({"id": "si_1", "price": price})
    httpx_mock.add_response(json=p.subscription(items=items, customer=p.customer()))
    found = await provider.fetch(Ref(Kind.SUBSCRIPTION, "sub_1"))
    assert _kinds(found) == [Kind.SUBSCRIPTION, Kind.CUSTOMER, Kind.PRODUCT]
    assert isinstance(found[0], SubscriptionSnapshot)
    assert isinstance(found[2], ProductSnapshot)
    assert (found[2].name, found[2].id) == ("Pro", found[0].items[0].product)


async def test_a_subscription_with_many_items_is_read_whole(
    provider: StripeProvider, httpx_mock: HTTPXMock
) -> None:
    """What is cut off in the object is listed."""
    httpx_mock.add_response(json=p.subscription(items=_page({"id": "si_1", "price": "price_1"}, more=True)))
    many = [{"id": f"si_{n}", "price": "price_1", "quantity": n} for n in range(1, 31)]
    httpx_mock.add_response(json=_page(*many))
    (found,) = await provider.fetch(Ref(Kind.SUBSCRIPTION, "sub_1"))
    assert isinstance(found, SubscriptionSnapshot)
    assert len(found.items) == 30


@pytest.mark.parametrize(
    ("id", "path"), [("dp_1", "/v1/disputes/dp_1"), ("issfr_1", "/v1/radar/early_fraud_warnings/issfr_1")]
)
async def test_disputes_and_warnings_are_told_apart(
    provider: StripeProvider, httpx_mock: HTTPXMock, id: str, path: str
) -> None:
    """Both are disputes to us; their ids say where to ask."""
    told = p.dispute(charge=p.charge()) if id == "dp_1" else p.early_fraud_warning(charge=p.charge())
    httpx_mock.add_response(json=told)
    assert _kinds(await provider.fetch(Ref(Kind.DISPUTE, id))) == [Kind.DISPUTE, Kind.CHARGE]
    request = httpx_mock.get_request()
    assert request is not None
    assert request.url.path == path


async def test_a_transaction_by_its_payment_comes_with_its_invoice(
    provider: StripeProvider, httpx_mock: HTTPXMock
) -> None:
    """A payment intent does not name its invoice any more: the link is asked for."""
    charge = p.charge(refunds=_page(p.refund()))
    httpx_mock.add_response(json=p.payment_intent(payment_details=None, latest_charge=charge))
    httpx_mock.add_response(
        url="https://api.stripe.com/v1/invoice_payments?payment[type]=payment_intent"
        "&payment[payment_intent]=pi_1&limit=100",
        json=_page(p.invoice_payment()),
    )
    found = await provider.get_transaction("pi_1")
    assert _kinds(found) == [Kind.PAYMENT, Kind.CHARGE, Kind.REFUND, Kind.INVOICE_PAYMENT]


async def test_a_transaction_by_its_invoice_comes_with_its_payment(
    provider: StripeProvider, httpx_mock: HTTPXMock
) -> None:
    """Every payment that the invoice names is read."""
    httpx_mock.add_response(json=p.invoice())
    httpx_mock.add_response(json=p.payment_intent())
    found = await provider.get_transaction("in_1")
    assert found[0].id == "in_1"
    assert any(isinstance(snapshot, PaymentSnapshot) for snapshot in found)


@pytest.mark.parametrize("id", ["", "sub_1", "x", "../refunds", "pi"])
async def test_an_id_that_is_no_payments_is_absent(provider: StripeProvider, id: str) -> None:
    """Nothing is asked for such an id."""
    with pytest.raises(ObjectAbsent):
        await provider.get_transaction(id)


async def test_an_id_cannot_change_the_path(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """What a person typed is one path segment, whatever it holds."""
    httpx_mock.add_response(status_code=404, json={"error": {"code": "resource_missing", "message": "No."}})
    with pytest.raises(ObjectAbsent):
        await provider.fetch(Ref(Kind.CUSTOMER, "../balance?x=1#y"))
    request = httpx_mock.get_request()
    assert request is not None
    assert request.url.raw_path.startswith(b"/v1/customers/..%2Fbalance%3Fx")


async def test_prices(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """Only what can be sold, over all pages, with the product's name."""
    product = {"id": "prod_1", "name": "Pro", "active": True}
    price = {"id": "price_1", "currency": "usd", "product": product, "active": True}
    first = [{**price, "unit_amount": 500, "recurring": {"interval": "year", "interval_count": 1}}]
    second = [
        {**price, "id": "price_2", "unit_amount": None, "nickname": "Tiers"},
        {**price, "id": "price_3", "product": {"id": "prod_2", "deleted": True}},
        {**price, "id": "price_4", "product": {**product, "active": False}},
    ]
    httpx_mock.add_response(json=_page(*first, more=True))
    httpx_mock.add_response(json=_page(*second))
    found = [price async for price in provider.list_prices()]
    assert [(price.id, price.amount, price.interval, price.product_name) for price in found] == [
        ("price_1", 500, "year", "Pro"),
        ("price_2", None, None, "Pro"),
    ]


async def test_refund_snapshots_carry_what_the_ledger_links_by(
    provider: StripeProvider, httpx_mock: HTTPXMock
) -> None:
    """A refund read alone names its charge and its payment."""
    httpx_mock.add_response(json=p.refund(charge=p.charge()))
    found = await provider.fetch(Ref(Kind.REFUND, "re_1"))
    assert isinstance(found[0], RefundSnapshot)
    assert (found[0].charge, found[0].payment) == ("ch_1", "pi_1")
