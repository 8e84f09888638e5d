"""A business's first year, as a script: what buyers, banks, the network and the operator do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from overseer_payment.simulator import World
from overseer_payment.simulator import scenario as play
from overseer_payment.simulator.resources.subscription_flow import end_subscription
from tests.e2e.operating import Operator, Refused, Row

DAY = 86_400
MONTH = 30
GOOD, DECLINED, LATER_DECLINED = "4242424242424242", "4000000000000002", "4000000000000341"
REFUND_FAILS, REFUND_PENDS, WARNED = "4000000000005126", "4000000000007726", "4000000000005423"
DEBIT = "AT611904300234573201"


@dataclass
class FirstYear:
    """Each month is a method; `deliver` lets the provider's events arrive."""

    world: World
    operator: Operator
    deliver: Callable[[], None]
    prices: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)

    def play(self) -> None:
        """Twelve months, thirty days each; deliveries come twice and in any order."""
        self.world.faults.reorder(12)
        self._offer()
        months = (
            self.signs_up, self.recovers_and_upgrades, self.refunds, self.pauses, self.resumes,
            self.downgrades, self.cancels, self.refunds_that_fail, self.is_refunded_elsewhere,
            self.ends, self.sells_again, self.is_disputed,
        )  # fmt: skip
        for month in months:
            self.world.faults.duplicate(1, "invoice.*", times=3)
            self.world.faults.duplicate(2, "c*", times=5)
            self.world.faults.delay(2 * DAY, "*", times=3)
            until = self.world.now() + MONTH * DAY
            month()
            self.passes((until - self.world.now()) / DAY)
        self.world.faults.clear()
        self.passes(3)

    # -- the months --------------------------------------------------------------------------------------

    def signs_up(self) -> None:
        """Checkouts of every mode and currency; a card that is declined at first, and one that stays so."""
        for who, price, card in (
            ("ada", "poster", GOOD), ("ben", "book", DEBIT), ("chie", "tea", GOOD), ("dina", "oud", GOOD),
        ):  # fmt: skip
            assert self.buys(who, price, card) == "done"
        for who, price, card, more in (
            ("eve", "basic", GOOD, {"trial_period_days": 14}), ("fay", "basic", GOOD, {}),
            ("gil", "seats", GOOD, {"quantity": 3}), ("hana", "monthly-tea", GOOD, {}),
            ("iman", "monthly-oud", GOOD, {}), ("joy", "basic", LATER_DECLINED, {}),
            ("kim", "basic", LATER_DECLINED, {}),
        ):  # fmt: skip
            assert self.buys(who, price, card, mode="subscription", **more) == "done"
        assert self.buys("lea", None, GOOD, mode="setup", currency="usd") == "done"
        assert self.buys("mia", "poster", DECLINED) == "declined"
        assert self.pays("mia", GOOD) == "done"
        assert self.buys("noa", "poster", DECLINED) == "declined"
        self.arrives()
        assert self.subscription("eve")["status"] == "trialing"
        assert {row["status"] for row in self.operator.all("subscriptions")} == {"trialing", "active"}

    def recovers_and_upgrades(self) -> None:
        """Two cards fail on renewal, and one buyer brings another in time. A preview tells what is asked."""
        self.passes(5)
        assert {self.subscription(who)["status"] for who in ("joy", "kim")} == {"past_due"}
        self._pays_what_is_open("joy", GOOD)
        self.arrives()
        assert self.subscription("joy")["status"] == "active"
        self.passes(5)
        to: Row = {"new_price_id": self.prices["pro"], "proration_behavior": "always_invoice"}
        told = self.operator.change(self.id("fay"), preview=True, **to)
        changed = self.operator.change(self.id("fay"), **to)
        assert (changed["amount"], changed["plan_name"]) == (3000, "Pro")
        self.arrives()
        assert 0 < told["due_now"] <= 1500
        assert told["due_now"] in {row["amount"] for row in self.payments("fay")}
        assert self.operator.change(self.id("gil"), quantity=5)["quantity"] == 5

    def refunds(self) -> None:
        """In part, twice, and whole; never more than remains."""
        ada, ben = self.paid_by("ada"), self.paid_by("ben")
        assert self.operator.refund(ada, None, "usd", reason="requested_by_customer")["amount"] == 4900
        for amount in (1000, 250):
            assert self.operator.refund(ben, amount, "eur")["amount"] == amount
        with pytest.raises(Refused):
            self.operator.refund(ada, None, "usd")
        with pytest.raises(Refused):
            self.operator.refund(ben, 1251, "eur")  # 12.50 are left
        self.arrives()
        assert self.operator.one("transactions", ben)["amount_refunded"] == 1250

    def pauses(self) -> None:
        """One is asked for no money, another stands still."""
        assert self.operator.pause(self.id("hana"), kind="collection")["collection_paused"] is True
        assert self.operator.pause(self.id("iman"), kind="subscription")["status"] == "paused"

    def resumes(self) -> None:
        """Both go on; who recovered too late has ended."""
        self.passes(5)  # five weeks: a renewal fell into them, however long its month is
        for who in ("hana", "iman"):
            self.operator.resume(self.id(who))
            with pytest.raises(Refused):
                self.operator.resume(self.id(who))
        assert self.subscription("kim")["status"] == "canceled"

    def downgrades(self) -> None:
        """What was paid too much is credited on the next invoice."""
        self.passes(12)
        changed = self.operator.change(self.id("fay"), new_price_id=self.prices["basic"])
        assert changed["amount"] == 1500

    def cancels(self) -> None:
        """At the period's end, taken back, and again; and now."""
        assert self.operator.cancel(self.id("gil"))["cancel_at_period_end"] is True
        assert self.operator.resume(self.id("gil"))["cancel_at_period_end"] is False
        assert self.operator.cancel(self.id("gil"))["cancel_at_period_end"] is True
        assert self.operator.cancel(self.id("iman"), now=True)["status"] == "canceled"

    def refunds_that_fail(self) -> None:
        """One comes back days later, one is only pending first; meanwhile a planned end has come."""
        self.buys("oda", "poster", REFUND_FAILS)
        self.buys("pia", "tea", REFUND_PENDS)
        self.arrives()
        assert self.operator.refund(self.paid_by("oda"), None, "usd")["status"] == "succeeded"
        assert self.operator.refund(self.paid_by("pia"), 2000, "jpy")["status"] == "pending"
        self.passes(6)
        assert [self._states(who) for who in ("oda", "pia")] == [
            ("succeeded", 0, ["failed"]), ("partially_refunded", 2000, ["succeeded"]),
        ]  # fmt: skip
        assert self.subscription("gil")["status"] == "canceled"

    def is_refunded_elsewhere(self) -> None:
        """Somebody gives money back in the provider's own dashboard; we may give the rest."""
        payment = self.paid_by("dina")
        play.refund(self.world, payment, 2340)
        self.arrives()
        with pytest.raises(Refused):
            self.operator.refund(payment, 10_010, "kwd")
        assert self.operator.refund(payment, 2000, "kwd")["amount"] == 2000

    def ends(self) -> None:
        """A subscription is ended at the provider itself, another is changed at once without proration."""
        assert self.subscription("joy")["status"] == "active"
        ended = self.world.get("subscription", self.id("joy"))
        end_subscription(self.world, ended, reason="cancellation_requested")
        self.passes(3)  # a month's first deliveries are late
        assert self.subscription("joy")["status"] == "canceled"
        free: Row = {"quantity": 2, "proration_behavior": "none"}
        assert self.operator.change(self.id("hana"), **free)["quantity"] == 2

    def sells_again(self) -> None:
        """What the banks will ask about next month."""
        for who, price, card in (
            ("rosa", "poster", GOOD), ("suki", "tea", GOOD), ("tara", "book", GOOD),
            ("uma", "poster", WARNED),
        ):  # fmt: skip
            assert self.buys(who, price, card) == "done"
        self.arrives()

    def is_disputed(self) -> None:
        """One is won with evidence, one accepted; an inquiry and a warning are ended by a refund."""
        self.passes(20)  # so late that deadlines are still to come today
        won = play.dispute(self.world, self.paid_by("rosa"), reason="product_not_received")["id"]
        lost = play.dispute(self.world, self.paid_by("suki"))["id"]
        asked = play.dispute(self.world, self.paid_by("tara"), kind="inquiry")["id"]
        self.arrives()
        with pytest.raises(Refused):
            self.operator.refund(self.paid_by("rosa"), 100, "usd")
        staged = self.operator.answer(won, {"uncategorized_text": "winning_evidence"})
        assert (staged["status"], staged["submission_count"]) == ("needs_response", 0)
        self.operator.answer(won, {"customer_name": "Rosa"}, submit=True)
        assert self.operator.accept(lost)["status"] == "lost"
        with pytest.raises(Refused):
            self.operator.accept(asked)
        assert self.operator.refund(self.paid_by("tara"), None, "eur")["amount"] == 2500
        assert self.operator.refund(self.paid_by("uma"), None, "usd")["amount"] == 4900
        self.arrives()
        ended = {row["kind"] for row in self.operator.all("disputes") if row["status"] == "closed"}
        assert ended == {"inquiry", "fraud_warning"}
        assert [self.operator.one("disputes", id)["status"] for id in (won, lost)] == ["won", "lost"]

    # -- buyers and time ------------------------------------------------------------------------------------

    def buys(self, who: str, price: str | None, card: str, *, mode: str = "payment", **more: Any) -> str:
        """A checkout is opened, and its page filled in half a minute later."""
        priced = {} if price is None else {"price_id": self.prices[price]}
        self.world.clock.advance(7)
        self.sessions[who] = self.operator.checkout(**priced, mode=mode, **more)
        return self.pays(who, card)

    def pays(self, who: str, card: str) -> str:
        self.world.clock.advance(30)
        session = self.world.get("checkout.session", self.sessions[who])
        email = f"{who}@example.com"
        return play.pay(self.world, session, card=card, email=email, name=who.title()).kind

    def arrives(self) -> None:
        """What happened so far is delivered and applied."""
        self.world.clock.advance(60)
        self.deliver()
        self.operator.work()

    def passes(self, days: float) -> None:
        """Time passes; what the clock brings arrives."""
        self.world.clock.advance(days * DAY)
        self.arrives()

    def _offer(self) -> None:
        for name, amount, currency in (
            ("poster", 4900, "usd"), ("book", 2500, "eur"), ("tea", 5000, "jpy"), ("oud", 12_340, "kwd"),
        ):  # fmt: skip
            self.prices[name] = play.offer(self.world, name.title(), amount, currency)["id"]
        for name, amount, currency in (
            ("basic", 1500, "usd"), ("pro", 3000, "usd"), ("seats", 900, "eur"),
            ("monthly-tea", 1980, "jpy"), ("monthly-oud", 4560, "kwd"),
        ):  # fmt: skip
            made = play.offer(self.world, name.title(), amount, currency, interval="month")
            self.prices[name] = made["id"]

    def _pays_what_is_open(self, who: str, card: str) -> None:
        """The buyer pays on the invoice's page, and leaves the card for renewals."""
        subscription = self.world.get("subscription", self.id(who))
        invoice = self.world.get("invoice", subscription["latest_invoice"])
        play.pay_invoice(self.world, invoice, card=card)
        subscription["default_payment_method"] = play.charge_of(self.world, invoice)["payment_method"]

    # -- who is who -----------------------------------------------------------------------------------------

    def id(self, who: str) -> str:
        """Of somebody's subscription."""
        return str(self.world.get("checkout.session", self.sessions[who])["subscription"])

    def paid_by(self, who: str) -> str:
        """The intent of what somebody bought."""
        return str(self.world.get("checkout.session", self.sessions[who])["payment_intent"])

    def subscription(self, who: str) -> Row:
        return self.operator.one("subscriptions", self.id(who))

    def payments(self, who: str) -> list[Row]:
        rows = self.operator.all("transactions")
        return [row for row in rows if row["customer_email"] == f"{who}@example.com"]

    def _states(self, who: str) -> tuple[str, int, list[str]]:
        row = self.operator.one("transactions", self.paid_by(who))
        return row["status"], row["amount_refunded"], [refund["status"] for refund in row["refunds"]]
