"""One simulated Stripe account in test mode: its objects, its clock, its ids, its event log."""

from __future__ import annotations

import random
import string
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from overseer_payment.simulator.clock import Clock
from overseer_payment.simulator.contract import Contract
from overseer_payment.simulator.deliveries import Delivery, DeliveryQueue
from overseer_payment.simulator.errors import ContractViolation, resource_missing
from overseer_payment.simulator.events import new_event
from overseer_payment.simulator.faults import Faults
from overseer_payment.simulator.idempotency import IdempotencyKeys
from overseer_payment.simulator.jsontree import copied
from overseer_payment.simulator.webhook_endpoints import new_endpoint

Json = dict[str, Any]

_ALPHABET = string.ascii_letters + string.digits
_RANDOM_CHARACTERS = 20
_REQUEST_LOG = 5_000


@dataclass(slots=True)
class RequestContext:
    """The API request being executed: events name it, and a missing id in its path answers 404, not 400."""

    id: str | None = None
    idempotency_key: str | None = None
    path_ids: frozenset[str] = frozenset()


@dataclass(slots=True)
class RequestRecord:
    """One line of the request log, newest last: what was asked and what was answered."""

    id: str
    method: str
    path: str
    status: int
    idempotency_key: str | None = None
    replayed: bool = False

    def described(self) -> Json:
        """Return the line as plain values."""
        return asdict(self)


