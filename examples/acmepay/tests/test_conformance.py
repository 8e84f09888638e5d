"""Acme Pay passes the kit that every provider's plugin has to pass."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx
import pytest

from overseer_acmepay import SPEC
from overseer_payment.provider import Kind, ProviderSpec, Ref
from overseer_payment.testing import ProviderConformance, SampleEvent
from tests.acme_api import KEY, Acme


class TestAcmePay(ProviderConformance):
    """Over Acme's API in memory."""

    webhook_variable = "ACMEPAY_WEBHOOK_SECRET"

    @pytest.fixture
    def acme(self) -> Acme:
        return Acme()

    @pytest.fixture
    def http(self, acme: Acme) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(acme.app))

    @pytest.fixture
    def spec(self) -> ProviderSpec:
        return SPEC

    @pytest.fixture
    def environ(self) -> Mapping[str, str]:
        return {"ACMEPAY_API_KEY": KEY, "ACMEPAY_WEBHOOK_SECRET": "acme_whs_5d21f0,acme_whs_e07b13"}

    @pytest.fixture
    def signed_webhook(self) -> Any:
        def sign(body: bytes, *, at: datetime, secret: str) -> Mapping[str, str]:
            stamp = str(int(at.timestamp()))
            digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
            return {"acme-signature": f"{stamp}.{digest}"}

        return sign

    @pytest.fixture
    def sample_events(self) -> Sequence[SampleEvent]:
        return [
            SampleEvent(_event("payment.succeeded", "pay_1"), frozenset({Ref(Kind.CHARGE, "pay_1")})),
            SampleEvent(_event("refund.created", "ref_1"), frozenset({Ref(Kind.REFUND, "ref_1")})),
            SampleEvent(
                _event("checkout.completed", "chk_1", live=True),
                frozenset({Ref(Kind.CHECKOUT, "chk_1")}),
                livemode=True,
            ),
        ]

    @pytest.fixture
    def unknown_event(self) -> bytes:
        return _event("kettle.boiled", "kettle_1")

    @pytest.fixture
    def pay(self, acme: Acme) -> Any:
        async def pay(amount: int, currency: str) -> str:
            return acme.pay(amount, currency)

        return pay

    @pytest.fixture
    def price(self) -> str:
        return "tea"

    @pytest.fixture
    def absent(self) -> Sequence[Ref]:
        return [Ref(kind, "absent_1") for kind in (Kind.CHARGE, Kind.CHECKOUT, Kind.REFUND)]


def _event(type: str, object: str, *, live: bool = False) -> bytes:
    event = {"id": f"evt_{object}", "type": type, "created": 1770000000, "live": live, "object": object}
    return json.dumps(event).encode()
