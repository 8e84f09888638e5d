"""Letters: the right one to the right person, once after it was taken; none that nobody needs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import mailing, tables
from overseer_payment.asking import customers
from overseer_payment.errors import ConfigurationError, DatabaseError
from overseer_payment.listening import TOPICS
from overseer_payment.mailing.settings import LETTERS
from overseer_payment.schemas import EraseBody
from overseer_payment.simulator import World, assert_contract, scenario
from tests.service.application import Ears, Open, on_one_database
from tests.service.breaking import breaker, failing_on
from tests.service.shop import OPERATOR
from tests.support.smtp import Mailbox, mailbox

pytestmark = pytest.mark.anyio


@pytest.fixture
def world() -> World:
    """An account of today: letters about last month are not sent."""
    return World()


@pytest.fixture
async def box() -> AsyncIterator[Mailbox]:
    async with mailbox() as box:
        yield box


def settings(box: Mailbox, **more: str) -> dict[str, str]:
    return {
        "PAYMENT_SMTP_URL": box.url,
        "PAYMENT_MAIL_FROM": "Tea & Co <pay@shop.example>",
        "PAYMENT_MAIL_OPERATOR": "owner@shop.example",
        **more,
    }


@on_one_database
@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("EHLO", "421 busy"),
        ("MAIL", "451 later"),
        ("RCPT", "550 nobody"),
        ("DATA", "554 no"),
        (".", "451 no"),
    ],
)
async def test_a_receipt_is_sent_once_after_the_server_took_it(
    opened: Open, box: Mailbox, verb: str, answer: str
) -> None:
    """Refused at first, at whichever step, it is sent later; events that come again send nothing."""
    box.answers = {verb: answer, "HELO": answer}
    async with opened(*mailing.listeners(settings(box))) as shop:
        scenario.buy(shop.world, scenario.offer(shop.world, "Tea", 2050), email="ada@example.com")
        await shop.settle()
        assert box.letters == []
        for seconds in (10, 1000):
            shop.later(seconds)
            for event in shop.world.events:
                await shop.receive(event)
            await shop.drain()
        [letter] = box.letters
        assert letter["To"] == "ada@example.com"
        assert letter["Subject"] == "Your payment of 20.50 USD"
        assert "We have received your payment of 20.50 USD" in letter.get_content()
        assert letter["Message-ID"].startswith("<effect_")
        errors = [row["last_error"] for row in await shop.rows(tables.effect) if row["last_error"]]
        assert not any("ada@" in error for error in errors)


@on_one_database
async def test_a_repeated_letter_can_be_known(opened: Open, box: Mailbox, engine: AsyncEngine) -> None:
    """Whoever dies after it was taken and before that is noted has it sent again, under the same id."""
    box.answers = {"QUIT": "451 not yet"}
    async with opened(*mailing.listeners(settings(box, PAYMENT_MAIL_EVENTS="payment.succeeded"))) as shop:
        scenario.buy(shop.world, scenario.offer(shop.world, "Tea", 2050))
        with breaker(engine) as breaks:
            breaks.at = failing_on("UPDATE payment_effect", "told=")
            with pytest.raises(DatabaseError):
                await shop.settle()
        assert len(box.letters) == 1
        for seconds in (1000, 10_000):
            shop.later(seconds)
            await shop.drain()
        assert len(box.letters) == 2
        assert len({letter["Message-ID"] for letter in box.letters}) == 1


@on_one_database
async def test_a_change_of_plan_is_written_about(opened: Open, box: Mailbox) -> None:
    """From what to what, and what it costs from when on; other changes of a subscription send nothing."""
    async with opened(*mailing.listeners(settings(box, PAYMENT_MAIL_EVENTS="subscription.changed"))) as shop:
        tea = scenario.offer(shop.world, "Tea", 1500, interval="month")
        made = scenario.subscribe(shop.world, tea, email="b@example.com")
        await shop.settle()
        (item,) = made["items"]["data"]
        for change in (
            {"metadata[seen]": "1"},
            {"items[0][id]": item["id"], "items[0][quantity]": "2"},
            {"cancel_at_period_end": "true"},
            {
                "items[0][id]": item["id"],
                "items[0][price]": scenario.offer(shop.world, "Rum", 900, interval="week")["id"],
            },
        ):
            shop.world.clock.advance(60)
            await shop.post(f"subscriptions/{made['id']}", **change)
            await shop.settle()
        more, other = (letter.get_content() for letter in box.letters)
        assert "Before: Tea, 15.00 USD per month" in more
        assert "Now: 2 × Tea, 30.00 USD per month" in more
        assert "on it costs 30.00 USD" in more
        assert "Before: 2 × Tea, 30.00 USD per month" in other
        assert "Now: Rum, 9.00 USD per week" in other  # a new price without a quantity is of one
        assert "It will end on" in other
        assert {letter["Subject"] for letter in box.letters} == {
            "Your subscription to Tea has changed",
            "Your subscription to Rum has changed",
        }
        assert len({letter["Message-ID"] for letter in box.letters}) == 2


@on_one_database
async def test_subscriptions_refunds_and_disputes_are_written_about(opened: Open, box: Mailbox) -> None:
    """Buyers hear of what is theirs, the operator of disputes, each in the currency's own digits."""
    async with opened(*mailing.listeners(settings(box))) as shop:
        made = scenario.subscribe(
            shop.world,
            scenario.offer(shop.world, "Tea", 1500, "jpy", interval="month"),
            email="b@example.com",
        )
        await shop.settle()
        await shop.delete(f"subscriptions/{made['id']}")
        paid = await shop.pay(900, card="pm_card_createDispute")
        await shop.settle()
        told = sorted((letter["To"], letter["Subject"]) for letter in box.letters)
        assert ("b@example.com", "Your subscription has ended") in told
        assert ("b@example.com", "Your payment of 1,500 JPY") in told
        assert any("has begun" in subject for to, subject in told if to == "b@example.com")
        assert ("owner@shop.example", "A dispute about 9.00 USD") in told
        assert paid
        assert len(told) == len(set(told))
    assert_contract(shop.world)