class World:
    """One simulated Stripe account in test mode.

    `check` says how much of what the simulator produces is compared with Stripe's types:
    "all" objects and events, a one-in-twenty "sample", or "off". Findings are kept in `violations`.
    """

    def __init__(
        self,
        *,
        start: datetime | None = None,
        account: str = "acct_sim",
        secret_key: str = "sk_test_sim",
        seed: int = 1,
        check: Literal["all", "sample", "off"] = "all",
        public_url: str = "http://127.0.0.1:12111",
    ) -> None:
        self.clock = Clock(time.time() if start is None else start.timestamp())
        self.account = account
        self.secret_key = secret_key
        self.random = random.Random(seed)
        self.public_url = public_url.rstrip("/")
        self.contract = Contract(check)
        self.faults = Faults(seed)
        self.deliveries = DeliveryQueue()
        self.events: list[Json] = []
        self.requests: deque[RequestRecord] = deque(maxlen=_REQUEST_LOG)
        self.violations: list[ContractViolation] = []
        self.request = RequestContext()
        self.idempotency = IdempotencyKeys()
        self.lock = threading.RLock()
        self.settings: dict[str, Any] = {}
        self.webhook_secrets: dict[str, list[str]] = {}
        self._objects: dict[str, dict[str, Json]] = {}
        self._states: dict[tuple[str, str], tuple[Json | None, Json]] = {}
        self._ids: set[str] = set()

    # -- identity ----------------------------------------------------------------------------------

    def new_id(self, prefix: str) -> str:
        """Return an unused id that starts with `prefix`; the same seed gives the same sequence."""
        while True:
            id = f"{prefix}3Sim{''.join(self.random.choices(_ALPHABET, k=_RANDOM_CHARACTERS))}"
            if id not in self._ids:
                self._ids.add(id)
                return id

    def now(self) -> int:
        """Return the account's time in epoch seconds."""
        return self.clock.now()

    # -- objects -----------------------------------------------------------------------------------

    def put(self, obj: Json) -> Json:
        """Store `obj` under its object name and id and return the stored object itself, not a copy."""
        key = (obj["object"], obj["id"])
        known = self._states.get(key)
        self._objects.setdefault(key[0], {})[key[1]] = obj
        if known is None or known[1] != obj:
            self._states[key] = (known[1] if known else None, copied(obj))
        return obj

    def get(self, object_name: str, id: str, *, param: str = "id") -> Json:
        """Return the stored object. Raises SimError `resource_missing` in Stripe's wording."""
        found = self.peek(object_name, id)
        if found is None:
            # Stripe answers 404 when the path names the missing object, 400 when a parameter does.
            in_body = self.request.id is not None and id not in self.request.path_ids
            raise resource_missing(object_name, id, param=param, status=400 if in_body else 404)
        return found

    def peek(self, object_name: str, id: str) -> Json | None:
        """Return the stored object, or None."""
        return self._objects.get(object_name, {}).get(id)

    def find(self, object_name: str, **equal: Any) -> list[Json]:
        """Return the objects whose fields equal `equal`, newest first, without deleted ones."""
        found = [obj for obj in reversed(self._objects.get(object_name, {}).values()) if "deleted" not in obj]
        for name, value in equal.items():
            found = [obj for obj in found if obj.get(name) == value]
        return sorted(found, key=_created, reverse=True)

    def first(self, object_name: str, **equal: Any) -> Json | None:
        """Return the newest object that `find` would give, or None."""
        return next(iter(self.find(object_name, **equal)), None)

    def remove(self, obj: Json, *, tombstone: bool = True) -> Json:
        """Delete an object and return Stripe's `{id, object, deleted}`, which reads find if `tombstone`."""
        stub = {"id": obj["id"], "object": obj["object"], "deleted": True}
        if tombstone:
            self._objects[obj["object"]][obj["id"]] = stub
        else:
            self._objects.get(obj["object"], {}).pop(obj["id"], None)
        return stub

    def previous_state(self, object_name: str, id: str) -> Json | None:
        """Return the object as it was before its latest `put`, or None (stale reads answer with it)."""
        return self._states.get((object_name, id), (None, None))[0]

    def counts(self) -> dict[str, int]:
        """Return how many objects of each kind are stored."""
        return {name: len(objects) for name, objects in sorted(self._objects.items()) if objects}

    # -- events and time ---------------------------------------------------------------------------

    def emit(self, type: str, obj: Json, *, previous: Json | None = None) -> Json:
        """Append an event that holds a copy of `obj` to the log, and queue its deliveries."""
        event = new_event(self, type, obj, previous)
        self.check(event, f"event {type}")
        with self.lock:
            self.events.append(event)
            event["pending_webhooks"] = self.deliveries.queue(self, event)
        return event

    def schedule(self, at: int, job: Callable[[World], None], label: str) -> None:
        """Run `job(world)` when the clock passes `at` (epoch seconds)."""
        self.clock.schedule(at, lambda: self._run(job), label)

    def add_endpoint(self, url: str, secret: str, enabled_events: Iterable[str] = ("*",)) -> Json:
        """Register a webhook endpoint with a secret of the caller's choice and return it."""
        return self.put(new_endpoint(self, url, secret, list(enabled_events)))

    @contextmanager
    def executing(self, context: RequestContext) -> Iterator[None]:
        """Name `context` in the events that are emitted inside the block."""
        outer, self.request = self.request, context
        try:
            yield
        finally:
            self.request = outer

    def log_request(self, method: str, path: str, status: int, *, replayed: bool, of: RequestContext) -> None:
        """Append one line to the request log; status 0 is a connection that broke."""
        self.requests.append(RequestRecord(str(of.id), method, path, status, of.idempotency_key, replayed))

    def check(self, obj: Json, what: str) -> None:
        """Compare `obj` with Stripe's types. Records and raises ContractViolation on a difference."""
        if problems := self.contract.problems(obj):
            raise self.violation(what, problems)

    def violation(self, what: str, problems: list[str]) -> ContractViolation:
        """Record that the simulator broke Stripe's contract and return the exception to raise."""
        found = ContractViolation(what, problems)
        self.violations.append(found)
        return found

    def pending_deliveries(self) -> list[Delivery]:
        """Return the deliveries that are still to be made, soonest first."""
        return self.deliveries.pending()

    def _run(self, job: Callable[[World], None]) -> None:
        # Work of the clock is nobody's request: its events carry `request.id: null`.
        with self.lock, self.executing(RequestContext()):
            job(self)


def _created(obj: Json) -> int:
    return int(obj.get("created") or 0)
