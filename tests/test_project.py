"""Facts about the project itself: its files, its versions, its floors, its documentation."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from overseer_payment.hookspecs import ProviderHooks
from overseer_payment.provider import Capability, Provider
from overseer_payment.testing.case import ConformanceCase
from tests.support.environment import clean_environment

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "overseer_payment"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())

MOST_LINES = 350

# Written so that this file doesn't contain what it looks for.
FORBIDDEN = {
    "a package index": re.compile(r"pypi[.]org|python[h]osted|index-[u]rl", re.IGNORECASE),
    "a path of some machine": re.compile(r"(?<![\w.:/])/(?:work|root|Users|home/\w+)[/]"),
    "a folder outside the project": re.compile(r"(?<![\w-])shared[/]"),
}


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def _modules() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if "versions" not in path.parts]


def _tests() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    places = [ROOT / "tests", ROOT / "examples", PACKAGE / "testing"]
    for path in [path for place in places for path in sorted(place.rglob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield path, node


# Files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", FORBIDDEN)
def test_files_speak_of_the_project_alone(what: str) -> None:
    """No tracked text file names a machine, an index or a place that a stranger doesn't have."""
    found = []
    for path in _tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {hit.group()}" for hit in FORBIDDEN[what].finditer(text)]
    assert not found, f"{what} in {found}"


def test_modules_are_short() -> None:
    """A module has fewer than 350 lines."""
    lengths = {str(path.relative_to(PACKAGE)): len(path.read_text().splitlines()) for path in _modules()}
    assert not {name: lines for name, lines in lengths.items() if lines >= MOST_LINES}


def test_packages_are_packages() -> None:
    """Every folder of modules has its __init__.py: import-linter and typing tools pass over others."""
    folders = {path.parent for path in _modules()}
    assert not [str(folder) for folder in folders if not (folder / "__init__.py").exists()]


def test_modules_say_what_they_are_for() -> None:
    """Every module that holds code begins with a docstring."""
    trees = {path: ast.parse(path.read_text()) for path in _modules()}
    mute = [path for path, tree in trees.items() if tree.body and ast.get_docstring(tree) is None]
    assert not [str(path.relative_to(ROOT)) for path in mute]


def test_tests_say_what_they_prove() -> None:
    """Every test has a docstring whose first line is a whole sentence."""
    mute = []
    for path, test in _tests():
        first = (ast.get_docstring(test) or "").partition("\n")[0]
        if not first.endswith((".", "?", "!", "…", '."')):
            mute.append(f"{path.relative_to(ROOT)}::{test.name}")
    assert not mute


# Versions and entry points --------------------------------------------------------------------------


def _pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.partition("==") for line in lines if line and not line.startswith("#")]
    return {str(canonicalize_name(name)): version for name, _, version in pairs}


def _requirements() -> list[Requirement]:
    optional = PROJECT["project"]["optional-dependencies"].values()
    texts = [*PROJECT["project"]["dependencies"], *(text for extra in optional for text in extra)]
    found = [Requirement(text) for text in texts]
    return [one for one in found if one.name != "overseer-payment"]


def test_constraints_hold_versions_only() -> None:
    """constraints.txt is a list of name==version: no address, no path, no hash."""
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.+!-]*", line), line


def test_every_dependency_is_pinned_within_its_range() -> None:
    """What pyproject.toml asks for, constraints.txt pins to a version that satisfies it."""
    pins = _pins()
    for wanted in _requirements():
        name = str(canonicalize_name(wanted.name))
        assert name in pins, f"{name} has no pin: make constraints"
        assert wanted.specifier.contains(pins[name], prereleases=True), f"{wanted} and {pins[name]}"


def test_the_changelog_begins_with_this_version() -> None:
    """The newest entry of CHANGELOG.md is the version in pyproject.toml."""
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert newest.group(1) == PROJECT["project"]["version"]