@on_one_database
async def test_who_was_erased_is_not_written_to(opened: Open, box: Mailbox, ears: Ears) -> None:
    """What was still to be told of them is told of the money, and of nobody."""
    listeners = mailing.listeners(settings(box, PAYMENT_MAIL_EVENTS="subscription.started"))
    async with opened(*listeners, ears("subscription.started")) as shop:
        offer = scenario.offer(shop.world, "Tea", 1500, interval="month")
        made = scenario.subscribe(shop.world, offer, email="b@example.com")
        await shop.deliverer.deliver_due()
        await shop.payments.worker.applier.step()
        await customers.erase(shop.payments, OPERATOR, made["customer"], EraseBody())
        await shop.drain()
        [news] = ears.heard
        assert (news.subscription.amount, news.subscription.customer_email) == (1500, None)
        assert box.letters == []
        assert {row["status"] for row in await shop.rows(tables.effect)} == {"done"}


@on_one_database
async def test_what_is_switched_off_or_old_is_not_sent(opened: Open, box: Mailbox, world: World) -> None:
    """Only the letters that are asked for, and none about what was long ago."""
    chosen = mailing.listeners(settings(box, PAYMENT_MAIL_EVENTS="payment.succeeded, dispute.opened"))
    assert [one.name for one in chosen] == ["mail:payment.succeeded", "mail:dispute.opened"]
    async with opened(*chosen) as shop:
        old = World(start=datetime.now(UTC) - timedelta(days=20))
        shop.world.clock = old.clock
        scenario.buy(shop.world, scenario.offer(shop.world, "Tea", 2050))
        await shop.settle()
        assert box.letters == []
        assert {row["status"] for row in await shop.rows(tables.effect)} == {"done"}


@on_one_database
async def test_texts_can_be_ones_own(opened: Open, box: Mailbox, tmp_path: Path) -> None:
    """A file of one's own replaces ours; what it lacks is ours."""
    (tmp_path / "payment.succeeded.txt").write_text("Subject: Danke\nWir haben {{ sum }} erhalten.\n")
    async with opened(*mailing.listeners(settings(box, PAYMENT_MAIL_TEXTS=str(tmp_path)))) as shop:
        scenario.buy(shop.world, scenario.offer(shop.world, "Tea", 2050))
        await shop.settle()
        [letter] = box.letters
        assert (letter["Subject"], letter.get_content().strip()) == ("Danke", "Wir haben 20.50 USD erhalten.")


@on_one_database
async def test_a_name_with_line_ends_gets_into_no_header(opened: Open, box: Mailbox) -> None:
    """A letter goes out all the same, with one line as its subject and nobody else as its reader."""
    name = "Tea\r\x0b\u2028Bcc: mallory@example.com"
    async with opened(*mailing.listeners(settings(box, PAYMENT_MAIL_EVENTS="subscription.started"))) as shop:
        scenario.subscribe(shop.world, scenario.offer(shop.world, name, 1500, interval="month"))
        await shop.settle()
        [letter] = box.letters
        assert letter["Subject"] == "Your subscription to Tea Bcc: mallory@example.com has begun"
        assert letter["Bcc"] is None


def test_wrong_settings_are_refused() -> None:
    """By name and with the nearest right word, never with the password."""
    for wrong, says in (
        ({"PAYMENT_MAIL_FROM": ""}, "PAYMENT_MAIL_FROM"),
        ({"PAYMENT_MAIL_FROM": "nobody"}, "PAYMENT_MAIL_FROM must be one e-mail address"),
        ({"PAYMENT_MAIL_EVENTS": "payment.sucess"}, "did you mean payment.succeeded?"),
        ({"PAYMENT_SMTP_URL": "http://u:hunter2@mail"}, "PAYMENT_SMTP_URL must look like"),
        ({"PAYMENT_MAIL_TEXTS": "nowhere"}, "PAYMENT_MAIL_TEXTS must be a folder"),
    ):
        with pytest.raises(ConfigurationError) as refused:
            mailing.listeners(settings(Mailbox(port=25)) | wrong)
        assert says in refused.value.detail
        assert "hunter2" not in refused.value.detail


def test_no_server_no_letters() -> None:
    """Without PAYMENT_SMTP_URL nobody is written to; every letter is about something that is told."""
    assert mailing.listeners({}) == ()
    assert set(LETTERS) <= set(TOPICS)
