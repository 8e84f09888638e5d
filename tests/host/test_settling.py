"""A process of our own keeps the garbage collector from what it holds for good; another's is left alone."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from overseer_payment.host.app import create_app


@pytest.mark.anyio
@pytest.mark.parametrize("alone", [True, False])
async def test_only_a_process_of_our_own_is_settled(config: dict[str, Any], alone: bool) -> None:
    """With `alone` everything that exists after the start is frozen, otherwise nothing is."""
    app = create_app(config, alone=alone)
    try:
        async with app.router.lifespan_context(app):
            assert (gc.get_freeze_count() > 1000) is alone
    finally:
        gc.unfreeze()
