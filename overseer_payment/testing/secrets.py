"""Silence: no secret, and no full e-mail address, where people or machines keep text."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import pytest

from overseer_payment.errors import ProviderError, SignatureInvalid
from overseer_payment.provider import CustomerSnapshot, Provider, ProviderSpec
from overseer_payment.settings import read_settings
from overseer_payment.testing.case import Build, ConformanceCase, Fault, SampleEvent, Sign
from overseer_payment.testing.faults import writes

_EMAIL = "ada.lovelace@shop.example"


class SecretTests(ConformanceCase):
    """Nothing that is kept may hold a key."""

    async def test_secrets_are_declared_as_such(
        self, build: Build, secrets: list[str], environ: Mapping[str, str]
    ) -> None:
        """The signing secrets are `SecretStr` in the settings, so no repr of settings shows them."""
        assert set(secrets) <= build.secret_values()
        settings = read_settings(build.spec.settings, environ)
        _assert_silent(f"{settings!r} {settings}", build)

    async def test_the_provider_does_not_show_its_secrets(self, provider: Provider, build: Build) -> None:
        """Neither repr nor str of the provider holds a key: both end in logs and error trackers."""
        _assert_silent(f"{provider!r} {provider}", build)

    @pytest.mark.parametrize("fault", list(Fault))
    async def test_errors_and_logs_hold_no_secrets(
        self,
        fault: Fault,
        failing: Callable[[Fault], Provider],
        build: Build,
        spec: ProviderSpec,
        price: str,
        recurring_price: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Even where the provider's answer repeats our key or an address, errors and logs don't."""
        provider = failing(fault)
        # Ours only: what httpx and its relatives write at DEBUG is the host's choice of level.
        with caplog.at_level(logging.DEBUG, logger=type(provider).__module__.partition(".")[0]):
            for write in writes(provider, spec, price, recurring_price):
                with pytest.raises(ProviderError) as caught:
                    await write()
                told = "".join(traceback.format_exception(caught.value))
                _assert_silent(told, build)
                assert _EMAIL not in f"{caught.value} {caught.value!r}"
            _assert_silent((await provider.health_check()).message, build)
        _assert_silent(caplog.text, build)
        assert _EMAIL not in caplog.text
        await provider.aclose()

    async def test_a_refused_delivery_reveals_nothing(
        self,
        provider: Provider,
        build: Build,
        sample_events: Sequence[SampleEvent],
        signed_webhook: Sign,
        secrets: list[str],
        now: datetime,
    ) -> None:
        """The refusal holds neither a secret nor the signature that would have been right."""
        body = sample_events[0].body
        right = signed_webhook(body, at=now, secret=secrets[0])
        wrong = signed_webhook(body + b" ", at=now, secret=secrets[0])
        with pytest.raises(SignatureInvalid) as caught:
            provider.verify_webhook(body, wrong, now=now)
        told = "".join(traceback.format_exception(caught.value))
        _assert_silent(told, build)
        assert not [value for value in right.values() if len(value) > 30 and value in told]

    async def test_snapshots_do_not_show_addresses(
        self,
        provider: Provider,
        sample_events: Sequence[SampleEvent],
        signed_webhook: Sign,
        secrets: list[str],
        now: datetime,
    ) -> None:
        """The repr of an event and of its snapshots leaves out personal data and the raw payload."""
        for sample in sample_events:
            event = provider.verify_webhook(
                sample.body, signed_webhook(sample.body, at=now, secret=secrets[0]), now=now
            )
            parsed = provider.parse(event)
            told = f"{event!r} {parsed!r}"
            for snapshot in parsed.snapshots:
                email = getattr(snapshot, "email", None)
                assert email is None or email not in told
            customers = [one for one in parsed.snapshots if isinstance(one, CustomerSnapshot)]
            assert not any(customer.name and customer.name in told for customer in customers)


def _assert_silent(text: str, build: Build) -> None:
    # Compared by hand, so that a failing test doesn't print the secret itself.
    leaks = sum(secret in text for secret in build.secret_values())
    assert leaks == 0, f"{leaks} secret(s) in a text of {len(text)} characters"
