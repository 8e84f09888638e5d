"""What goes over the wire: parameters, headers, paging; and what stays off the machine."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import stripe
from pytest_httpx import HTTPXMock

from overseer_payment.errors import Invalid, ObjectAbsent
from overseer_payment.provider import (
    CheckoutMode,
    CheckoutRequest,
    CheckoutStatus,
    CustomerRequest,
    InvoicePaymentSnapshot,
    Kind,
    PaymentSnapshot,
    ProductSnapshot,
    Provider,
    Ref,
    RefundRequest,
    RefundSnapshot,
    Source,
    SubscriptionSnapshot,
)
from overseer_payment.provider_plugins.stripe import register_providers
from overseer_payment.provider_plugins.stripe.provider import StripeProvider
from overseer_payment.provider_plugins.stripe.requests import with_session_id
from overseer_payment.provider_plugins.stripe.settings import API_VERSION
from tests.provider_plugins.stripe import payloads as p
from tests.support.environment import clean_environment

pytestmark = pytest.mark.anyio

URLS: dict[str, Any] = {"success_url": "https://app.example/ok", "cancel_url": "https://app.example/no"}


def _form(request: httpx.Request | None) -> dict[str, str]:
    assert request is not None
    return {key: value[0] for key, value in parse_qs(request.content.decode()).items()}


def _kinds(snapshots: Any) -> list[Kind]:
    return [snapshot.kind for snapshot in snapshots]


def _page(*items: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return p.listed(*items, has_more=more)


async def test_it_is_a_provider(provider: StripeProvider) -> None:
    """Every member of the contract is there, and the declaration names our API version."""
    assert isinstance(provider, Provider)
    (spec,) = register_providers()
    assert spec.api_version == API_VERSION == stripe.api_version


# -- writes ----------------------------------------------------------------------------------------


async def test_a_payment_checkout(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """Price, quantity, buyer and metadata are sent; the metadata for the payment, too."""
    httpx_mock.add_response(
        url="https://api.stripe.com/v1/checkout/sessions",
        json=p.checkout(status="open", payment_status="unpaid", url="https://pay.example/1"),
    )
    session = await provider.create_checkout(
        CheckoutRequest(
            mode=CheckoutMode.PAYMENT,
            price="price_1",
            quantity=2,
            email="ada@example.com",
            client_reference="user-7",
            metadata={"order": "7"},
            **URLS,
        ),
        idempotency_key="op-9",
    )
    assert (session.url, session.status) == ("https://pay.example/1", CheckoutStatus.OPEN)
    request = httpx_mock.get_request()
    assert _form(request) == {
        "mode": "payment",
        "success_url": "https://app.example/ok?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://app.example/no",
        "line_items[0][price]": "price_1",
        "line_items[0][quantity]": "2",
        "customer_email": "ada@example.com",
        "client_reference_id": "user-7",
        "metadata[order]": "7",
        "payment_intent_data[metadata][order]": "7",
    }
    assert request is not None
    assert request.headers["idempotency-key"] == "op-9"
    assert request.headers["stripe-version"] == API_VERSION
    assert request.headers["authorization"] == f"Bearer {p.KEY}"


async def test_a_subscription_checkout_with_a_trial(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """Trial and metadata go to the subscription that will be made."""
    httpx_mock.add_response(json=p.checkout(mode="subscription"))
    await provider.create_checkout(
        CheckoutRequest(
            mode=CheckoutMode.SUBSCRIPTION,
            price="price_1",
            customer="cus_1",
            trial_period_days=14,
            metadata={"a": "b"},
            **URLS,
        ),
        idempotency_key="op-1",
    )
    form = _form(httpx_mock.get_request())
    assert form["subscription_data[trial_period_days]"] == "14"
    assert form["subscription_data[metadata][a]"] == "b"
    assert form["customer"] == "cus_1"
    assert "payment_intent_data[metadata][a]" not in form


async def test_a_setup_checkout(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """Saving a card sells nothing but needs a currency."""
    httpx_mock.add_response(json=p.checkout(mode="setup"))
    await provider.create_checkout(
        CheckoutRequest(mode=CheckoutMode.SETUP, currency="EUR", **URLS), idempotency_key="op-1"
    )
    form = _form(httpx_mock.get_request())
    assert (form["mode"], form["currency"]) == ("setup", "eur")
    assert not any(key.startswith(("line_items", "payment_method_types")) for key in form)


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": CheckoutMode.PAYMENT},
        {"mode": CheckoutMode.SETUP},
        {"mode": CheckoutMode.SETUP, "currency": "usd", "price": "price_1"},
        {"mode": CheckoutMode.PAYMENT, "price": "price_1", "trial_period_days": 3},
        {"mode": CheckoutMode.PAYMENT, "price": "price_1", "quantity": 0},
        {"mode": CheckoutMode.PAYMENT, "price": "price_1", "customer": "cus_1", "email": "a@b.c"},
    ],
)
async def test_a_checkout_that_makes_no_sense_is_not_sent(provider: StripeProvider, changes: Any) -> None:
    """Refused here, in words that say why."""
    with pytest.raises(Invalid):
        await provider.create_checkout(CheckoutRequest(**URLS, **changes), idempotency_key="op-1")


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("https://a/ok", "https://a/ok?session_id={CHECKOUT_SESSION_ID}"),
        ("https://a/ok?x=1#f", "https://a/ok?x=1&session_id={CHECKOUT_SESSION_ID}#f"),
        ("https://a/{CHECKOUT_SESSION_ID}", "https://a/{CHECKOUT_SESSION_ID}"),
        ("https://a/ok?session_id=mine", "https://a/ok?session_id=mine"),
    ],
)
def test_the_success_page_learns_the_session(given: str, sent: str) -> None:
    """Stripe's placeholder is added unless the caller put one."""
    assert with_session_id(given) == sent


