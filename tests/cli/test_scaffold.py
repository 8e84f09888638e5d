"""A generated provider installs, is listed, and its tests say honestly what is still to be written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from overseer_payment.cli.payment import payment
from overseer_payment.cli.payment.scaffold import generate
from overseer_payment.errors import Conflict, Invalid
from tests.support.environment import clean_environment
from tests.support.installed import Installed, build_wheel, run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command writes for `kettle_pay`."""
    into = tmp_path_factory.mktemp("generated")
    words = ["providers", "new", "kettle_pay", "--into", str(into), "--json"]
    done = CliRunner().invoke(payment, words)
    assert done.exit_code == 0, done.output
    folder = into / "overseer-kettle-pay"
    files = sorted(str(path) for path in folder.rglob("*") if path.is_file())
    assert sorted(json.loads(done.stdout)["files"]) == files
    return folder


@pytest.mark.slow
def test_it_installs_and_is_listed(project: Path, tmp_path: Path) -> None:
    """Its wheel, in an environment of its own, offers a provider that waits for its configuration."""
    installed = Installed.create(tmp_path / "environment", [build_wheel(project, tmp_path)])
    code = (
        "from overseer_payment.registry import Registry\n"
        "for environ in ({}, {'KETTLE_PAY_API_KEY': 'x'}):\n"
        "    print(*[(r.title, r.state.value) for r in Registry(environ).rows() if r.key == 'kettle_pay'])"
    )
    done = run([installed.python, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)})
    assert done.stdout.splitlines() == ["('Kettle Pay', 'not_configured')", "('Kettle Pay', 'ready')"]


@pytest.mark.slow
def test_its_tests_are_honest(project: Path, tmp_path: Path) -> None:
    """What is declared passes; whatever fails does so because something is missing, and names it."""
    report = tmp_path / "report.xml"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"],
        cwd=project,
        env=clean_environment({"PYTHONPATH": f"{project}:{ROOT}"}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1, done.stdout[-2000:]
    passed, told = set(), []
    for case in ElementTree.parse(report).iter("testcase"):
        problems = [*case.iter("failure"), *case.iter("error")]
        told += [(case.attrib["name"], str(problem.attrib["message"])) for problem in problems]
        if not problems and case.find("skipped") is None:
            passed.add(case.attrib["name"])
    assert {"test_the_spec_is_well_formed", "test_it_speaks_the_protocol"} <= passed
    assert told
    for name, message in told:
        assert "Supply `" in message or "Still to be written" in message, (name, message)


def test_it_is_clean(project: Path) -> None:
    """The generated source is formatted, and a strict type checker has nothing to say."""
    run([sys.executable, "-m", "ruff", "format", "--check", "--line-length", "110", "."], cwd=project)
    run([sys.executable, "-m", "ruff", "check", "--line-length", "110", "."], cwd=project)
    sources = [path for end in ("py", "toml", "md") for path in project.rglob(f"*.{end}")]
    assert len(sources) == 5
    assert not [path for path in sources if re.search("__[A-Z]+__", path.read_text())]


@pytest.mark.parametrize("name", ["Kettle", "1kettle", "kettle-pay", "", "../kettle", "k" * 41])
def test_a_name_must_be_a_key(name: str, tmp_path: Path) -> None:
    """A name that no registry would accept is refused, and nothing is written."""
    with pytest.raises(Invalid):
        generate(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_over(tmp_path: Path) -> None:
    """A folder that is there already is left alone."""
    generate("kettle", tmp_path)
    with pytest.raises(Conflict):
        generate("kettle", tmp_path)


def test_the_key_of_an_installed_provider_is_taken(tmp_path: Path) -> None:
    """Two plugins of one key would take each other out; nothing is written."""
    with pytest.raises(Conflict, match="'stripe' is installed already"):
        generate("stripe", tmp_path)
    assert list(tmp_path.iterdir()) == []
