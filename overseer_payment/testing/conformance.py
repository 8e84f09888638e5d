"""The conformance kit: what every provider's plugin has to do, as tests to inherit.

```python
class TestAcmePay(ProviderConformance):
    webhook_variable = "ACMEPAY_WEBHOOK_SECRET"

    @pytest.fixture
    def spec(self):
        return overseer_acmepay.SPEC
    ...
```

Which tests run depends on the capabilities that the spec declares; what is not declared must be
refused with NotSupported. What there is to supply is in `case.py`.
"""

from __future__ import annotations

from overseer_payment.testing.declaration import DeclarationTests
from overseer_payment.testing.disputing import DisputingTests
from overseer_payment.testing.endpoints import EndpointTests
from overseer_payment.testing.faults import FaultTests
from overseer_payment.testing.listing import ListingTests
from overseer_payment.testing.parsing import ParsingTests
from overseer_payment.testing.reading import ReadingTests
from overseer_payment.testing.secrets import SecretTests
from overseer_payment.testing.signatures import SignatureTests
from overseer_payment.testing.subscribing import SubscribingTests
from overseer_payment.testing.writing import WritingTests


class ProviderConformance(
    DeclarationTests,
    SignatureTests,
    ParsingTests,
    ReadingTests,
    ListingTests,
    WritingTests,
    EndpointTests,
    SubscribingTests,
    DisputingTests,
    FaultTests,
    SecretTests,
):
    """Every test of the kit. Subclass it under a name that starts with `Test`, and supply the fixtures."""
