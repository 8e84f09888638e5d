"""Which deliveries are believed: the same as the SDK believes, less those from the future."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from overseer_payment.errors import PayloadInvalid, SignatureInvalid, WebhookNotConfigured
from overseer_payment.provider_plugins.stripe.webhook import TOLERANCE, envelope, verify
from tests.provider_plugins.stripe.payloads import NOW, SECRET, at, body, customer, settings, signed, wrapped

BODY = body(wrapped("customer.created", customer(name="Zoë")))
KEYS = (SECRET.encode(),)


def _verify(payload: bytes, header: str | None, *keys: bytes, now: int = NOW) -> Any:
    headers = {} if header is None else {"stripe-signature": header}
    return verify(payload, headers, keys or KEYS, now=at(now))


def test_a_delivery_signed_by_the_sdk_is_believed() -> None:
    """What Stripe's own generator signs is accepted, and the envelope is read."""
    header = stripe.WebhookSignature.generate_signature_header(BODY.decode(), SECRET, NOW)
    event = _verify(BODY, header)
    assert (event.id, event.type, event.occurred_at) == ("evt_1", "customer.created", at())
    assert event.payload["data"]["object"]["name"] == "Zoë"


@pytest.mark.parametrize("offset", [-TOLERANCE, 0, TOLERANCE])
def test_time_may_differ_by_the_tolerance(offset: int) -> None:
    """Five minutes either way are within the tolerance."""
    assert _verify(BODY, signed(BODY, time=NOW + offset)).id == "evt_1"


@pytest.mark.parametrize("offset", [-TOLERANCE - 1, TOLERANCE + 1, 86_400])
def test_time_beyond_the_tolerance_is_refused_on_both_sides(offset: int) -> None:
    """A replayed delivery and one dated ahead are refused alike."""
    with pytest.raises(SignatureInvalid, match="clock"):
        _verify(BODY, signed(BODY, time=NOW + offset))


def test_either_secret_is_good_while_one_is_replaced() -> None:
    """During rotation Stripe signs with both; an endpoint that knows either one believes it."""
    old, new = "whsec_oldoldold1", "whsec_newnewnew2"
    both = signed(BODY, secret=old) + "," + signed(BODY, secret=new).partition(",")[2]
    assert _verify(BODY, both, new.encode()).id == "evt_1"
    assert _verify(BODY, both, b"whsec_other", old.encode()).id == "evt_1"
    assert _verify(BODY, signed(BODY, secret=old), new.encode(), old.encode()).id == "evt_1"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "garbage",
        "t=,v1=",
        f"t={NOW}",
        f"t=x,{signed(BODY).partition(',')[2]}",
        f"t=+{NOW},{signed(BODY).partition(',')[2]}",
        f"t={'9' * 5000},{signed(BODY).partition(',')[2]}",
        f"t={NOW - 1},{signed(BODY)}",
        signed(BODY).replace("v1=", "v0="),
        signed(BODY).replace("v1=", "v1=="),
        signed(BODY).upper(),
        signed(BODY, secret="whsec_somebody_elses"),
        signed(BODY)[:-1] + "é",
        f"t={NOW}" + ",v1=" + ",v1=".join(["0" * 64] * 40),
    ],
)
def test_a_header_that_proves_nothing_is_refused(header: str | None) -> None:
    """Missing, malformed, ambiguous, foreign or excessive signatures are all SignatureInvalid."""
    with pytest.raises(SignatureInvalid):
        _verify(BODY, header)


def test_a_changed_body_is_refused() -> None:
    """One other byte in the body breaks the signature."""
    with pytest.raises(SignatureInvalid):
        _verify(BODY.replace(b"cus_1", b"cus_2"), signed(BODY))


@pytest.mark.parametrize(
    "secrets", ["", " , ", "whsec_...", "whsec_xxx", "whsec_your_secret", "sk_test_1", "whsec_"]
)
def test_without_a_usable_secret_the_webhook_stays_closed(secrets: str) -> None:
    """Unset and placeholder secrets refuse every delivery, one signed with the placeholder included."""
    usable = settings(STRIPE_WEBHOOK_SECRET=secrets).usable_secrets
    with pytest.raises(WebhookNotConfigured, match="STRIPE_WEBHOOK_SECRET"):
        verify(BODY, {"stripe-signature": signed(BODY, secret=secrets or "x")}, usable, now=at())


