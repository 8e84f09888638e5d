"""A plugin of test_kit_can_fail's run: for each wrong provider the tests that may notice, and some others.

All cases of the tests that have to fail, one case of each test beside them in the kit, and of a quarter of
the rest. Which case and which quarter is another for each provider, so that together they meet all.
"""

from __future__ import annotations

from itertools import groupby
from typing import cast

import pytest

from tests.testing.wrong import Wrong

_PART = 4


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    by_provider = groupby(cast(list[pytest.Function], items), lambda item: cast(type[Wrong], item.cls))
    items[:] = [
        item
        for number, (wrong, of_one) in enumerate(by_provider)
        for item in _chosen(wrong.fails, list(of_one), number)
    ]


def _chosen(fails: set[str], items: list[pytest.Function], number: int) -> list[pytest.Function]:
    cases: dict[str, list[pytest.Function]] = {}
    for item in items:
        cases.setdefault(item.originalname.removeprefix("test_"), []).append(item)
    touched = {_part(each[0]) for name, each in cases.items() if name in fails}
    chosen = [each for name, each in cases.items() if name in fails]
    others = {name: each for name, each in cases.items() if name not in fails}
    chosen += [
        [each[number % len(each)]]
        for place, each in enumerate(others.values(), number)
        if _part(each[0]) in touched or place % _PART == 0
    ]
    return [item for each in chosen for item in each]


def _part(item: pytest.Function) -> str:
    """The class of the kit that the test stands in."""
    return str(item.function.__qualname__).partition(".")[0]
