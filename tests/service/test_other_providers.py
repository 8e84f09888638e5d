"""Providers other than Stripe: what their payloads call things is known to them alone."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import tables
from overseer_payment.applying import Applier
from overseer_payment.database import read
from overseer_payment.inbox import Inbox
from overseer_payment.ledger.accounts import Account
from overseer_payment.provider import Provider
from overseer_payment.testing import FakeBackend, fake_spec
from overseer_payment.testing.fake_backend import body_of, sign

pytestmark = pytest.mark.anyio

SECRET = "fake_whsec_7d1e0b"


def _provider(backend: FakeBackend, http: httpx.AsyncClient) -> Provider:
    spec = fake_spec(backend)
    settings = {"FAKEPAY_KEY": "fake_live_5f2a8c91d3", "FAKEPAY_WEBHOOK_SECRET": SECRET}
    return spec.factory(spec.settings.model_validate(settings), http)


@pytest.mark.parametrize("live", [False, True])
async def test_an_event_has_the_mode_that_its_provider_said(engine: AsyncEngine, live: bool) -> None:
    """Its payload says it in words of its own: a payment in either mode is applied, under it."""
    backend = FakeBackend()
    backend.pay(1500, "usd", live=live)
    body = body_of(backend.events[-1])
    async with httpx.AsyncClient() as http:
        provider = _provider(backend, http)
        event = provider.verify_webhook(body, sign(body, at=backend.now, secret=SECRET), now=backend.now)
        account = Account("fake", "default", event.livemode)
        await Inbox(engine).store(account, event, body.decode())
        await Applier(engine, lambda: {"fake": provider}, asyncio.Lock()).step()
    row, known = tables.transaction.c, tables.provider.c
    query = select(row.status, row.amount, known.livemode).join(tables.provider, known.id == row.account_id)
    async with read(engine) as connection:
        states = (await connection.execute(select(tables.event.c.status))).scalars().all()
        assert (states, (await connection.execute(query)).all()) == (["applied"], [("succeeded", 1500, live)])
