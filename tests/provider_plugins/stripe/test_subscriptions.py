"""What goes over the wire when a subscription is changed, and what is made of the answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from pytest_httpx import HTTPXMock

from overseer_payment.errors import OutcomeUnknown, ProviderError
from overseer_payment.provider import (
    Cancellation,
    CancelRequest,
    ChangeRequest,
    PauseBehavior,
    PauseKind,
    PauseRequest,
    Proration,
    ResumeRequest,
    SubscriptionSnapshot,
)
from overseer_payment.provider_plugins.stripe.provider import StripeProvider
from tests.provider_plugins.stripe import payloads as p

pytestmark = pytest.mark.anyio

UNTIL = datetime(2026, 12, 20, tzinfo=UTC)
SECONDS = str(int(UNTIL.timestamp()))
Write = Callable[[StripeProvider], Awaitable[object]]

WRITES: dict[str, tuple[Write, str, dict[str, str]]] = {
    "cancel with its period": (
        lambda it: it.cancel_subscription(CancelRequest(subscription="sub_1"), idempotency_key="k"),
        "POST /v1/subscriptions/sub_1",
        {"cancel_at_period_end": "true"},
    ),
    "cancel now": (
        lambda it: it.cancel_subscription(
            CancelRequest(subscription="sub_1", at_period_end=False), idempotency_key="k"
        ),
        "DELETE /v1/subscriptions/sub_1",
        {},
    ),
    "take back a planned day": (
        lambda it: it.resume_subscription(
            ResumeRequest(subscription="sub_1", cancellation=Cancellation.MOMENT), idempotency_key="k"
        ),
        "POST /v1/subscriptions/sub_1",
        {"cancel_at": ""},
    ),
    "collect again": (
        lambda it: it.resume_subscription(
            ResumeRequest(subscription="sub_1", pause=PauseKind.COLLECTION), idempotency_key="k"
        ),
        "POST /v1/subscriptions/sub_1",
        {"pause_collection": ""},
    ),
    "pause collection": (
        lambda it: it.pause_subscription(
            PauseRequest(subscription="sub_1", behavior=PauseBehavior.KEEP_AS_DRAFT, resumes_at=UNTIL),
            idempotency_key="k",
        ),
        "POST /v1/subscriptions/sub_1",
        {"pause_collection[behavior]": "keep_as_draft", "pause_collection[resumes_at]": SECONDS},
    ),
    "pause it": (
        lambda it: it.pause_subscription(
            PauseRequest(subscription="sub_1", kind=PauseKind.SUBSCRIPTION), idempotency_key="k"
        ),
        "POST /v1/subscriptions/sub_1/pause",
        {},
    ),
    "another quantity as of a moment": (
        lambda it: it.change_subscription(
            ChangeRequest(
                subscription="sub_1",
                item="si_1",
                quantity=2,
                proration=Proration.ALWAYS_INVOICE,
                proration_date=UNTIL,
            ),
            idempotency_key="k",
        ),
        "POST /v1/subscriptions/sub_1",
        {
            "items[0][id]": "si_1",
            "items[0][quantity]": "2",
            "proration_behavior": "always_invoice",
            "proration_date": SECONDS,
        },
    ),
    "the end of a trial": (
        lambda it: it.change_subscription(
            ChangeRequest(
                subscription="sub_1",
                item="si_1",
                trial_end="now",
                proration=Proration.NONE,
                proration_date=UNTIL,
            ),
            idempotency_key="k",
        ),
        "POST /v1/subscriptions/sub_1",
        {"proration_behavior": "none", "trial_end": "now"},
    ),
}


@pytest.mark.parametrize("name", WRITES)
async def test_what_is_sent(provider: StripeProvider, httpx_mock: HTTPXMock, name: str) -> None:
    """Exactly these parameters, under the key that was given; the subscription comes first in the answer."""
    write, line, wanted = WRITES[name]
    httpx_mock.add_response(json=p.subscription())
    answer: Any = await write(provider)
    assert isinstance(answer[0], SubscriptionSnapshot)
    (request,) = httpx_mock.get_requests()
    assert f"{request.method} {request.url.path}" == line
    assert request.headers["idempotency-key"] == "k"
    sent = parse_qs(request.content.decode(), keep_blank_values=True)
    assert {name: told[0] for name, told in sent.items() if not name.startswith("expand")} == wanted


async def test_a_pause_that_was_to_end_is_resumed_by_two_calls_under_two_keys(
    provider: StripeProvider, httpx_mock: HTTPXMock
) -> None:
    """The planned end first: repeated after a crash, the new period is begun once."""
    httpx_mock.add_response(json=p.subscription(), is_reusable=True)
    request = ResumeRequest(
        subscription="sub_1", cancellation=Cancellation.PERIOD_END, pause=PauseKind.SUBSCRIPTION
    )
    await provider.resume_subscription(request, idempotency_key="k")
    sent = [(r.url.path, r.headers["idempotency-key"]) for r in httpx_mock.get_requests()]
    assert sent == [("/v1/subscriptions/sub_1", "k:kept"), ("/v1/subscriptions/sub_1/resume", "k")]


async def test_an_answer_whose_items_are_cut_off_is_read_whole(
    provider: StripeProvider, httpx_mock: HTTPXMock
) -> None:
    """The change was made: if the rest can't be read its outcome is unknown, not failed."""
    cut = p.subscription()
    cut = {**cut, "items": {**cut["items"], "has_more": True}}
    httpx_mock.add_response(method="POST", json=cut, is_reusable=True)
    httpx_mock.add_response(method="GET", json=p.subscription())
    request = ChangeRequest(subscription="sub_1", item="si_1", quantity=2)
    (first, *_) = await provider.change_subscription(request, idempotency_key="k")
    assert isinstance(first, SubscriptionSnapshot)
    assert first.items
    httpx_mock.add_response(method="GET", status_code=500, json={}, is_reusable=True)
    with pytest.raises(OutcomeUnknown, match="changed the subscription"):
        await provider.change_subscription(request, idempotency_key="k2")


async def test_no_invoice_after_the_one_that_is_due(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """Of a subscription that is to end Stripe says so as an error; any other error stays one."""
    preview = p.invoice(amount_due=700, total=700, period_end=p.NOW, lines=p.listed())
    refused = {"error": {"type": "invalid_request_error", "code": "invoice_upcoming_none", "message": "No."}}
    httpx_mock.add_response(json=preview)
    httpx_mock.add_response(status_code=400, json=refused)
    request = ChangeRequest(subscription="sub_1", item="si_1", quantity=2, proration=Proration.ALWAYS_INVOICE)
    shown = await provider.preview_change(request)
    assert shown.now is not None
    assert (shown.now.amount_due, shown.next) == (700, None)
    httpx_mock.add_response(status_code=400, json=refused)
    ending = await provider.preview_change(request)
    assert (ending.now, ending.next) == (None, None)
    other = {"error": {**refused["error"], "code": "resource_missing", "param": "price"}}
    httpx_mock.add_response(status_code=404, json=other)
    with pytest.raises(ProviderError):
        await provider.preview_change(request)
