"""A business at random: whatever buyers, banks, the network and our own crashes do, the ledger ends right.

Longer, others at each run, by hand: `OVERSEER_TEST_EXAMPLES=1000 pytest tests/service/test_business.py`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.service.business import Business
from tests.support.emptied import Emptied

pytestmark = pytest.mark.slow
EXAMPLES = os.environ.get("OVERSEER_TEST_EXAMPLES")


def _played(examples: int) -> settings:
    return settings(
        max_examples=int(EXAMPLES or examples),
        derandomize=EXAMPLES is None,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        # Shrinking would take longer than reading: a run says each step that it took.
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
        print_blob=True,
    )


@pytest.mark.timeout(0 if EXAMPLES else 120)
def test_a_business_on_sqlite(migrated_sqlite: Path, tmp_path: Path) -> None:
    """Rows, sums, balance, operations and effects equal the provider's truth, after any history."""

    @contextmanager
    def made() -> Iterator[str]:
        file = tmp_path / "business.db"
        shutil.copy(migrated_sqlite, file)
        yield f"sqlite+aiosqlite:///{file}"
        for left in tmp_path.glob("business.db*"):
            left.unlink()

    class Here(Business):
        place = staticmethod(made)

    run_state_machine_as_test(Here, settings=_played(9))


@pytest.mark.timeout(0 if EXAMPLES else 120)
def test_a_business_on_postgresql(emptied_postgres: Emptied) -> None:
    """The same, where workers and requests run side by side."""

    class Here(Business):
        place = staticmethod(emptied_postgres.database)

    run_state_machine_as_test(Here, settings=_played(4))
