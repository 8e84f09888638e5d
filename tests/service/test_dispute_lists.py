"""Which disputes are listed, to whom, in which order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from overseer_payment.asking import disputes
from overseer_payment.asking.dispute_files import add_file
from overseer_payment.errors import Forbidden, NotFound
from overseer_payment.host_contract import PERMISSIONS, User
from overseer_payment.provider import CheckoutMode, DisputeKind, DisputeStatus
from overseer_payment.schemas import (
    CheckoutBody,
    Deadline,
    DisputeFilter,
    DisputeQuery,
    EvidenceBody,
    Viewer,
)
from overseer_payment.shown.disputes import dispute
from overseer_payment.shown.disputes import disputes as listed
from overseer_payment.simulator import scenario as play
from overseer_payment.simulator.resources.early_fraud_warnings import warn
from tests.service.disputing import WINNING, disputed, on_one, page
from tests.service.shop import OPERATOR, Shop

pytestmark = pytest.mark.anyio

BUYER = Viewer("user:7", User("7", "Ada"))


@pytest.fixture
def begins() -> datetime:
    """Two days ago: deadlines of disputes are still to come."""
    return datetime.now(UTC) - timedelta(days=2)


async def test_open_disputes_are_listed_by_deadline(shop: Shop) -> None:
    """The nearest first, then what waits for others; page by page, and never what is over."""
    days = [15, 5, 12, 3]
    ids = {n: await disputed(shop, within=n) for n in days}
    waits = await disputed(shop)
    await disputes.stage_evidence(
        shop.payments, OPERATOR, waits, EvidenceBody(evidence={"customer_name": "Ada"}, submit=True)
    )
    over = await disputed(shop)
    await disputes.accept(shop.payments, OPERATOR, over)
    found, cursor = [], None
    for _ in range(4):
        query = DisputeQuery(status=DisputeFilter.OPEN, limit=2, cursor=cursor)
        answer = await listed(shop.payments, OPERATOR, query)
        found += [row.provider_dispute_id for row in answer.rows]
        cursor = answer.next_cursor
        if cursor is None:
            break
    assert found == [*(ids[n] for n in sorted(days)), waits]
    soon = await page(shop, due_soon=True)
    assert [row.provider_dispute_id for row in soon] == [ids[3], ids[5]]
    assert {row.deadline for row in soon} == {Deadline.DUE_SOON}
    newest = await page(shop)
    assert newest[0].provider_dispute_id == over
    assert len(newest) == 6
    assert [row.provider_dispute_id for row in await page(shop, status="lost")] == [over]


async def test_lists_can_be_narrowed_down(shop: Shop) -> None:
    """By kind, by currency, by state, and by several at once."""
    usd = await disputed(shop)
    jpy = await disputed(shop, 1000, "jpy")
    inquiry = await disputed(shop, kind="inquiry")
    warning = str(warn(shop.world, play.charge_of(shop.world, await shop.pay(500))["id"])["id"])
    await shop.settle()

    async def ids(**asked: str) -> set[str]:
        return {row.provider_dispute_id for row in await page(shop, OPERATOR, **asked)}

    assert await ids() == {usd, jpy, inquiry, warning}
    assert await ids(kind="inquiry") == {inquiry}
    assert await ids(kind="fraud_warning", status="open") == {warning}
    assert await ids(currency="jpy") == {jpy}
    assert await ids(status="needs_response", currency="usd", kind="chargeback") == {usd}
    assert await ids(status="won") == set()


def test_every_state_can_be_asked_for() -> None:
    """The filter has each status of a dispute, and `open`."""
    assert {filter.value for filter in DisputeFilter} == {"open", *(status.value for status in DisputeStatus)}


async def test_buyers_see_their_own_disputes_and_no_suspicion(shop: Shop) -> None:
    """No fraud warning, no evidence, no operation, no row of others; and they can answer nothing."""
    created = await shop.payments.create_checkout(
        BUYER, CheckoutBody(price_id=await shop.price(), mode=CheckoutMode.PAYMENT)
    )
    shop.fill_in(created.session_id)
    warning = play.warn_of_fraud(shop.world, created.session_id)
    own = play.dispute(shop.world, created.session_id)
    await shop.settle()
    stranger = await disputed(shop)
    await disputes.stage_evidence(
        shop.payments, OPERATOR, own["id"], EvidenceBody(evidence={"customer_name": "Ada"})
    )
    assert [row.provider_dispute_id for row in await page(shop, BUYER)] == [own["id"]]
    assert [row.provider_dispute_id for row in await page(shop, BUYER, status="open")] == [own["id"]]
    assert await page(shop, BUYER, kind=DisputeKind.FRAUD_WARNING) == []
    seen = await dispute(shop.payments, BUYER, own["id"])
    assert (seen.evidence, seen.form, seen.url) == ({}, None, None)
    assert seen.transaction_id is not None
    paid = await shop.payments.transaction(BUYER, str(seen.transaction_id))
    assert [row.url for row in (*await page(shop, BUYER), *paid.disputes)] == [None, None]
    assert [entry.kind for entry in seen.timeline] == ["dispute"]
    for hidden in (warning["id"], stranger):
        with pytest.raises(NotFound):
            await dispute(shop.payments, BUYER, hidden)
        with pytest.raises(NotFound):
            await disputes.accept(shop.payments, BUYER, hidden)
    with pytest.raises(Forbidden):
        await disputes.accept(shop.payments, BUYER, own["id"])


@on_one
async def test_other_permissions_answer_nothing(shop: Shop) -> None:
    """Only payment.disputes does; without payment.view it shows no row either."""
    id = await disputed(shop)
    for granted in PERMISSIONS.keys() - {"payment.disputes"}:
        clerk = Viewer("user:9", User("9"), frozenset({"payment.view", granted}))
        with pytest.raises(Forbidden):
            await disputes.accept(shop.payments, clerk, id)
        with pytest.raises(Forbidden):
            await disputes.stage_evidence(shop.payments, clerk, id, WINNING)
        with pytest.raises(Forbidden):
            await add_file(shop.payments, clerk, id, b"%PDF-1.7")
    blind = Viewer("user:9", User("9"), frozenset({"payment.disputes"}))
    with pytest.raises(NotFound):
        await disputes.accept(shop.payments, blind, id)
    assert shop.requests("POST", "/v1/disputes") == shop.requests("POST", "/v1/files") == []


@on_one
async def test_nothing_comes_of_a_dispute_that_is_not_there(shop: Shop) -> None:
    """404 before anything is checked or stored."""
    with pytest.raises(NotFound):
        await disputes.accept(shop.payments, OPERATOR, "du_absent")
    assert await shop.operations() == []
