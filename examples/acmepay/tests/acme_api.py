"""Acme Pay's API as far as the plugin uses it: what its documentation says, in memory."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

KEY = "acme_test_51f0c7a2"
PRICES = {"tea": (450, "usd"), "kettle": (6900, "usd")}

Json = dict[str, Any]


@dataclass
class Acme:
    """One account. `app` serves it."""

    objects: dict[str, Json] = field(default_factory=dict)
    answers: dict[str, Json] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def app(self) -> Starlette:
        kinds = "{kind:str}"
        return Starlette(
            routes=[
                Route("/account", self.account),
                Route("/checkouts", self.open_checkout, methods=["POST"]),
                Route("/refunds", self.give_back, methods=["POST"]),
                Route(f"/{kinds}/{{id}}", self.read),
            ]
        )

    def pay(self, amount: int, currency: str) -> str:
        """A payment that succeeded; its id."""
        return str(self._new("pay", amount=amount, currency=currency, status="succeeded", refunds=[])["id"])

    async def account(self, request: Request) -> JSONResponse:
        return self._guarded(request) or JSONResponse({"name": "Acme Tea House"})

    async def read(self, request: Request) -> JSONResponse:
        found = self.objects.get(request.path_params["id"])
        if found is None:
            return JSONResponse({}, 404)
        return self._guarded(request) or self._told(found)

    async def open_checkout(self, request: Request) -> JSONResponse:
        key, wanted = request.headers["idempotency-key"], await request.json()
        if key not in self.answers:
            if wanted["price"] not in PRICES:
                return JSONResponse({}, 422)
            amount, currency = PRICES[wanted["price"]]
            made = self._new("chk", amount=amount * wanted["quantity"], currency=currency, payment=None)
            made["metadata"], made["url"] = wanted["metadata"], f"https://pay.acmepay.example/{made['id']}"
            self.answers[key] = made
        return self._guarded(request) or self._told(self.answers[key])

    async def give_back(self, request: Request) -> JSONResponse:
        key, wanted = request.headers["idempotency-key"], await request.json()
        if key not in self.answers:
            paid = self.objects.get(wanted["payment"])
            if paid is None:
                return JSONResponse({}, 404)
            if wanted["amount"] > paid["amount"] - sum(refund["amount"] for refund in paid["refunds"]):
                return JSONResponse({}, 422)
            made = self._new("ref", amount=wanted["amount"], currency=paid["currency"], payment=paid["id"])
            paid["refunds"].append(made)
            self.answers[key] = made
        return self._guarded(request) or self._told(self.answers[key])

    def _new(self, prefix: str, **values: Any) -> Json:
        id = f"{prefix}_{next(self.numbers)}"
        now = int(time.time())
        self.objects[id] = {"id": id, "created": now, "read_at": now, "live": False, **values}
        return self.objects[id]

    def _told(self, found: Json) -> JSONResponse:
        return JSONResponse({**found, "read_at": int(time.time())})

    def _guarded(self, request: Request) -> JSONResponse | None:
        return None if request.headers["authorization"] == f"Bearer {KEY}" else JSONResponse({}, 401)
