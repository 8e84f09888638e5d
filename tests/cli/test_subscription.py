"""`payment subscription` over the real service and database; Stripe is the simulator."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from overseer_payment.cli import output
from overseer_payment.cli.payment import payment
from overseer_payment.cli.payment.options import PAUSE_BEHAVIORS, PAUSE_KINDS, PRORATIONS
from overseer_payment.provider import PauseBehavior, PauseKind, Proration
from overseer_payment.simulator import scenario
from tests.cli.test_real import Shop


@pytest.fixture
def shop(database_url: str) -> Shop:
    return Shop(database_url)


@pytest.fixture
def sub(shop: Shop) -> str:
    """A subscription of 49.00 USD a month; its id at the provider."""
    price = scenario.offer(shop.world, "Team", 4900, interval="month")
    return str(scenario.subscribe(shop.world, price)["id"])


def _json(shop: Shop, *words: str) -> dict[str, Any]:
    result = shop.run("subscription", *words, "--json")
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def test_words_are_the_real_ones() -> None:
    """What the options offer is what the bodies take."""
    assert tuple(PauseKind) == PAUSE_KINDS
    assert tuple(PauseBehavior) == PAUSE_BEHAVIORS
    assert tuple(Proration) == PRORATIONS


def test_one_is_shown_changed_paused_resumed_and_ended(shop: Shop, sub: str) -> None:
    """Each command changes the provider and prints the row; a preview changes nothing."""
    shown = shop.run("subscription", "show", sub)
    assert shown.exit_code == 0
    assert "49.00 USD every month" in shown.stdout
    assert "Team" in shown.stdout
    price = scenario.offer(shop.world, "Crew", 9900, interval="month")["id"]
    change = ("change-plan", sub, "--price", price, "--proration", "always_invoice")
    preview = _json(shop, *change, "--preview")
    assert preview["next_invoice"]["amount_due"] == 9900
    told = shop.run("subscription", *change, "--preview")
    assert "Due now" in told.stdout
    assert "99.00 USD" in told.stdout
    assert _json(shop, "show", sub)["amount"] == 4900
    assert _json(shop, *change)["plan_name"] == "Crew"
    assert _json(shop, "change-plan", sub, "--quantity", "2")["amount"] == 19800
    assert (
        _json(shop, "pause", sub, "--until", "2099-01-01")["collection_resumes_at"] == "2099-01-01T00:00:00Z"
    )
    assert not _json(shop, "resume", sub)["collection_paused"]
    assert _json(shop, "cancel", sub)["cancel_at_period_end"]
    assert "Ends" in shop.run("subscription", "show", sub).stdout
    ended = shop.run("subscription", "cancel", sub, "--now")
    assert (ended.exit_code, "canceled" in ended.stdout) == (0, True)
    assert shop.world.get("subscription", sub)["status"] == "canceled"
    again = shop.run("subscription", "cancel", sub, "--now")
    assert again.exit_code == 1
    assert "has ended" in again.stderr


def test_a_person_is_asked_with_what_will_happen(
    shop: Shop, sub: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sums, the day and the mode; without a yes nothing is sent and the exit code is 1."""
    monkeypatch.setattr(output, "can_ask", lambda: True)
    shop.run("subscription", "show", sub)
    sent = [r for r in shop.world.requests if r.method == "DELETE"]
    asked = shop.run("subscription", "cancel", sub, "--now")  # nobody answers: no
    assert asked.exit_code == 1
    assert "Cancel now and for good" in asked.stderr
    assert "49.00 USD every month" in asked.stderr
    assert "test mode" in asked.stderr
    for words, said in (
        (("cancel", sub), "end with its period"),
        (("pause", sub), "Ask for no money until it is resumed"),
        (("pause", sub, "--kind", "subscription"), "no periods and no invoices"),
        (("change-plan", sub, "--quantity", "3"), "due now 0.00 USD; next invoice"),
    ):
        refused = shop.run("subscription", *words)
        assert (refused.exit_code, said in refused.stderr) == (1, True), refused.stderr
    assert [r for r in shop.world.requests if r.method == "DELETE"] == sent
    stands = shop.world.get("subscription", sub)
    assert (stands["cancel_at_period_end"], stands["pause_collection"]) == (False, None)
    assert shop.run("subscription", "cancel", sub, "--now", "--yes").exit_code == 0


WRONG = (
    ("change-plan", "1"),
    ("change-plan", "1", "--quantity", "0"),
    ("change-plan", "1", "--quantity", "2", "--proration", "always"),
    ("change-plan", "1", "--trial-end", "tomorrow"),
    ("pause", "1", "--kind", "subscription", "--behavior", "void"),
    ("cancel",),
)


def test_wrong_usage_is_2() -> None:
    """Nothing to change, words nobody knows, contradictions: said before anything is opened."""
    for words in WRONG:
        result = CliRunner().invoke(payment, ("subscription", *words), prog_name="overseer payment")
        assert result.exit_code == 2, (words, result.output)
        assert "Value error" not in result.stderr


def test_what_is_not_there_is_one_line(shop: Shop) -> None:
    """Exit code 1, no traceback."""
    result = shop.run("subscription", "cancel", "99")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1


def test_an_unknown_outcome_names_the_key_to_settle_it_with(shop: Shop, sub: str) -> None:
    """The same key again does it once."""
    shop.run("subscription", "show", sub)
    shop.world.faults.time_out("DELETE", "/v1/subscriptions/*", after_effect=True, times=3)
    lost = shop.run("subscription", "cancel", sub, "--now")
    assert lost.exit_code == 1
    key = lost.stderr.partition("--idempotency-key ")[2].split()[0]
    again = shop.run("subscription", "cancel", sub, "--now", "--idempotency-key", key)
    assert (again.exit_code, "canceled" in again.stdout) == (0, True)
