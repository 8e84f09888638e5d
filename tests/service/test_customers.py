"""Whose a customer is: linked, taken away, and erased with the books kept."""

from __future__ import annotations

import asyncio
import json

import pytest

from overseer_payment import tables
from overseer_payment.asking import customers
from overseer_payment.errors import (
    Conflict,
    Forbidden,
    IdempotencyConflict,
    NotFound,
)
from overseer_payment.host_contract import User
from overseer_payment.provider import CheckoutMode
from overseer_payment.schemas import CheckoutBody, EraseBody, Viewer
from tests.service.shop import OPERATOR, Shop

pytestmark = pytest.mark.anyio
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what no database decides: once is enough."""

ADA = Viewer("user:7", User("7", "Ada"))
BEN = Viewer("user:8", User("8", "Ben"))
LOOKING = Viewer("user:9", User("9", "Cy"), frozenset({"payment.view"}))


async def _customer(shop: Shop) -> str:
    made = await shop.post(
        "customers", email="ada@lovelace.example", name="Ada Lovelace", phone="+44 20 7946 0000"
    )
    await shop.settle()
    return str(made["id"])


# -- links -------------------------------------------------------------------------------------------


@on_sqlite
async def test_a_linked_user_sees_and_pays_as_the_customer(shop: Shop) -> None:
    """Ada sees what was hidden, and her next checkout is for this customer: none is made."""
    customer = await _customer(shop)
    with pytest.raises(NotFound):
        await shop.payments.customer(ADA, customer)
    linked = await customers.link(shop.payments, OPERATOR, customer, "7")
    assert linked.user_id == "7"
    assert (await shop.payments.customer(ADA, customer)).id == linked.id
    body = CheckoutBody(price_id=await shop.price(), mode=CheckoutMode.PAYMENT)
    created = await shop.payments.create_checkout(ADA, body)
    assert shop.world.get("checkout.session", created.session_id)["customer"] == customer


@on_sqlite
async def test_nobody_is_handed_another_s_payments_by_a_slip(shop: Shop) -> None:
    """Linked to Ada, it can't be linked to Ben before it is unlinked; to Ada again is no error."""
    customer = await _customer(shop)
    for _ in range(2):
        await customers.link(shop.payments, OPERATOR, customer, "7")
    with pytest.raises(Conflict) as refused:
        await customers.link(shop.payments, OPERATOR, customer, "8")
    assert refused.value.code == "already_linked"
    for _ in range(2):
        assert (await customers.unlink(shop.payments, OPERATOR, customer)).user_id is None
    assert (await customers.link(shop.payments, OPERATOR, customer, "8")).user_id == "8"


async def test_two_links_at_the_same_moment(shop: Shop) -> None:
    """To two users: one of them gets it, the other is told."""
    customer = await _customer(shop)
    asked = (customers.link(shop.payments, OPERATOR, customer, user) for user in ("7", "8"))
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Conflict", "CustomerDetail"]


async def test_an_unlinked_user_gets_a_customer_of_their_own(shop: Shop) -> None:
    """Also when the one that was taken was made for that user: its payments stay out of sight."""
    body = CheckoutBody(price_id=await shop.price(), mode=CheckoutMode.PAYMENT)
    await shop.payments.create_checkout(ADA, body)
    (first,) = shop.world.find("customer")
    await shop.settle()
    await customers.unlink(shop.payments, OPERATOR, first["id"])
    await shop.payments.create_checkout(ADA, body)
    assert shop.made("customer") == 2
    with pytest.raises(NotFound):
        await shop.payments.customer(ADA, first["id"])


@on_sqlite
async def test_who_may_link_and_erase(shop: Shop) -> None:
    """It needs payment.manage; a stranger is told that there is no such customer."""
    customer = await _customer(shop)
    await customers.link(shop.payments, OPERATOR, customer, "7")
    for viewer, error in ((ADA, Forbidden), (LOOKING, Forbidden), (BEN, NotFound)):
        for work in (
            customers.link(shop.payments, viewer, customer, "8"),
            customers.unlink(shop.payments, viewer, customer),
            customers.erase(shop.payments, viewer, customer, EraseBody()),
        ):
            with pytest.raises(error):
                await work
    assert (await shop.payments.customer(OPERATOR, customer)).user_id == "7"


@on_sqlite
async def test_links_are_in_the_audit_trail(shop: Shop) -> None:
    """Who linked whom, once for each key; the same key with another user is refused."""
    customer = await _customer(shop)
    for _ in range(2):
        await customers.link(shop.payments, OPERATOR, customer, "7", idempotency_key="k")
    with pytest.raises(IdempotencyConflict):
        await customers.link(shop.payments, OPERATOR, customer, "8", idempotency_key="k")
    (row,) = await shop.rows(tables.operation)
    assert (row["kind"], row["status"], row["actor"]) == ("customer_link", "succeeded", OPERATOR.actor)
    assert (row["target"], json.loads(row["request"])) == (customer, {"user_id": "7"})


# -- erasing ------------------------------------------------------------------------------------------
