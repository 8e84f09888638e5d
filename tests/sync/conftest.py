"""What heals a shop's ledger."""

from __future__ import annotations

import pytest

from tests.service.shop import Shop
from tests.sync.healing import Healer


@pytest.fixture
def healer(shop: Shop) -> Healer:
    """Heals the shop's ledger without waiting."""
    return Healer(shop)
