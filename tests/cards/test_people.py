"""Customers at the pages: worth, whose they are, their portal, and being forgotten."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from overseer_payment.host_contract import User
from overseer_payment.schemas import CustomerQuery, Viewer
from overseer_payment.shown.customers import worth
from overseer_payment.simulator import scenario as play
from tests.cards.desk import Desk
from tests.cards.fake_payments import FakePayments
from tests.cards.fakes import FakeHost
from tests.service.shop import OPERATOR

pytestmark = pytest.mark.anyio

LIST = "/payment/modal/customers"


async def known(desk: Desk) -> str:
    """A customer who bought and subscribed; their address."""
    world = desk.shop.world
    price = play.offer(world, "Starter", 1200, interval="month")
    play.subscribe(world, price, email="ada@example.com", name="Ada Lovelace")
    await desk.shop.settle()
    found = re.search(r"/payment/customers/\d+", await desk.see(LIST))
    assert found
    return found[0]


async def test_the_list_says_what_each_is_worth(desk: Desk) -> None:
    """Net, per currency; a dash for who never paid."""
    await known(desk)
    assert "12.00 USD" in await desk.read(LIST)
    at = await known(desk)
    seen = await desk.read(at)
    assert "Starter" in seen
    assert "Invoices" in seen


async def test_nobody_learns_what_others_are_worth(desk: Desk) -> None:
    """Rows that somebody got hold of tell a buyer nothing; staff see the sums."""
    await known(desk)
    rows = (await desk.shop.payments.customers(OPERATOR, CustomerQuery())).rows
    buyer = Viewer("user:7", User("7", "Ada"))
    assert await worth(desk.shop.payments, buyer, rows) == {}
    assert [one.net for one in (await worth(desk.shop.payments, OPERATOR, rows))[rows[0].id]] == [1200]


async def test_linking_and_unlinking_say_who_sees_what(desk: Desk) -> None:
    """An id that can't be one is refused; a second user isn't handed the first one's payments."""
    at = await known(desk)
    confirm = await desk.see(f"{at}/link?user_id=42")
    assert "The user 42 of this application sees this customer" in confirm
    assert "Linked to the user 42" in await desk.send(confirm, f"{at}/link")
    await desk.see(f"{at}/link?user_id=43", 409)
    await desk.see(f"{at}/link?user_id=", 422)
    assert "Not linked to anybody any more" in await desk.send(await desk.see(f"{at}/unlink"), f"{at}/unlink")
    await desk.see(f"{at}/unlink", 409)


async def test_a_portal_link_is_shown_once_and_kept_nowhere(desk: Desk) -> None:
    """It is in the answer to the form, and in no page afterwards."""
    at = await known(desk)
    confirm = await desk.see(f"{at}/portal")
    assert "acts as this customer" in confirm
    told = await desk.send(confirm, f"{at}/portal")
    assert "shown this once" in told
    assert "Their portal" not in await desk.read(at)


async def test_a_person_is_erased_only_with_the_word_typed(desk: Desk) -> None:
    """The name is nowhere afterwards, the sums are where they were."""
    at = await known(desk)
    confirm = await desk.see(f"{at}/erase?where=here")
    assert "There is no way back" in confirm
    assert "The provider still knows them" in confirm
    refused = await desk.send(confirm, f"{at}/erase", {"typed": "yes"}, status=422)
    assert "was not typed" in refused
    told = await desk.send(confirm, f"{at}/erase", {"typed": "Erase"})
    assert "Erased here. The provider still knows them." in told
    assert "Ada" not in told
    assert "12.00 USD" in told
    assert "Erase…" not in told
    await desk.see(f"{at}/erase", 409)
    assert "Ada" not in await desk.read(LIST)


async def test_erasing_everywhere_says_what_ends(desk: Desk) -> None:
    """Running subscriptions end at the provider, which the confirmation counts."""
    at = await known(desk)
    confirm = await desk.see(f"{at}/erase?where=everywhere")
    assert "a running subscription ends there at once" in confirm
    told = await desk.send(confirm, f"{at}/erase", {"typed": "erase"})
    assert "Erased here, and deleted at the provider." in told
    assert desk.shop.world.find("subscription")[0]["status"] == "canceled"
    await desk.see(f"{at}/erase?where=nowhere", 409)


def test_who_may_not_manage_is_offered_nothing(client: TestClient, host: FakeHost) -> None:
    """The customer is seen; the addresses of changes refuse."""
    host.permissions -= {"payment.manage"}
    assert "op-deeds" not in client.get("/payment/customers/1").text
    for what in ("link", "unlink", "portal", "erase"):
        assert client.get(f"/payment/customers/1/{what}").status_code == 403


def test_undeclared_capabilities_are_not_offered(client: TestClient, payments: FakePayments) -> None:
    """Without a portal no link to it, without deletion only here."""
    stripe = payments.plugins[0]
    payments.plugins[0] = stripe.model_copy(update={"capabilities": []})
    seen = client.get("/payment/customers/1").text
    assert "Portal link…" not in seen
    assert "Here only" in seen
    assert "at the provider, which ends" not in seen
