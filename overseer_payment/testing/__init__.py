"""For tests: prove a provider's plugin right, and run an application against a simulated provider.

```python
from overseer_payment.testing import ProviderConformance, stripe_simulator
```

Needs pytest. `docs/writing-a-provider.md` shows both at work.
"""

from __future__ import annotations

import pytest

# Before they are imported: a failing assertion of the kit then shows its values, like the author's own.
pytest.register_assert_rewrite(
    *(
        f"overseer_payment.testing.{module}"
        for module in (
            "billing",
            "case",
            "declaration",
            "disputing",
            "endpoints",
            "faults",
            "listing",
            "parsing",
            "reading",
            "secrets",
            "signatures",
            "snapshots",
            "subscribing",
            "writing",
        )
    )
)

from overseer_payment.testing.case import Fault, SampleEvent
from overseer_payment.testing.conformance import ProviderConformance
from overseer_payment.testing.fake_backend import FakeBackend
from overseer_payment.testing.fake_provider import FakeProvider, fake_spec
from overseer_payment.testing.simulator import stripe_simulator

__all__ = [
    "FakeBackend",
    "FakeProvider",
    "Fault",
    "ProviderConformance",
    "SampleEvent",
    "fake_spec",
    "stripe_simulator",
]
