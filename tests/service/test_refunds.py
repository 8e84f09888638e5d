"""Refunds: never more than remains, and not while the row's state forbids it."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from sqlalchemy import update

from overseer_payment import database, tables
from overseer_payment.errors import Conflict, Forbidden, Invalid, NotFound, OutcomeUnknown
from overseer_payment.host_contract import User
from overseer_payment.ledger import accounts
from overseer_payment.provider import CheckoutMode
from overseer_payment.schemas import CheckoutBody, RefundBody, TransactionRow, Viewer
from overseer_payment.simulator.resources.disputes import close_dispute, open_dispute
from overseer_payment.simulator.resources.refunds import fail_refund, refund_charge
from tests.service.shop import OPERATOR, Shop

pytestmark = pytest.mark.anyio

BUYER = Viewer("user:7", User("7", "Ada"))


async def _paid(shop: Shop, amount: int = 1000, currency: str = "usd", card: str = "pm_card_visa") -> str:
    intent = await shop.pay(amount, currency, card)
    await shop.settle()
    return intent


async def test_a_refund_gives_money_back_and_answers_its_row(shop: Shop) -> None:
    """In part and then all that remains; the sums and the payment's state follow at once."""
    intent = await _paid(shop)
    first = await shop.refund(intent, 300)
    assert (first.type, first.status, first.amount) == ("refund", "succeeded", 300)
    payment = await shop.transaction(intent)
    assert (payment.status, payment.amount_refunded) == ("partially_refunded", 300)
    assert payment.amount_refundable == 700
    rest = await shop.refund(intent)
    assert (rest.amount, rest.parent_id) == (700, payment.id)
    assert (await shop.transaction(intent)).status == "refunded"
    await shop.settle()
    assert await shop.revenue() == {"usd": (1000, 1000, 0, 0)}
    assert shop.balance() == {}
    assert await shop.operations() == [("refund", "succeeded"), ("refund", "succeeded")]


async def test_a_buyer_is_not_told_who_of_the_staff_did_it(shop: Shop) -> None:
    """Staff see the operation and its actor; the buyer sees that money came back."""
    created = await shop.payments.create_checkout(
        BUYER, CheckoutBody(price_id=await shop.price(), mode=CheckoutMode.PAYMENT)
    )
    shop.fill_in(created.session_id)
    await shop.settle()
    await shop.refund(created.session_id, 100)
    staff = await shop.transaction(created.session_id)
    own = await shop.payments.transaction(BUYER, created.session_id)
    assert [one.url for one in own.references if one.url] == []
    assert {one.id for one in staff.references if one.url} >= {staff.provider_transaction_id}
    assert OPERATOR.actor in [entry.actor for entry in staff.timeline]
    assert {entry.kind for entry in own.timeline} >= {"attempt", "refund"}
    assert [entry.actor for entry in own.timeline if entry.actor or entry.kind == "operation"] == []


async def test_more_than_remains_is_refused_before_the_provider_is_asked(shop: Shop) -> None:
    """600 + 400 + 500 of 1000: the third has nothing left (409); 600 + 500 is more than remains (422)."""
    intent = await _paid(shop)
    await shop.refund(intent, 600)
    assert (await shop.transaction(intent)).refund_refused is None
    with pytest.raises(Invalid, match=r"Only 4\.00 USD") as more:
        await shop.refund(intent, 500)
    await shop.refund(intent, 400)
    with pytest.raises(Conflict, match="Nothing is left") as nothing:
        await shop.refund(intent, 500)
    assert (more.value.code, nothing.value.code) == ("more_than_remains", "nothing_left")
    assert (await shop.transaction(intent)).refund_refused == "nothing_left"
    assert len(shop.requests("POST", "/v1/refunds")) == 2


