"""The portal: whose it is, where it leads back to, and what a customer does there."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import Connection

from overseer_payment import tables
from overseer_payment.asking import customers
from overseer_payment.asking.portal import open_portal
from overseer_payment.committing import committed
from overseer_payment.database import utcnow
from overseer_payment.errors import Conflict, Forbidden, Invalid, NotFound, ProviderUnavailable
from overseer_payment.host_contract import User
from overseer_payment.ledger import accounts
from overseer_payment.ledger.accounts import Account
from overseer_payment.provider import AsOf, CheckoutMode, CustomerSnapshot, Source
from overseer_payment.recording import take
from overseer_payment.schemas import CheckoutBody, EraseBody, PortalBody, Viewer
from overseer_payment.simulator import transport
from tests.service.shop import OPERATOR, Shop

pytestmark = pytest.mark.anyio
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what no database decides: once is enough."""

ADA = Viewer("user:7", User("7", "Ada"))
BEN = Viewer("user:8", User("8", "Ben"))
LOOKING = Viewer("user:9", User("9", "Cy"), frozenset({"payment.view"}))


@pytest.fixture
async def customer(shop: Shop) -> str:
    """Ada, who subscribed."""
    body = CheckoutBody(price_id=await shop.price(1500, "usd", "month"), mode=CheckoutMode.SUBSCRIPTION)
    created = await shop.payments.create_checkout(ADA, body)
    shop.world.clock.advance(30)
    shop.fill_in(created.session_id)
    await shop.settle()
    return str(shop.world.find("customer")[0]["id"])


@on_sqlite
async def test_a_customer_ends_their_subscription_in_the_portal(shop: Shop, customer: str) -> None:
    """The link leads to a page with the subscription; its button ends it, which then shows here."""
    opened = await open_portal(shop.payments, ADA, customer, PortalBody())
    async with httpx.AsyncClient(transport=transport(shop.world)) as browser:
        page = await browser.get(opened.url)
        assert "Growth" in page.text
        subscription = shop.world.find("subscription")[0]["id"]
        form = {"subscription": subscription, "action": "cancel"}
        assert (await browser.post(opened.url, data=form)).status_code == 303
    await shop.settle()
    assert (await shop.payments.subscription(ADA, subscription)).cancel_at_period_end


@on_sqlite
async def test_who_may_open_whose_portal(shop: Shop, customer: str) -> None:
    """Its user and who manages customers; not who only looks, and a stranger learns nothing."""
    assert (await open_portal(shop.payments, ADA, customer, PortalBody())).url.startswith("http")
    assert (await open_portal(shop.payments, OPERATOR, customer, PortalBody())).url.startswith("http")
    with pytest.raises(Forbidden):
        await open_portal(shop.payments, LOOKING, customer, PortalBody())
    with pytest.raises(NotFound):
        await open_portal(shop.payments, BEN, customer, PortalBody())
    assert len(shop.requests("POST", "/v1/billing_portal")) == 2


@on_sqlite
async def test_it_leads_back_to_allowed_hosts_only(shop: Shop, customer: str) -> None:
    """Our own address by default; a stranger's is refused before anything is asked of the provider."""
    with pytest.raises(Invalid, match="PAYMENT_ALLOWED_REDIRECT_HOSTS"):
        await open_portal(shop.payments, ADA, customer, PortalBody(return_url="https://evil.example/"))
    assert shop.requests("POST", "/v1/billing_portal") == []
    await open_portal(shop.payments, ADA, customer, PortalBody())
    (session,) = shop.world.find("billing_portal.session")
    assert session["return_url"] == "http://127.0.0.1:8000/"


async def test_who_opened_it_is_written_down_and_the_link_is_not(shop: Shop, customer: str) -> None:
    """One finished operation with its actor; the link is in no row, and in no repr."""
    opened = await open_portal(shop.payments, OPERATOR, customer, PortalBody())
    rows = [row for row in await shop.rows(tables.operation) if row["kind"] == "portal"]
    assert [(row["status"], row["actor"], row["target"]) for row in rows] == [
        ("succeeded", OPERATOR.actor, customer)
    ]
    assert opened.url not in repr(opened)
    assert opened.url not in str(rows)


@on_sqlite
async def test_there_is_no_portal_for_who_is_gone(shop: Shop, customer: str) -> None:
    """Erased: 409. With the provider away: said so, and nothing written down."""
    shop.wire.down = True
    with pytest.raises(ProviderUnavailable):
        await open_portal(shop.payments, OPERATOR, customer, PortalBody())
    shop.wire.down = False
    await customers.erase(shop.payments, OPERATOR, customer, EraseBody())
    with pytest.raises(Conflict) as refused:
        await open_portal(shop.payments, OPERATOR, customer, PortalBody())
    assert refused.value.code == "customer_erased"
    assert "portal" not in [kind for kind, _ in await shop.operations()]


@on_sqlite
async def test_example_customers_are_nobody_at_the_provider(shop: Shop) -> None:
    """Shown as long as nothing real is there, they are no business of the real account in the same mode."""
    example = Account("stripe", accounts.EXAMPLE, livemode=False)
    news = CustomerSnapshot(
        id="cus_example", as_of=AsOf(utcnow(), Source.READ), livemode=False, occurred_at=utcnow()
    )

    def made_up(connection: Connection) -> None:
        take(connection, accounts.ensure(connection, [example])[example], [news], now=utcnow())

    await committed(shop.engine, made_up)
    with pytest.raises(Conflict) as refused:
        await open_portal(shop.payments, OPERATOR, "cus_example", PortalBody())
    assert refused.value.code == "other_account"
    with pytest.raises(Conflict, match="another account"):
        await customers.erase(shop.payments, OPERATOR, "cus_example", EraseBody(at_provider=True))
    body = CheckoutBody(price_id=await shop.price(), mode=CheckoutMode.PAYMENT, customer_id="cus_example")
    with pytest.raises(NotFound):
        await shop.payments.create_checkout(OPERATOR, body)
    assert shop.requests("POST", "/v1/billing_portal") == shop.requests("DELETE", "/v1/customers") == []
    assert await shop.operations() == []
