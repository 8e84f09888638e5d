"""What costs is counted for each caller: 429 with Retry-After, for that caller and that operation alone."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from overseer_payment.errors import RateLimited
from overseer_payment.routes import limits
from overseer_payment.routes.api import ALL_OPS
from overseer_payment.routes.limits import Buckets
from overseer_payment.routes.op import PREFIX
from tests.routes.fake_payments import FakeHost, FakePayments, client_of

BODY = {"price_id": "price_1", "mode": "payment"}


class Clock:
    """Moves by hand."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def _limited(monkeypatch: pytest.MonkeyPatch, host: FakeHost, limit: int) -> None:
    monkeypatch.setattr(limits, "_limit", lambda _: limit)


def _open(client: TestClient) -> Any:
    return client.post(f"{PREFIX}/checkout", json=BODY)


def test_a_buyer_who_asks_too_often_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The third checkout of a minute is refused before the façade is asked; another buyer is not."""
    host, payments = FakeHost(), FakePayments()
    _limited(monkeypatch, host, 2)
    buyer = client_of(payments, host, caller="alice")
    assert [_open(buyer).status_code for _ in range(2)] == [200, 200]
    asked = len(payments.calls)
    refused = _open(buyer)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["content-type"] == "application/problem+json"
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    assert len(payments.calls) == asked
    assert _open(client_of(payments, host, caller="bob")).status_code == 200
    assert buyer.get(f"{PREFIX}/transactions").status_code == 200


def test_staff_and_deliveries_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that holds the host's token sells as much as it likes, and a provider is never refused."""
    host, payments = FakeHost(), FakePayments()
    _limited(monkeypatch, host, 1)
    admin, anybody = client_of(payments, host, caller="admin"), client_of(payments, host)
    assert {_open(admin).status_code for _ in range(5)} == {200}
    assert {anybody.post(f"{PREFIX}/webhook", content=b"{}").status_code for _ in range(5)} == {200}


def test_the_document_is_limited_by_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can keep the process busy with the largest public answer."""
    host, payments = FakeHost(), FakePayments()
    _limited(monkeypatch, host, 1)
    anybody = client_of(payments, host)
    assert [anybody.get(f"{PREFIX}/openapi.json").status_code for _ in range(2)] == [200, 429]


def test_a_bucket_fills_again() -> None:
    """A minute's calls may come at once; then one is free at a time, and never more than a minute's."""
    clock = Clock()
    buckets = Buckets(6, clock)
    for _ in range(6):
        buckets.take("a")
    with pytest.raises(RateLimited) as refused:
        buckets.take("a")
    assert refused.value.retry_after == 10
    clock.seconds += 10
    buckets.take("a")
    with pytest.raises(RateLimited):
        buckets.take("a")
    clock.seconds += 86_400
    for _ in range(6):
        buckets.take("a")
    with pytest.raises(RateLimited):
        buckets.take("a")


def test_callers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many addresses there are, only so many are remembered; zero counts nobody."""
    monkeypatch.setattr(limits, "_MOST_CALLERS", 10)
    buckets = Buckets(5)
    for number in range(100):
        buckets.take(str(number))
    assert len(buckets._left) == 10
    off = Buckets(0)
    for _ in range(1000):
        off.take("a")
    assert not off._left


def test_the_setting_is_read() -> None:
    """PAYMENT_RATE_LIMIT of the host's configuration; a wrong setting elsewhere leaves the default."""
    for config, limit in (({"PAYMENT_RATE_LIMIT": "7"}, 7), ({}, 60), ({"OVERSEER_PUBLIC_URL": "x"}, 60)):
        assert limits._limit(FakeHost(config=config)) == limit


def test_what_is_limited_says_so() -> None:
    """Each limited operation documents 429, and no other does."""
    assert {op.name for op in ALL_OPS if op.limited} >= {"create_checkout", "open_portal", "get_openapi"}
    for op in ALL_OPS:
        assert (429 in op.statuses) is op.limited