async def test_only_a_payment_that_succeeded_can_be_refunded(shop: Shop) -> None:
    """A refund row, a declined payment and a bank debit that is still pending: 409, and nothing is sent."""
    good = await _paid(shop)
    refund = await shop.refund(good, 100)
    unpaid = await shop.buy(card="pm_card_chargeDeclined")
    declined = shop.world.get("checkout.session", unpaid)["payment_intent"]
    pending = await shop.buy(currency="eur", card="pm_sepa_settles")
    await shop.settle()
    for id, code in (
        (str(refund.id), "is_refund"),
        (declined, "not_refundable"),
        (pending, "not_refundable"),
    ):
        with pytest.raises(Conflict) as refused:
            await shop.refund(id)
        assert refused.value.code == code == (await shop.transaction(id)).refund_refused
    assert len(shop.requests("POST", "/v1/refunds")) == 1


async def test_an_open_chargeback_forbids_refunding_and_an_inquiry_does_not(shop: Shop) -> None:
    """While a chargeback is open: 409. A payment with an inquiry can be given back, which ends it."""
    disputed, asked = await _paid(shop), await _paid(shop)
    charges = {i: shop.world.get("payment_intent", i)["latest_charge"] for i in (disputed, asked)}
    open_dispute(shop.world, charges[disputed])
    open_dispute(shop.world, charges[asked], kind="inquiry")
    await shop.settle()
    with pytest.raises(Conflict) as refused:
        await shop.refund(disputed)
    assert refused.value.code == "dispute_open" == (await shop.transaction(disputed)).refund_refused
    assert (await shop.transaction(asked)).refund_refused is None
    assert (await shop.refund(asked)).amount == 1000


@pytest.mark.parametrize("first", ["refund", "dispute"])
async def test_a_chargeback_that_comes_while_a_refund_is_under_way(shop: Shop, first: str) -> None:
    """What was sent ends as the provider says, done or refused; another is refused before it is sent."""
    intent = await _paid(shop)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def wait(request: httpx.Request) -> None:
        if request.url.path == "/v1/refunds":
            reached.set()
            await go_on.wait()

    # The provider decides before its answer is on its way, or after the request was.
    setattr(shop.wire, "after" if first == "refund" else "before", wait)
    shop.world.faults.drop("*refund*", times=None)
    sent = asyncio.create_task(shop.refund(intent, 400))
    await reached.wait()
    shop.world.clock.advance(2)
    open_dispute(shop.world, shop.world.get("payment_intent", intent)["latest_charge"])
    await shop.settle()
    assert await shop.operations() == [("refund", "sending")]
    await _refused_as_disputed(shop, intent)
    go_on.set()
    (outcome,) = await asyncio.gather(sent, return_exceptions=True)
    await shop.settle()
    await _refused_as_disputed(shop, intent)
    refunds = [(refund.amount, refund.status) for refund in (await shop.transaction(intent)).refunds]
    if first == "refund":
        assert isinstance(outcome, TransactionRow)
        assert refunds == [(400, "succeeded")]
        assert await shop.revenue() == {"usd": (1000, 400, 600, 0)}
    else:
        assert isinstance(outcome, Conflict)
        assert (outcome.code, refunds) == ("charge_disputed", [])
        assert await shop.revenue() == {"usd": (1000, 0, 1000, 0)}
    assert await shop.operations() == [("refund", "succeeded" if first == "refund" else "failed")]
    assert shop.balance() == {}
    assert len(shop.requests("POST", "/v1/refunds")) == 1


async def _refused_as_disputed(shop: Shop, intent: str) -> None:
    with pytest.raises(Conflict) as refused:
        await shop.refund(intent, 100)
    assert refused.value.code == "dispute_open" == (await shop.transaction(intent)).refund_refused


