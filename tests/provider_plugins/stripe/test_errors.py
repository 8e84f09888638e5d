"""What a failed call means for the money: a definite no, not reached, or unknown."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import httpx
import pytest
from pytest_httpx import HTTPXMock

from overseer_payment.errors import (
    ObjectAbsent,
    OutcomeUnknown,
    ProviderAuthError,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from overseer_payment.provider import Kind, Ref, RefundRequest
from overseer_payment.provider_plugins.stripe.errors import safe_text
from overseer_payment.provider_plugins.stripe.provider import StripeProvider
from tests.provider_plugins.stripe.conftest import Naps
from tests.provider_plugins.stripe.payloads import KEY, NOW, refund

pytestmark = pytest.mark.anyio

REFUND = RefundRequest(amount=500, currency="usd", payment="pi_1")


async def _refund(provider: StripeProvider) -> Any:
    return await provider.refund(REFUND, idempotency_key="op-1")


async def _read(provider: StripeProvider) -> Any:
    return await provider.fetch(Ref(Kind.REFUND, "re_1"))


def _error(**told: Any) -> dict[str, Any]:
    return {"error": {"type": "invalid_request_error", "message": "No.", **told}}


@pytest.mark.parametrize(
    ("status", "told", "expected", "code"),
    [
        (402, {"type": "card_error", "code": "expired_card"}, ProviderRejected, "expired_card"),
        (
            402,
            {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"},
            ProviderRejected,
            "insufficient_funds",
        ),
        (400, {"code": "charge_already_refunded"}, ProviderRejected, "charge_already_refunded"),
        (400, {"code": "amount_too_large", "param": "amount"}, ProviderRejected, "amount_too_large"),
        (400, {}, ProviderRejected, "provider_rejected"),
        (400, {"code": "resource_missing"}, ProviderRejected, "resource_missing"),
        (404, {}, ProviderRejected, "provider_rejected"),
        (401, {}, ProviderAuthError, "provider_auth"),
        (403, {}, ProviderAuthError, "provider_permission"),
        (429, {"code": "rate_limit"}, ProviderRateLimited, "provider_rate_limited"),
        (400, {"code": "rate_limit"}, ProviderRateLimited, "provider_rate_limited"),
        (429, {"code": "lock_timeout"}, ProviderRateLimited, "provider_rate_limited"),
        (409, {"code": "lock_timeout"}, ProviderRateLimited, "provider_rate_limited"),
        (409, {"code": "idempotency_key_in_use"}, OutcomeUnknown, "idempotency_key_in_use"),
        (400, {"type": "idempotency_error"}, OutcomeUnknown, "idempotency_error"),
        (409, {}, OutcomeUnknown, "outcome_unknown"),
        (500, {"type": "api_error"}, OutcomeUnknown, "outcome_unknown"),
        (503, {"type": "api_error"}, OutcomeUnknown, "outcome_unknown"),
    ],
)
async def test_a_refused_write(
    provider: StripeProvider,
    httpx_mock: HTTPXMock,
    status: int,
    told: dict[str, Any],
    expected: type[ProviderError],
    code: str,
) -> None:
    """Each of Stripe's answers has one meaning, recognisable by class and code."""
    httpx_mock.add_response(status_code=status, json=_error(**told), is_reusable=True)
    with pytest.raises(ProviderError) as caught:
        await _refund(provider)
    assert type(caught.value) is expected
    assert caught.value.code == code


@pytest.mark.parametrize("status", [409, 500, 502])
async def test_a_failed_read_changes_nothing(
    provider: StripeProvider, httpx_mock: HTTPXMock, status: int
) -> None:
    """The same trouble on a read is never an unknown outcome."""
    httpx_mock.add_response(status_code=status, json=_error(type="api_error"), is_reusable=True)
    with pytest.raises(ProviderUnavailable):
        await _read(provider)
    assert len(httpx_mock.get_requests()) == 3


@pytest.mark.parametrize("status", [400, 404])
async def test_a_read_of_what_is_not_there(
    provider: StripeProvider, httpx_mock: HTTPXMock, status: int
) -> None:
    """Only Stripe's own code says that an object is absent; any other 404 may be a wrong address."""
    httpx_mock.add_response(status_code=status, json=_error(code="resource_missing"))
    with pytest.raises(ObjectAbsent):
        await _read(provider)
    httpx_mock.add_response(status_code=404, json=_error())
    with pytest.raises(ProviderRejected):
        await _read(provider)


@pytest.mark.parametrize("failure", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout])
async def test_a_request_that_was_never_sent(
    provider: StripeProvider, httpx_mock: HTTPXMock, failure: type[httpx.TransportError]
) -> None:
    """Nothing happened, and the message says so."""
    httpx_mock.add_exception(failure("x"), is_reusable=True)
    with pytest.raises(ProviderUnavailable, match="Nothing was changed"):
        await _refund(provider)


@pytest.mark.parametrize(
    "failure", [httpx.ReadTimeout, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError]
)
async def test_a_request_that_was_sent_and_not_answered(
    provider: StripeProvider, httpx_mock: HTTPXMock, failure: type[httpx.TransportError]
) -> None:
    """A write may have happened; a read is just unavailable."""
    httpx_mock.add_exception(failure("x"), is_reusable=True)
    with pytest.raises(OutcomeUnknown):
        await _refund(provider)
    with pytest.raises(ProviderUnavailable):
        await _read(provider)


