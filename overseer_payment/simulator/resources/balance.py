"""The account's balance: every movement of money is one balance transaction; the balance is their sum.

Fees are zero here, so that what was captured less what went back equals the balance to the last unit.
"""

from __future__ import annotations

from collections import defaultdict

from overseer_payment.simulator.api import Call, endpoint, paged
from overseer_payment.simulator.resources.shapes import DAY, Json
from overseer_payment.simulator.world import World

_AVAILABLE_AFTER = 2 * DAY
_REPORTING = {
    "charge": "charge",
    "payment": "charge",
    "refund": "refund",
    "payment_refund": "refund",
    "refund_failure": "refund_failure",
    "adjustment": "dispute",
}


def moved(
    world: World,
    amount: int,
    currency: str,
    *,
    kind: str,
    source: str,
    description: str | None = None,
    reporting: str | None = None,
) -> Json:
    """Store one movement of `amount` minor units; a negative one leaves the balance."""
    now = world.clock.now()
    return world.put(
        {
            "id": world.new_id("txn_"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": now + _AVAILABLE_AFTER,
            "balance_type": "payments",
            "created": now,
            "currency": currency,
            "description": description,
            "exchange_rate": None,
            "fee": 0,
            "fee_details": [],
            "net": amount,
            "reporting_category": reporting or _REPORTING[kind],
            "source": source,
            "status": "pending",
            "type": kind,
        }
    )


def _settled(world: World, transaction: Json) -> Json:
    """Return the transaction with the status that the clock gives it."""
    status = "available" if transaction["available_on"] <= world.clock.now() else "pending"
    transaction["status"] = status
    return transaction


@endpoint("GET", "/v1/balance")
def retrieve_balance(call: Call) -> Json:
    """Return what is pending and available, per currency, in minor units."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: {"available": 0, "pending": 0})
    sums["usd"]
    for transaction in call.world.find("balance_transaction"):
        status = _settled(call.world, transaction)["status"]
        sums[transaction["currency"]][status] += transaction["net"]

    def funds(status: str) -> list[Json]:
        return [
            {"amount": of[status], "currency": currency, "source_types": {"card": of[status]}}
            for currency, of in sorted(sums.items())
        ]

    return {
        "object": "balance",
        "available": funds("available"),
        "livemode": False,
        "pending": funds("pending"),
        "refund_and_dispute_prefunding": {"available": [], "pending": []},
    }


@endpoint("GET", "/v1/balance_transactions")
def list_transactions(call: Call) -> Json:
    """List movements; filters `currency`, `source`, `type`."""
    params = call.params
    equal = {name: params[name] for name in ("currency", "source", "type") if name in params}
    return paged(call, [_settled(call.world, t) for t in call.world.find("balance_transaction", **equal)])


@endpoint("GET", "/v1/balance_transactions/{id}")
def retrieve_transaction(call: Call) -> Json:
    """Return one movement."""
    return _settled(call.world, call.world.get("balance_transaction", call.ids["id"]))