async def test_what_is_offered_is_what_would_be_taken(shop: Shop) -> None:
    """Nothing of example data, nor of what a refund under way may take, though the sums say otherwise."""
    intent = await _paid(shop)
    found, shop.wire.after = shop.wire.after, _lost
    with pytest.raises(OutcomeUnknown):
        await shop.refund(intent)
    shop.wire.after = found
    under_way = await shop.transaction(intent)
    assert (under_way.amount_refundable, under_way.refund_refused) == (1000, "nothing_left")
    with pytest.raises(Conflict):
        await shop.refund(intent)
    async with database.write(shop.engine) as connection:
        await connection.execute(update(tables.provider).values(account=accounts.EXAMPLE))
    example = await shop.transaction(intent)
    assert (example.amount_refundable, example.refund_refused) == (1000, "other_account")
    with pytest.raises(Conflict) as refused:
        await shop.refund(intent)
    assert refused.value.code == "other_account"


async def _lost(request: httpx.Request) -> None:
    raise httpx.ReadError("lost, as asked", request=request)


async def test_a_dispute_that_we_have_not_heard_of_is_a_conflict_too(shop: Shop) -> None:
    """The provider knows better: 409 with its reason, and the charge is read so that we know it as well."""
    intent = await _paid(shop)
    shop.world.faults.drop("charge.dispute.*", times=None)
    open_dispute(shop.world, shop.world.get("payment_intent", intent)["latest_charge"])
    with pytest.raises(Conflict) as refused:
        await shop.refund(intent)
    assert refused.value.code == "charge_disputed"
    reads = len(shop.requests("GET", "/v1/"))
    await shop.payments.worker.drain()
    assert len(shop.requests("GET", "/v1/")) > reads


async def test_a_lost_dispute_leaves_nothing_to_refund(shop: Shop) -> None:
    """The money is gone already; the provider's no is a conflict."""
    intent = await _paid(shop)
    dispute = open_dispute(shop.world, shop.world.get("payment_intent", intent)["latest_charge"])
    close_dispute(shop.world, dispute["id"], "lost")
    await shop.settle()
    with pytest.raises(Conflict):
        await shop.refund(intent)
    assert shop.made("refund") == 0
    assert await shop.revenue() == {"usd": (1000, 0, 1000, 0)}


@pytest.mark.parametrize(
    ("currency", "paid", "odd", "even"), [("kwd", 12340, 1005, 1010), ("isk", 500000, 150, 1500_00)]
)
async def test_amounts_keep_to_the_currency_s_steps(
    shop: Shop, currency: str, paid: int, odd: int, even: int
) -> None:
    """KWD goes in steps of 10 fils, ISK in whole krónur: an amount between is refused before it is sent."""
    intent = await _paid(shop, paid, currency)
    with pytest.raises(Invalid):
        await shop.refund(intent, odd)
    assert (await shop.refund(intent, even)).amount == even
    assert (await shop.refund(intent)).amount == paid - even


async def test_a_subscription_s_payment_is_refundable_by_any_of_its_names(shop: Shop) -> None:
    """Session, invoice and payment intent name the same payment; it gives money back like any other."""
    session = await shop.subscribe(1500)
    await shop.settle()
    row = await shop.transaction(session)
    assert (row.type, row.status, row.amount) == ("subscription", "succeeded", 1500)
    invoice = shop.world.get("checkout.session", session)["invoice"]
    assert (await shop.transaction(invoice)).id == row.id
    await shop.refund(invoice, 500)
    await shop.refund(session, 400)
    await shop.refund(row.provider_transaction_id)
    assert await shop.revenue() == {"usd": (1500, 1500, 0, 0)}


async def test_a_pending_refund_is_not_given_back_yet(shop: Shop) -> None:
    """It lowers what can still be refunded, and revenue only once it succeeded. Its operation says so."""
    intent = await _paid(shop, card="pm_card_pendingRefund")
    refund = await shop.refund(intent, 400)
    assert refund.status == "pending"
    payment = await shop.transaction(intent)
    assert (payment.status, payment.amount_refunded, payment.amount_refundable) == ("succeeded", 0, 600)
    assert await shop.operations() == [("refund", "pending")]
    await shop.advance(5)
    assert (await shop.transaction(str(refund.id))).status == "succeeded"
    assert await shop.revenue() == {"usd": (1000, 400, 0, 600)}
    assert await shop.operations() == [("refund", "succeeded")]