@pytest.mark.parametrize("last", ["refused connection", "bad key", "limit"])
async def test_a_later_attempt_proves_nothing_about_an_earlier_one(
    provider: StripeProvider, httpx_mock: HTTPXMock, last: str
) -> None:
    """After one attempt that may have worked, not even a refused connection means that nothing happened."""
    httpx_mock.add_exception(httpx.ReadTimeout("x"))
    if last == "refused connection":
        httpx_mock.add_exception(httpx.ConnectError("x"), is_reusable=True)
    else:
        httpx_mock.add_response(status_code=401 if last == "bad key" else 429, json=_error())
    with pytest.raises(OutcomeUnknown):
        await _refund(provider)


async def test_a_definite_answer_after_a_time_out_counts(
    provider: StripeProvider, httpx_mock: HTTPXMock
) -> None:
    """Under the same key Stripe tells how the first attempt ended."""
    httpx_mock.add_exception(httpx.ReadTimeout("x"))
    httpx_mock.add_response(status_code=400, json=_error(code="charge_disputed"))
    with pytest.raises(ProviderRejected) as caught:
        await _refund(provider)
    assert caught.value.code == "charge_disputed"


async def test_attempts_keep_the_idempotency_key(
    provider: StripeProvider, httpx_mock: HTTPXMock, naps: Naps
) -> None:
    """Three attempts at most, all under the caller's key, with a pause before each repetition."""
    httpx_mock.add_exception(httpx.ReadTimeout("x"))
    httpx_mock.add_response(status_code=500, json=_error())
    httpx_mock.add_response(json=refund())
    (found,) = await _refund(provider)
    assert found.id == "re_1"
    assert [request.headers["idempotency-key"] for request in httpx_mock.get_requests()] == ["op-1"] * 3
    assert len(naps.taken) == 2


async def test_a_limit_tells_when_to_come_back(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """Retry-After is passed on, and a limit is not hammered against."""
    httpx_mock.add_response(status_code=429, json=_error(), headers={"Retry-After": "17"})
    with pytest.raises(ProviderRateLimited) as caught:
        await _refund(provider)
    assert caught.value.retry_after == 17
    assert len(httpx_mock.get_requests()) == 1


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (200, b"<html>", OutcomeUnknown),
        (200, b"[1]", OutcomeUnknown),
        (200, b"{}", OutcomeUnknown),
        (200, b'{"object": "refund", "id": "re_1"}', OutcomeUnknown),
        (502, b"<html>", OutcomeUnknown),
        (307, b"", ProviderUnavailable),
        (404, b"<html>", ProviderUnavailable),
        (400, b'{"error": null}', OutcomeUnknown),
        (400, b'{"error": "invalid_grant"}', ProviderUnavailable),
    ],
)
async def test_answers_that_are_not_stripes(
    provider: StripeProvider,
    httpx_mock: HTTPXMock,
    status: int,
    content: bytes,
    expected: type[ProviderError],
) -> None:
    """Garbage after a write leaves it unknown; another server's refusal means that it never arrived."""
    httpx_mock.add_response(status_code=status, content=content, is_reusable=True)
    with pytest.raises(expected):
        await _refund(provider)
    with pytest.raises(ProviderUnavailable):
        await _read(provider)


async def test_nothing_secret_comes_out(
    provider: StripeProvider, httpx_mock: HTTPXMock, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither errors nor logs nor reprs show the key, an address or a card number, at any log level."""
    caplog.set_level(logging.DEBUG)
    message = f"Invalid key {KEY} for ada@example.com, card 4242 4242 4242 4242"
    httpx_mock.add_response(status_code=400, json=_error(message=message))
    with pytest.raises(ProviderRejected) as caught:
        await _refund(provider)
    trace = "".join(traceback.format_exception(caught.value))
    shown = f"{caught.value!r} {trace} {provider!r} {caplog.text}"
    for secret in (KEY, "ada@example.com", "4242 4242"):
        assert secret not in shown
    assert caught.value.detail == "Invalid key [key] for [email], card [number]"


def test_a_sentence_is_kept_where_it_is_harmless() -> None:
    """Amounts and object ids are what a person needs to read."""
    said = "Refund amount ($10.00) is greater than charge amount ($5.00) of 'ch_3Nabc1234567890123'."
    assert safe_text(said) == said
    assert len(safe_text("x" * 1000)) == 300


async def test_a_replayed_answer_is_as_old_as_its_object(
    provider: StripeProvider, httpx_mock: HTTPXMock
) -> None:
    """What a key got long ago must not look like today's state."""
    old = refund(created=NOW - 9000)
    httpx_mock.add_response(json=old, headers={"Idempotent-Replayed": "true"})
    httpx_mock.add_response(json=old)
    replayed = (await _refund(provider))[0].as_of
    fresh = (await _refund(provider))[0].as_of
    assert (replayed.moment.timestamp(), fresh.moment.timestamp()) == (NOW - 9000, NOW)