@pytest.mark.parametrize(
    "payload",
    [
        b"\xff\xfe",
        b"{",
        b"[1]",
        b"null",
        b'"evt_1"',
        b"[" * 200_000,
        b'{"id": NaN, "type": "x", "created": 1}',
        b'{"id": "evt_1", "type": "x", "created": 1, "data": NaN}',
        b'{"id": "evt_1", "type": "x", "created": 1, "data": [-Infinity]}',
        b'{"type": "x", "created": 1}',
        b'{"id": "", "type": "x", "created": 1}',
        b'{"id": "evt_1", "created": 1}',
        b'{"id": "evt_1", "type": "x", "created": true}',
        b'{"id": "evt_1", "type": "x"}',
        b'{"id": "evt\\n1", "type": "x", "created": 1}',
        b'{"id": "evt_1", "type": "x", "created": 99999999999999999999}',
    ],
)
def test_a_signed_body_that_is_no_event_is_invalid(payload: bytes) -> None:
    """What is signed but can't be read is PayloadInvalid, never another exception."""
    with pytest.raises(PayloadInvalid):
        _verify(payload, signed(payload))


def test_text_that_no_database_holds_is_made_storable() -> None:
    """NUL and half surrogate pairs, legal in JSON, come out as replacement characters; emoji stay."""
    payload = b'{"id":"evt_1","type":"x","created":1,"data":{"a":"\\u0000\\ud800","b":"\\uD83D\\uDE00"}}'
    data = _verify(payload, signed(payload)).payload["data"]
    assert data == {"a": "\ufffd\ufffd", "b": "😀"}


def test_mode_account_and_version_are_carried() -> None:
    """Live deliveries, those of connected accounts and their API version are told apart."""
    payload = body(wrapped("x", {}, "2025-03-31.basil", livemode=True, account="acct_9"))
    event = _verify(payload, signed(payload))
    assert (event.livemode, event.account, event.api_version) == (True, "acct_9", "2025-03-31.basil")


def test_a_message_never_shows_a_secret_or_the_body() -> None:
    """Refusals name neither the secret nor what was sent."""
    for header in ("t=1,v1=2", signed(BODY, secret="whsec_stranger1"), signed(BODY, time=1)):
        with pytest.raises(SignatureInvalid) as caught:
            _verify(BODY, header)
        assert SECRET not in str(caught.value)
        assert "cus_1" not in str(caught.value)


_SIGNATURES = [signed(BODY, time=time).partition(",")[2] for time in (NOW, NOW - 9)]
_PIECES = st.sampled_from(
    [f"t={NOW}", f"t={NOW - 9}", "t=", "v0=1", "", "=", "v1=", " v1=0", "x", *_SIGNATURES]
)


@given(header=st.lists(_PIECES, max_size=6).map(",".join) | st.text(max_size=80))
def test_nothing_is_believed_that_the_sdk_would_not_believe(header: str) -> None:
    """Any header that passes here passes the SDK's check too; a single well-formed one passes both."""
    try:
        _verify(BODY, header)
    except SignatureInvalid:
        return
    assert stripe.WebhookSignature.verify_header(BODY, header, SECRET)


@given(payload=st.binary(max_size=200), secret=st.text("abcdefXYZ0123456789", min_size=8, max_size=40))
def test_any_bytes_get_the_sdks_signature(payload: bytes, secret: str) -> None:
    """Our HMAC and the SDK's agree on every body that is text."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return
    header = stripe.WebhookSignature.generate_signature_header(text, f"whsec_{secret}", NOW)
    with pytest.raises(PayloadInvalid):  # hence signed well; random bytes are no event
        _verify(payload, header, f"whsec_{secret}".encode())


_TEXT = st.text(max_size=5) | st.sampled_from(
    ["evt_1", "NaN", "\x00", "\ud800", "\U0001f600", "2026-01-01T00:00:00Z"]
)
_SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT
_ANY = st.recursive(
    _SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3)
)
_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.just("evt_1") | _ANY,
        "type": st.just("charge.succeeded") | _ANY,
        "created": st.just(NOW) | _ANY,
        "livemode": _ANY,
        "api_version": _ANY,
        "account": _ANY,
        "data": _ANY,
    },
)


@given(fields=_FIELDS | _ANY, escaped=st.booleans())
def test_whichever_reader_reads_it_an_event_is_the_same(fields: Any, escaped: bool) -> None:
    """Storing an event reads of it only what it needs; what it finds is what a full reader finds."""
    payload = json.dumps(fields, ensure_ascii=escaped).encode(errors="surrogatepass")
    assert _outcome(lambda: _verify(payload, signed(payload))) == _outcome(
        lambda: envelope(json.loads(payload.decode()))
    )


def _outcome(read: Callable[[], Any]) -> Any:
    try:
        event = read()
    except (PayloadInvalid, UnicodeDecodeError):
        return "invalid"
    return dataclasses.replace(event, payload=None), len(event.payload)
