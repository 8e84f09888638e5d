"""The inbox and the audit trail on the command line, over the real service and database."""

from __future__ import annotations

import json
from typing import Any

import pytest

from overseer_payment.cli.payment.options import EVENT_STATES, OPERATION_STATES
from overseer_payment.provider import Event, Parsed
from overseer_payment.provider_plugins.stripe.provider import StripeProvider
from overseer_payment.schemas import EventState, OperationState
from tests.cli.test_real import Shop


@pytest.fixture
def shop(database_url: str) -> Shop:
    return Shop(database_url)


def _json(shop: Shop, *words: str) -> dict[str, Any]:
    result = shop.run(*words, "--json")
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def test_words_are_the_real_ones() -> None:
    """What `--status` offers is what the queries take."""
    assert tuple(EventState) == EVENT_STATES
    assert tuple(OperationState) == OPERATION_STATES


def test_events_are_listed_and_shown(shop: Shop) -> None:
    """The last received first; one with its payload, by our id or Stripe's; a list goes on where it ended."""
    shop.pay("4900", "usd")
    rows = _json(shop, "events")["events"]
    assert {row["status"] for row in rows} <= {"applied", "ignored"}
    assert len(rows) == len(shop.world.events) > 2
    (paid,) = _json(shop, "events", "--type", "charge.succeeded", "--status", "applied")["events"]
    shown = shop.run("events", "show", paid["provider_event_id"])
    assert "charge.succeeded" in shown.stdout
    assert '"amount": 4900' in shown.stdout
    assert _json(shop, "events", "show", str(paid["id"]))["payload"]["id"] == paid["provider_event_id"]
    listed = shop.run("events", "-n", "2")
    assert "charge.succeeded" in listed.stdout + shop.run("events").stdout
    assert "--cursor" in listed.stderr
    assert _json(shop, "events", "--failed")["events"] == []
    assert shop.run("events", "show", "evt_unknown").exit_code == 1


def test_a_failed_event_is_replayed_or_ignored(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replay tells whether it worked (exit code 1: no); ignoring takes it out; both are written down."""
    parse = StripeProvider.parse

    def failing(provider: StripeProvider, event: Event) -> Parsed:
        if event.type == "charge.succeeded":
            raise RuntimeError("poison")
        return parse(provider, event)

    monkeypatch.setattr(StripeProvider, "parse", failing)
    shop.pay("4900", "usd")
    (failed,) = _json(shop, "events", "--failed")["events"]
    id = failed["provider_event_id"]
    all_again = shop.run("events", "replay", "--failed")
    assert all_again.stdout == "1 event tried again; 1 can't be applied this time either.\n"
    assert "--failed" in all_again.stderr
    again = shop.run("events", "replay", id)
    assert (again.exit_code, "failed" in again.stdout) == (1, True)
    assert _json(shop, "events", "ignore", id)["status"] == "ignored"
    assert shop.run("events", "--failed").stdout == ""
    monkeypatch.setattr(StripeProvider, "parse", parse)
    assert _json(shop, "events", "replay", id)["status"] == "applied"
    assert shop.run("events", "ignore", id).exit_code == 1
    assert _json(shop, "events", "replay", "--failed") == {"replayed": 0, "failed_events": 0}
    decided = [row["kind"] for row in _json(shop, "operations")["operations"]]
    assert decided.count("event.replay") == 3
    assert decided.count("event.ignore") == 1
    for wrong in (("replay",), ("replay", id, "--failed"), ("--status", "lost")):
        assert shop.run("events", *wrong).exit_code == 2


def test_operations_are_listed(shop: Shop) -> None:
    """Who gave how much back, what came of it; filtered by outcome."""
    intent = shop.pay("4900", "usd")
    shop.run("refund", intent["id"], "--amount", "5.00", "--reason", "duplicate")
    (row,) = _json(shop, "operations", "--status", "succeeded")["operations"]
    assert (row["kind"], row["amount"], row["currency"], row["reason"]) == ("refund", 500, "usd", "duplicate")
    assert row["actor"].startswith("cli:")
    listed = shop.run("operations")
    assert "5.00 USD" in listed.stdout
    assert row["actor"] in listed.stdout
    assert shop.run("operations", "--status", "unknown").stdout == ""
