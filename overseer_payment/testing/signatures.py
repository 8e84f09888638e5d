"""Webhook signatures: what is genuine gets in, and nothing else does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from overseer_payment.errors import PayloadInvalid, SignatureInvalid, WebhookNotConfigured
from overseer_payment.provider import Provider
from overseer_payment.testing.case import Build, ConformanceCase, SampleEvent, Sign


class SignatureTests(ConformanceCase):
    """`verify_webhook` over the raw bytes."""

    async def test_a_genuine_delivery_is_accepted(
        self,
        provider: Provider,
        sample_events: Sequence[SampleEvent],
        signed_webhook: Sign,
        secrets: list[str],
        now: datetime,
    ) -> None:
        """Every sample, signed with the first secret, is read with its id, type, time, mode and account."""
        for sample in sample_events:
            headers = signed_webhook(sample.body, at=now, secret=secrets[0])
            event = provider.verify_webhook(sample.body, headers, now=now)
            assert event.id
            assert event.type
            assert event.occurred_at.utcoffset() == timedelta(0)
            assert (event.livemode, event.account) == (sample.livemode, sample.account)

    async def test_every_configured_secret_is_good(
        self,
        provider: Provider,
        sample_events: Sequence[SampleEvent],
        signed_webhook: Sign,
        secrets: list[str],
        now: datetime,
    ) -> None:
        """While a secret is rotated, deliveries come signed with either."""
        body = sample_events[0].body
        for secret in secrets:
            provider.verify_webhook(body, signed_webhook(body, at=now, secret=secret), now=now)

    async def test_a_changed_body_is_refused(
        self,
        provider: Provider,
        sample_events: Sequence[SampleEvent],
        signed_webhook: Sign,
        secrets: list[str],
        now: datetime,
    ) -> None:
        """One more byte, one less, or the same JSON in other bytes: not what was signed."""
        body = sample_events[0].body
        headers = signed_webhook(body, at=now, secret=secrets[0])
        for changed in (body + b" ", body[:-1], b" " + body, body.replace(b"{", b"{ ", 1), b""):
            with pytest.raises(SignatureInvalid):
                provider.verify_webhook(changed, headers, now=now)

    async def test_a_changed_or_missing_header_is_refused(
        self,
        provider: Provider,
        sample_events: Sequence[SampleEvent],
        signed_webhook: Sign,
        secrets: list[str],
        now: datetime,
    ) -> None:
        """Each header that belongs to the signature counts: other text, cut, empty, not ASCII, absent."""
        body = sample_events[0].body
        headers = signed_webhook(body, at=now, secret=secrets[0])
        for name, value in headers.items():
            for other in (_other_end(value), value[:-1], "", "é", "t=,v1=", "0" * len(value)):
                with pytest.raises(SignatureInvalid):
                    provider.verify_webhook(body, {**headers, name: other}, now=now)
            with pytest.raises(SignatureInvalid):
                provider.verify_webhook(body, _without(headers, name), now=now)

    async def test_an_unknown_secret_is_refused(
        self,
        provider: Provider,
        sample_events: Sequence[SampleEvent],
        signed_webhook: Sign,
        secrets: list[str],
        now: datetime,
    ) -> None:
        """A signature made with some other secret of the same form is not genuine."""
        body, stranger = sample_events[0].body, _other_end(secrets[0])
        with pytest.raises(SignatureInvalid):
            provider.verify_webhook(body, signed_webhook(body, at=now, secret=stranger), now=now)

    async def test_a_signature_has_its_time(
        self,
        provider: Provider,
        sample_events: Sequence[SampleEvent],
        signed_webhook: Sign,
        secrets: list[str],
        now: datetime,
    ) -> None:
        """Within the tolerance it is good; older or from the future, somebody may be replaying it."""
        if self.tolerance is None:
            pytest.skip("signatures of this provider carry no time")
        body = sample_events[0].body

        def deliver(age: timedelta) -> None:
            headers = signed_webhook(body, at=now - age, secret=secrets[0])
            provider.verify_webhook(body, headers, now=now)

        deliver(self.tolerance / 2)
        for age in (self.tolerance * 2, -self.tolerance * 2, timedelta(days=400)):
            with pytest.raises(SignatureInvalid):
                deliver(age)

    async def test_the_clock_is_the_callers(
        self,
        provider: Provider,
        sample_events: Sequence[SampleEvent],
        signed_webhook: Sign,
        secrets: list[str],
    ) -> None:
        """Age is measured against `now`, not against this machine's clock."""
        body, then = sample_events[0].body, datetime(2020, 2, 29, 12, tzinfo=UTC)
        headers = signed_webhook(body, at=then, secret=secrets[0])
        assert provider.verify_webhook(body, headers, now=then).id

    async def test_without_a_secret_everything_is_refused(
        self,
        build: Build,
        environ: Mapping[str, str],
        sample_events: Sequence[SampleEvent],
        signed_webhook: Sign,
        now: datetime,
    ) -> None:
        """An unset secret must not mean *no check*, and an empty one is no secret."""
        body = sample_events[0].body
        for bare in (_without(environ, self.webhook_variable), {**environ, self.webhook_variable: " , "}):
            provider = build(environ=bare)
            with pytest.raises(WebhookNotConfigured):
                provider.verify_webhook(body, signed_webhook(body, at=now, secret=""), now=now)

    @pytest.mark.parametrize(
        "body",
        [b"", b"\xff\xfe\x00", b"no json", b"[]", b"null", b'"text"', b"{}", b'{"id": 7}', b"[" * 9000],
    )
    async def test_a_signed_body_that_is_no_event_is_refused(
        self, body: bytes, provider: Provider, signed_webhook: Sign, secrets: list[str], now: datetime
    ) -> None:
        """Correctly signed nonsense raises PayloadInvalid, whatever the nonsense is."""
        headers = signed_webhook(body, at=now, secret=secrets[0])
        with pytest.raises(PayloadInvalid):
            provider.verify_webhook(body, headers, now=now)


def _other_end(value: str) -> str:
    return value[:-1] + ("0" if value[-1:] != "0" else "1")


def _without(mapping: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in mapping.items() if key != name}
