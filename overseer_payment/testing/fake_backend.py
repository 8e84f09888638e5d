"""A payment service in memory: what `FakeProvider` talks to, as a real provider talks to its API.

Deterministic: ids are counted, and the clock moves only by `advance`. Objects are plain JSON, and
every change is an event that can be signed and delivered.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from overseer_payment.provider import Endpoint
from overseer_payment.testing.case import Fault

Json = dict[str, Any]


class Refusal(Exception):
    """The service's definite no.

    `code` is `absent`, `too_much`, `no_price`, `no_coupon`, `not_payable` or `ended`.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class FakeBackend:
    """The state of the service. One backend serves any number of providers, test and live."""

    now: datetime = datetime(2026, 1, 15, 12, tzinfo=UTC)
    fault: Fault | None = None
    """What goes wrong with every call from now on."""
    objects: dict[str, Json] = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)
    """What there was to tell, oldest first. Deliver them as you like: late, twice, never."""
    prices: dict[str, Json] = field(default_factory=dict)
    coupons: dict[str | None, int] = field(default_factory=dict)
    """What each takes off, in minor units of whatever is bought."""
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    """Webhook endpoints by the key that made each."""
    _answers: dict[str, str] = field(default_factory=dict, repr=False)
    _numbers: dict[str, int] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.add_price("price_once", 1500, "usd")
        self.add_price("price_monthly", 900, "usd", interval="month")

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by

    def add_price(self, id: str, amount: int, currency: str, *, interval: str | None = None) -> None:
        """Offer something for `amount` minor units."""
        self.prices[id] = {"id": id, "amount": amount, "currency": currency, "interval": interval}

    def get(self, id: str) -> Json:
        """One object. Raises Refusal."""
        if id not in self.objects:
            raise Refusal("absent")
        return self.objects[id]

    def refunds_of(self, payment: str) -> list[Json]:
        """Every refund of one payment, oldest first."""
        found = [one for one in self.objects.values() if one["kind"] == "refund"]
        return [refund for refund in found if refund["payment"] == payment]

    # What a merchant does ------------------------------------------------------------------------

    def create_customer(self, *, live: bool, key: str, **values: Any) -> Json:
        """A customer with an e-mail and a name."""
        return self._once(key, "customer", live, values)

    def create_checkout(self, *, live: bool, key: str, mode: str, price: str | None, **values: Any) -> Json:
        """An open session. Raises Refusal for an unknown price."""
        if mode != "setup" and price not in self.prices:
            raise Refusal("no_price")
        offer = self.prices.get(price or "", {"amount": 0, "currency": values.get("currency")})
        coupon = values.pop("coupon", None)
        if coupon is not None and coupon not in self.coupons:
            raise Refusal("no_coupon")
        total = max(0, offer["amount"] * values.pop("quantity", 1) - self.coupons.get(coupon, 0))
        values |= {"mode": mode, "price": price, "status": "open"}
        values |= {"amount": total, "currency": offer["currency"]}
        return self._once(key, "checkout", live, {**values, "payment": None, "subscription": None})

    def create_refund(self, *, live: bool, key: str, payment: str, amount: int, **values: Any) -> Json:
        """Give back `amount` minor units. Raises Refusal for more than remains."""
        if key in self._answers:
            return self.objects[self._answers[key]]
        paid = self.get(payment)
        if amount > paid["amount"] - sum(refund["amount"] for refund in self.refunds_of(payment)):
            raise Refusal("too_much")
        values |= {"payment": payment, "amount": amount, "currency": paid["currency"], "status": "succeeded"}
        return self._once(key, "refund", live, values)

    def delete_customer(self, id: str, *, key: str) -> Json:
        """Forget a customer; their payments stay. Twice is no error."""
        self._answers[key] = id
        customer = self.get(id)
        if not customer.get("deleted"):
            customer |= {"deleted": True, "email": None, "name": None}
            self.emit("customer.deleted", customer)
        return customer

    def expire(self, checkout: str, *, key: str) -> Json:
        """Close a session that nobody paid. Raises Refusal for one that was."""
        self._answers[key] = checkout
        session = self.get(checkout)
        if session["status"] == "complete":
            raise Refusal("not_payable")
        if session["status"] == "open":
            session["status"] = "expired"
            self.emit("checkout.expired", session)
        return session

    def change(self, id: str, values: Callable[[Json], Json], *, key: str) -> Json:
        """Change a subscription, unless this key did so before. Raises Refusal for one that has ended."""
        found = self.get(id)
        if key in self._answers:
            return found
        if found["status"] == "canceled":
            raise Refusal("ended")
        found |= values(found)
        self._answers[key] = id
        self.emit("subscription.updated", found)
        return found

    def answer(self, id: str, values: Callable[[Json], Json], *, key: str) -> Json:
        """Change a dispute, unless this key did so before. Raises Refusal when it awaits no answer."""
        found = self.get(id)
        if key in self._answers:
            return found
        if found["status"] != "needs_response":
            raise Refusal("ended")
        found |= values(found)
        self._answers[key] = id
        self.emit("dispute.updated", found)
        return found

    def keep(self, key: str, kind: str, live: bool, values: Mapping[str, Any]) -> Json:
        """Keep something that no event tells of, or answer what this key kept."""
        if key not in self._answers:
            id = self._answers[key] = self._number(f"f{kind}")
            self.objects[id] = {
                "kind": kind, "id": id, "live": live, "created": self._seconds(), **values
            }  # fmt: skip
        return self.objects[self._answers[key]]

    # What a buyer does ---------------------------------------------------------------------------

    def pay(self, amount: int, currency: str, *, live: bool = False, succeeds: bool = True) -> Json:
        """A payment that no checkout led to."""
        status = "succeeded" if succeeds else "failed"
        values = {"amount": amount, "currency": currency, "status": status, "customer": None}
        return self._once(None, "payment", live, values)

    def dispute(self, payment: str, *, due: timedelta = timedelta(days=14)) -> Json:
        """The buyer's bank takes a payment back, unless it is convinced."""
        paid = self.get(payment)
        values = {"payment": payment, "amount": paid["amount"], "currency": paid["currency"]}
        values |= {"status": "needs_response", "due": self._seconds() + int(due.total_seconds())}
        return self._once(None, "dispute", paid["live"], {**values, "evidence": {}, "submissions": 0})

    def complete(self, checkout: str) -> Json:
        """Pay an open checkout; a subscription starts with it. Raises Refusal if it isn't open."""
        session = self.get(checkout)
        if session["status"] != "open":
            raise Refusal("not_payable")
        if session["mode"] != "setup":
            paid = self.pay(session["amount"], session["currency"], live=session["live"])
            session["payment"] = paid["id"]
        if session["mode"] == "subscription":
            session["subscription"] = self._subscribe(session)["id"]
        session["status"] = "complete"
        self.emit("checkout.completed", session)
        return session

    def _subscribe(self, session: Json) -> Json:
        month = int(timedelta(days=30).total_seconds())
        values = {
            "status": "active",
            "price": session["price"],
            "amount": session["amount"],
            "currency": session["currency"],
            "quantity": 1,
            "customer": session.get("customer"),
            "period_end": self._seconds() + month,
        }
        return self._once(None, "subscription", session["live"], values)

    # Telling ------------------------------------------------------------------------------------

    def emit(self, type: str, about: Mapping[str, Any], *, account: str | None = None) -> Json:
        """Add an event about an object as it is now."""
        event = {
            "id": self._number("fevt"),
            "type": type,
            "created": self._seconds(),
            "live": about["live"],
            "account": account,
            "object": json.loads(json.dumps(about)),
        }
        self.events.append(event)
        return event

    def _once(self, key: str | None, kind: str, live: bool, values: Mapping[str, Any]) -> Json:
        """Create an object, or answer the one that this key created."""
        if key is not None and key in self._answers:
            return self.objects[self._answers[key]]
        id = self._number(f"f{kind}")
        self.objects[id] = {"kind": kind, "id": id, "live": live, "created": self._seconds(), **values}
        if key is not None:
            self._answers[key] = id
        self.emit(f"{kind}.created", self.objects[id])
        return self.objects[id]

    def _number(self, prefix: str) -> str:
        self._numbers[prefix] = self._numbers.get(prefix, 0) + 1
        return f"{prefix}_{self._numbers[prefix]:04d}"

    def _seconds(self) -> int:
        return int(self.now.timestamp())


def body_of(event: Mapping[str, Any]) -> bytes:
    """An event as the service sends it."""
    return json.dumps(event).encode()


def sign(body: bytes, *, at: datetime, secret: str) -> dict[str, str]:
    """The headers of a delivery: when, and an HMAC-SHA256 over that moment and the raw bytes."""
    moment = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return {"fakepay-time": moment, "fakepay-signature": digest}