async def test_a_refund(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """The refund comes first; the charge it came with carries all its refunds."""
    charge = p.charge(refunds=_page(p.refund(), p.refund(id="re_0", amount=1)))
    httpx_mock.add_response(json=p.refund(charge=charge))
    found = await provider.refund(
        RefundRequest(amount=500, currency="usd", payment="pi_1", reason="duplicate", metadata={"by": "7"}),
        idempotency_key="op-1",
    )
    assert [snapshot.id for snapshot in found] == ["re_1", "ch_1", "re_0"]
    assert {snapshot.as_of.source for snapshot in found} == {Source.READ}
    assert _form(httpx_mock.get_request()) == {
        "payment_intent": "pi_1",
        "amount": "500",
        "reason": "duplicate",
        "metadata[by]": "7",
        "expand[0]": "charge.refunds",
    }


async def test_a_reason_in_own_words_goes_into_the_metadata(
    provider: StripeProvider, httpx_mock: HTTPXMock
) -> None:
    """Stripe takes three reasons; others would be refused."""
    httpx_mock.add_response(json=p.refund())
    await provider.refund(
        RefundRequest(amount=5, currency="usd", charge="ch_1", reason="arrived late"), idempotency_key="k"
    )
    form = _form(httpx_mock.get_request())
    assert (form["metadata[reason]"], form["charge"]) == ("arrived late", "ch_1")
    assert "reason" not in form


async def test_a_refund_of_nothing_in_particular_is_not_sent(provider: StripeProvider) -> None:
    """Exactly one of payment and charge."""
    with pytest.raises(Invalid):
        await provider.refund(RefundRequest(amount=5, currency="usd"), idempotency_key="k")


async def test_a_customer(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """Made with what is known of them."""
    httpx_mock.add_response(json=p.customer())
    made = await provider.create_customer(
        CustomerRequest(email="ada@example.com", name="Ada", metadata={"user": "7"}), idempotency_key="k"
    )
    assert (made.id, made.email) == ("cus_1", "ada@example.com")
    assert _form(httpx_mock.get_request()) == {
        "email": "ada@example.com",
        "name": "Ada",
        "metadata[user]": "7",
    }


# -- reads -----------------------------------------------------------------------------------------


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


# -- health and addresses --------------------------------------------------------------------------


async def test_health_names_the_account(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """One sentence, the account's id and its name."""
    account = {"id": "acct_1", "object": "account", "settings": {"dashboard": {"display_name": "Shop"}}}
    httpx_mock.add_response(url="https://api.stripe.com/v1/account", json=account)
    health = await provider.health_check()
    assert (health.healthy, health.livemode, health.account, health.title) == (True, False, "acct_1", "Shop")
    assert health.message == "Stripe answers in test mode."


async def test_a_restricted_key_may_be_healthy_without_the_account(
    provider: StripeProvider, httpx_mock: HTTPXMock
) -> None:
    """The balance is asked for where the account may not be seen."""
    httpx_mock.add_response(status_code=403, json={"error": {"message": "no"}})
    httpx_mock.add_response(url="https://api.stripe.com/v1/balance", json={"object": "balance"})
    health = await provider.health_check()
    assert (health.healthy, health.account) == (True, None)


@pytest.mark.parametrize(("status", "says"), [(401, "API key"), (500, "problem"), (429, "limiting")])
async def test_ill_health_is_said_not_raised(
    provider: StripeProvider, httpx_mock: HTTPXMock, status: int, says: str
) -> None:
    """A sentence for a person, whatever the trouble."""
    httpx_mock.add_response(status_code=status, json={"error": {"message": "no"}}, is_reusable=True)
    health = await provider.health_check()
    assert not health.healthy
    assert says in health.message


@pytest.mark.parametrize(
    ("key", "ref", "url"),
    [
        ("sk_test_1", Ref(Kind.PAYMENT, "pi_1"), "https://dashboard.stripe.com/test/payments/pi_1"),
        ("sk_live_1", Ref(Kind.CUSTOMER, "cus_1"), "https://dashboard.stripe.com/customers/cus_1"),
        ("sk_test_1", Ref(Kind.DISPUTE, "dp_1"), "https://dashboard.stripe.com/test/disputes/dp_1"),
        ("sk_test_1", Ref(Kind.DISPUTE, "issfr_1"), None),
        ("sk_test_1", Ref(Kind.REFUND, "re_1"), None),
    ],
)
def test_dashboard_addresses(key: str, ref: Ref, url: str | None) -> None:
    """Test mode has its own; what has no page has no address."""
    provider = StripeProvider(p.settings(STRIPE_SECRET_KEY=key), None)  # type: ignore[arg-type]  # it is not asked for anything
    assert provider.dashboard_url(ref) == url


async def test_another_base_takes_every_call(http: httpx.AsyncClient, httpx_mock: HTTPXMock) -> None:
    """Nothing goes to Stripe when STRIPE_API_BASE names a simulator, and no Dashboard link misleads."""
    provider = StripeProvider(p.settings(STRIPE_API_BASE="http://127.0.0.1:12111/"), http)
    httpx_mock.add_response(url="http://127.0.0.1:12111/v1/customers/cus_1", json=p.customer())
    await provider.fetch(Ref(Kind.CUSTOMER, "cus_1"))
    bases = provider._client._stripe._requestor.base_addresses
    assert set(bases.values()) == {"http://127.0.0.1:12111"}
    assert provider.dashboard_url(Ref(Kind.CUSTOMER, "cus_1")) is None


async def test_a_notice_of_stripes_is_no_warning(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """The SDK would turn the header into a Python warning, an error here."""
    httpx_mock.add_response(json=p.customer(), headers={"Stripe-Notice": "Upgrade now."})
    assert await provider.fetch(Ref(Kind.CUSTOMER, "cus_1"))


async def test_closing_leaves_the_callers_client_open(
    provider: StripeProvider, http: httpx.AsyncClient
) -> None:
    """Who opened it closes it."""
    await provider.aclose()
    assert not http.is_closed


async def test_personal_data_is_not_logged(
    provider: StripeProvider, httpx_mock: HTTPXMock, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even at DEBUG, where the SDK would log request and answer."""
    caplog.set_level(logging.DEBUG)
    httpx_mock.add_response(json=p.customer())
    await provider.create_customer(CustomerRequest(email="ada@example.com"), idempotency_key="k")
    assert "ada" not in caplog.text
    assert p.KEY not in caplog.text


_WITH_HOME = """
import asyncio, httpx, stripe
from overseer_payment.provider import CustomerRequest, Kind, Ref
from overseer_payment.provider_plugins.stripe import register_providers

seen = []

def answer(request):
    seen.append(request.headers)
    return httpx.Response(200, json={"id": "cus_1", "object": "customer"}, headers={"Request-Id": "req_1"})

async def main():
    (spec,) = register_providers()
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        provider = spec.factory(spec.settings.model_validate({"STRIPE_SECRET_KEY": "sk_test_1"}), http)
        await provider.create_customer(CustomerRequest(name="Ada"), idempotency_key="k")
        await provider.fetch(Ref(Kind.CUSTOMER, "cus_1"))

asyncio.run(main())
assert len(seen) == 2
assert not any("telemetry" in f"{name}{value}" for headers in seen for name, value in headers.items())
assert "overseer-payment" in seen[0]["user-agent"]
"""


def test_a_call_leaves_no_trace_at_home(tmp_path: Path) -> None:
    """No telemetry file, no telemetry header, no warning, nothing on stderr."""
    environ = clean_environment({"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")})
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _WITH_HOME],
        capture_output=True,
        text=True,
        timeout=60,
        env=environ,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert os.listdir(tmp_path) == []  # noqa: PTH208  (names alone)


async def test_refund_snapshots_carry_what_the_ledger_links_by(
    provider: StripeProvider, httpx_mock: HTTPXMock
) -> None:
    """A refund read alone names its charge and its payment."""
    httpx_mock.add_response(json=p.refund(charge=p.charge()))
    found = await provider.fetch(Ref(Kind.REFUND, "re_1"))
    assert isinstance(found[0], RefundSnapshot)
    assert (found[0].charge, found[0].payment) == ("ch_1", "pi_1")
