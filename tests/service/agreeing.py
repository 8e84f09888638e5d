"""Does what we know, told and did agree with what the simulator holds? Asked when all has come to rest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select

from overseer_payment import tables
from overseer_payment.committing import committed
from overseer_payment.ledger import totals
from overseer_payment.recording import OPERATION
from tests.service.shop import Shop

EFFECTS = (
    "payment.succeeded",
    "refund.succeeded",
    "refund.failed",
    "subscription.started",
    "subscription.ended",
    "dispute.opened",
    "checkout.completed",
    "invoice.paid",
)
_WAITING = {"processing": "pending", "canceled": "canceled"}


async def assert_agrees(shop: Shop, heard: Counter[str]) -> None:
    """Rows, sums, balance, operations and effects equal the provider's truth; `heard`: effects by id."""
    await assert_books_agree(shop)
    await _same_effects(shop, heard)


async def assert_books_agree(shop: Shop) -> None:
    """The same but for effects, where nobody listens."""
    await _at_rest(shop)
    await _same_money(shop)
    await _same_payments(shop)
    await _same_refunds(shop)
    await _same_disputes(shop)
    await _same_subscriptions(shop)


async def _at_rest(shop: Shop) -> None:
    """Nothing is wanted, no event failed, every operation has its outcome."""
    assert await shop.count(tables.wanted) == 0
    states = Counter(row["status"] for row in await shop.rows(tables.event))
    assert set(states) <= {"applied", "ignored"}, states
    assert {status for _, status in await shop.operations()} <= {"succeeded", "pending", "failed"}


async def _same_money(shop: Shop) -> None:
    held = shop.balance()
    assert {currency: net for currency, (*_, net) in (await shop.revenue()).items() if net} == held
    assert await committed(shop.engine, totals.rebuild) == 0


async def _same_payments(shop: Shop) -> None:
    """One row for each payment, whatever documents there are of it."""
    rows = [row for row in await shop.rows(tables.transaction) if row["type"] != "refund"]
    told = {
        row["provider_transaction_id"]: (row["status"], row["amount"], row["amount_refunded"])
        for row in rows
        if not row["placeholder"]
    }
    assert told == {intent["id"]: _payment(shop, intent) for intent in shop.world.find("payment_intent")}


def _payment(shop: Shop, intent: Mapping[str, Any]) -> tuple[str, int, int]:
    if intent["status"] != "succeeded":
        tried = "failed" if intent["last_payment_error"] else "pending"
        return _WAITING.get(intent["status"], tried), intent["amount"], 0
    refunds = shop.world.find("refund", payment_intent=intent["id"], status="succeeded")
    back, amount = sum(refund["amount"] for refund in refunds), intent["amount_received"]
    status = "refunded" if back >= amount else "partially_refunded" if back else "succeeded"
    return status, amount, back


async def _same_refunds(shop: Shop) -> None:
    """As many rows as refunds, each in the provider's state; one refund for each operation of ours."""
    refunds = shop.world.find("refund")
    rows = [row for row in await shop.rows(tables.transaction) if row["type"] == "refund"]
    told = {row["provider_transaction_id"]: (row["status"], row["amount"]) for row in rows}
    assert told == {refund["id"]: (refund["status"], refund["amount"]) for refund in refunds}
    ours = Counter(refund["metadata"].get(OPERATION) for refund in refunds)
    ours.pop(None, None)
    assert set(ours.values()) <= {1}
    operations = [row for row in await shop.rows(tables.operation) if row["kind"] == "refund"]
    assert {row["idempotency_key"] for row in operations if row["result"]} == set(ours)


async def _same_disputes(shop: Shop) -> None:
    rows = await shop.rows(tables.dispute)
    told = {row["provider_dispute_id"]: (row["status"], row["funds_withdrawn"]) for row in rows}
    assert told == {d["id"]: (_dispute_status(d), _withdrawn(d)) for d in shop.world.find("dispute")}


def _dispute_status(dispute: Mapping[str, Any]) -> str:
    return str(dispute["status"]).removeprefix("warning_")


def _withdrawn(dispute: Mapping[str, Any]) -> int:
    return -sum(int(moved["amount"]) for moved in dispute["balance_transactions"])


async def _same_subscriptions(shop: Shop) -> None:
    rows = await shop.rows(tables.subscription)
    told = {row["provider_subscription_id"]: _row(row) for row in rows}
    assert told == {one["id"]: _subscription(one) for one in shop.world.find("subscription")}


def _row(row: Mapping[str, Any]) -> tuple[Any, ...]:
    items = [(item["price_id"], item["quantity"]) for item in json.loads(row["items"])]
    return row["status"], row["cancel_at_period_end"], row["collection_paused"], items


def _subscription(told: Mapping[str, Any]) -> tuple[Any, ...]:
    items = [(item["price"]["id"], item["quantity"]) for item in told["items"]["data"]]
    return told["status"], told["cancel_at_period_end"], bool(told["pause_collection"]), items


async def _same_effects(shop: Shop, heard: Counter[str]) -> None:
    """The application was told of what happened at the provider, each thing under one id."""
    told = select(tables.news.c.topic, tables.news.c.provider_id, tables.effect.c.status).join(
        tables.effect, tables.effect.c.news_id == tables.news.c.id
    )
    effects = [tuple(row.values()) for row in await shop.rows(told)]
    happened = {fact for event in shop.world.events for fact in _happened(event)}
    assert {(topic, id) for topic, id, _ in effects} == happened
    assert {status for *_, status in effects} <= {"done"}
    assert len(heard) == len(effects)


def _happened(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What an event at the provider is for an application."""
    about = event["data"]["object"]
    id, status = str(about["id"]), about.get("status")
    match about["object"], status:
        case "payment_intent", "succeeded":
            yield "payment.succeeded", id
        case "refund", "succeeded" | "failed":
            yield f"refund.{status}", id
        case "subscription", _ if not status.startswith("incomplete"):
            yield "subscription.started", id
            if status == "canceled":
                yield "subscription.ended", id
        case "dispute", _:
            yield "dispute.opened", id
        case "checkout.session", "complete":
            yield "checkout.completed", id
        case "invoice", "paid":
            yield "invoice.paid", id