async def test_a_refund_that_fails_days_later_gives_the_money_back_to_us(shop: Shop) -> None:
    """Revenue, the payment's state and the operation follow; the sum can be refunded once more."""
    intent = await _paid(shop, card="pm_card_refundFail")
    refund = await shop.refund(intent, 400)
    assert await shop.revenue() == {"usd": (1000, 400, 0, 600)}
    await shop.advance(5)
    assert (await shop.transaction(str(refund.id))).status == "failed"
    payment = await shop.transaction(intent)
    assert (payment.status, payment.amount_refundable) == ("succeeded", 1000)
    assert await shop.revenue() == {"usd": (1000, 0, 0, 1000)}
    assert shop.balance() == {"usd": 1000}
    assert await shop.operations() == [("refund", "failed")]


async def test_refunds_made_in_the_provider_s_dashboard_appear(shop: Shop) -> None:
    """Each as a row with its amount, the second partial one too; what remains for us is less."""
    intent = await _paid(shop)
    charge = shop.world.get("payment_intent", intent)["latest_charge"]
    for amount in (250, 350):
        refund_charge(shop.world, charge, amount)
        await shop.settle()
    detail = await shop.transaction(intent)
    assert [refund.amount for refund in detail.refunds] == [250, 350]
    assert (detail.amount_refunded, detail.amount_refundable) == (600, 400)
    with pytest.raises(Invalid):
        await shop.refund(intent, 401)


async def test_a_refund_failed_at_the_provider_is_seen_without_an_operation_of_ours(shop: Shop) -> None:
    """The dashboard's refund fails later: its row says so and the money counts again."""
    intent = await _paid(shop)
    refund = refund_charge(shop.world, shop.world.get("payment_intent", intent)["latest_charge"], 250)
    await shop.settle()
    fail_refund(shop.world, refund["id"])
    await shop.settle()
    assert (await shop.transaction(refund["id"])).status == "failed"
    assert await shop.revenue() == {"usd": (1000, 0, 0, 1000)}


async def test_two_intents_share_what_remains(shop: Shop) -> None:
    """Two different refunds of 6.00 of 10.00 at the same moment: one succeeds, the other is refused."""
    intent = await _paid(shop)
    outcomes = await asyncio.gather(
        shop.refund(intent, 600, "a"), shop.refund(intent, 600, "b"), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Invalid", "TransactionRow"]
    assert shop.made("refund") == 1


async def test_refunding_needs_the_permission_and_a_row_that_one_may_see(shop: Shop) -> None:
    """Without `payment.refund`: 403. Another user's payment: 404, as if it were not there."""
    intent = await _paid(shop)
    looking = Viewer("user:1", None, frozenset({"payment.view"}))
    with pytest.raises(Forbidden):
        await shop.payments.refund(looking, intent, RefundBody())
    stranger = Viewer("user:2", None, frozenset({"payment.refund"}))
    with pytest.raises(NotFound):
        await shop.payments.refund(stranger, intent, RefundBody())
    assert shop.made("refund") == 0
    assert await shop.count(tables.operation) == 0


async def test_the_audit_trail_says_who_what_and_why(shop: Shop) -> None:
    """The operation keeps actor, amount, reason and outcome; the payment's timeline shows it."""
    intent = await _paid(shop)
    body = RefundBody(amount=250, reason="duplicate")
    refund = await shop.payments.refund(OPERATOR, intent, body)
    (row,) = await shop.rows(tables.operation)
    told = (row["actor"], row["amount"], row["currency"], row["reason"], row["status"], row["result"])
    assert told == ("cli:tests", 250, "usd", "duplicate", "succeeded", refund.provider_transaction_id)
    timeline = (await shop.transaction(intent)).timeline
    assert any(entry.actor == "cli:tests" for entry in timeline)
