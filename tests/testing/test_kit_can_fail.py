"""A kit that can't fail proves nothing: each wrong provider fails the tests meant for it, and no other."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.environment import clean_environment
from tests.testing import (
    chosen,
    wrong_calls,
    wrong_declarations,
    wrong_disputes,
    wrong_endpoints,
    wrong_lists,
    wrong_subscriptions,
    wrong_webhooks,
)
from tests.testing.wrong import Wrong

# Thousands of small tests in one process: ten seconds, on a busy machine a minute.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
MODULES = (
    wrong_calls,
    wrong_declarations,
    wrong_disputes,
    wrong_endpoints,
    wrong_lists,
    wrong_subscriptions,
    wrong_webhooks,
)
WRONG = {
    name: member
    for module in MODULES
    for name, member in vars(module).items()
    if isinstance(member, type) and issubclass(member, Wrong) and name.startswith("Test")
}

Failures = dict[str, set[str]]


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> Failures:
    """Which tests failed for which wrong provider, from one run of them in a process of its own."""
    report = tmp_path_factory.mktemp("kit") / "report.xml"
    paths = [str(module.__file__) for module in MODULES]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--tb=no",
            *("-p", "no:cacheprovider", "-p", chosen.__name__),
            *("-p", "no:hypothesispytest", "-p", "no:playwright", "-p", "no:xdist"),  # each costs each test
            f"--junitxml={report}",
            *paths,
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=clean_environment(),
        timeout=280,
    )
    assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-2000:]
    found: Failures = defaultdict(set)
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            name = case.attrib["name"].partition("[")[0].removeprefix("test_")
            found[case.attrib["classname"].rpartition(".")[2]].add(name)
    return found


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_provider_fails_where_it_is_wrong(name: str, failures: Failures) -> None:
    """The tests that fail are exactly those that the fault belongs to."""
    assert failures[name] == WRONG[name].fails


def test_the_kit_has_no_idle_test(failures: Failures) -> None:
    """Every test of the kit is failed by some wrong provider: none passes whatever it is given."""
    kit = {
        name.removeprefix("test_")
        for name, _ in inspect.getmembers(Wrong, inspect.isfunction)
        if name.startswith("test_")
    }
    idle = sorted(kit - set().union(*failures.values()))
    assert not idle, f"no wrong provider fails {idle}"
