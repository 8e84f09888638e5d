"""What every deliberately wrong provider shares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest

from overseer_payment.provider import ProviderSpec
from overseer_payment.testing import FakeBackend, FakeProvider, fake_spec
from tests.testing.test_fake_provider import FakeCase


class Wrong(FakeCase):
    """A case whose provider is `provider_class`, declared with `declares` in place of the truth.

    `fails` names the tests that have to fail, without their `test_`, and no other may.
    """

    provider_class: ClassVar[type[FakeProvider]] = FakeProvider
    declares: ClassVar[dict[str, Any]] = {}
    fails: ClassVar[set[str]]

    @pytest.fixture
    def spec(self, backend: FakeBackend) -> ProviderSpec:
        return replace(
            fake_spec(backend),
            factory=lambda settings, _http: self.provider_class(settings, backend),
            **self.declares,
        )