def test_every_entry_point_resolves() -> None:
    """Console script and plugins name something that can be imported."""
    points = distribution("overseer-payment").entry_points
    declared = PROJECT["project"]["entry-points"]
    wanted = {("console_scripts", name) for name in PROJECT["project"]["scripts"]}
    wanted |= {(group, name) for group, names in declared.items() for name in names}
    assert wanted <= {(point.group, point.name) for point in points}
    for point in points:
        assert point.load() is not None


def test_the_makefile_explains_each_of_its_commands() -> None:
    """`make help` lists every target that is meant for people."""
    text = (ROOT / "Makefile").read_text()
    public = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert public
    for target in public.group(1).split():
        assert re.search(rf"^{target}:.*## \S", text, re.MULTILINE), target


def test_ci_ends_with_the_tests() -> None:
    """.ci/run is executable, stops at the first failure, and pytest's verdict is its last line."""
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111 == 0o111
    lines = script.read_text().splitlines()
    assert "set -euo pipefail" in lines
    assert lines[-2:] == ["make check", "make test"]


# Floors ---------------------------------------------------------------------------------------------


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(
        command, cwd=folder, check=False, capture_output=True, text=True, env=clean_environment(), timeout=60
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("errors.py", "from overseer_payment import service"),
        ("service.py", "from overseer_payment import routes"),
        ("service.py", "from overseer_payment.provider_plugins import stripe"),
        ("routes/api.py", "import stripe"),
        ("host/app.py", "from overseer_payment import cards"),
        ("registry.py", "from overseer_payment import simulator"),
        ("provider_plugins/stripe/provider.py", "from overseer_payment import database"),
    ],
)
def test_an_import_that_leaves_its_floor_is_found(module: str, line: str, tmp_path: Path) -> None:
    """import-linter refuses a copy of the package with one import that goes up or sideways."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    ignored = shutil.ignore_patterns("__pycache__", "static", "templates", "*.json*")
    copy = shutil.copytree(PACKAGE, tmp_path / "overseer_payment", ignore=ignored)
    with (copy / module).open("a") as source:
        source.write(f"\n{line}\n")
    done = _lint(tmp_path)
    assert done.returncode == 1
    assert "BROKEN" in done.stdout, done.stdout


# Documentation --------------------------------------------------------------------------------------

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
GUIDE = (ROOT / "docs" / "writing-a-provider.md").read_text()


def test_the_guide_shows_working_code() -> None:
    """Each piece of code in the provider guide stands, word for word, in the example that is tested."""
    example = ROOT / "examples" / "acmepay"
    sources = "\n".join(
        path.read_text() for path in sorted(example.rglob("*.*")) if path.suffix in {".py", ".toml"}
    )
    blocks = BLOCK.findall(GUIDE)
    assert len(blocks) >= 6
    for _, block in blocks:
        assert block in sources, block


def _public(thing: type) -> list[str]:
    return [name for name in vars(thing) if not name.startswith("_") and name != "pytestmark"]


def test_the_guide_names_all_there_is() -> None:
    """Every hook, method, capability and fixture that an author meets is in the provider guide."""
    methods = [
        name for name in vars(Provider) if not name.startswith("_") and callable(getattr(Provider, name))
    ]
    hooks = [name for name in vars(ProviderHooks) if not name.startswith("_")]
    capabilities = [capability.value for capability in Capability]
    tree = ast.parse((PACKAGE / "testing" / "case.py").read_text())
    case = next(
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "ConformanceCase"
    )
    fixtures = [node.name for node in case.body if isinstance(node, ast.FunctionDef)]
    supplied = fixtures[: fixtures.index("anyio_backend")]  # what follows is the kit's own
    for name in [*methods, *hooks, *capabilities, *supplied, *ConformanceCase.__annotations__]:
        assert f"`{name}`" in GUIDE or f"{name}(" in GUIDE, name


def test_links_lead_somewhere() -> None:
    """Every relative link in the documentation names a file that exists."""
    pages = [path for path in _tracked() if path.suffix == ".md"]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
