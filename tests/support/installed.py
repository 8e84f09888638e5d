"""An environment of its own, with wheels installed as a stranger would install them."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.environment import clean_environment


def build_wheel(project: Path, into: Path) -> Path:
    """Build a project's wheel with the build backend that is installed here."""
    # Without isolation: an isolated build would first download the backend again.
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(into),
        str(project),
    ]
    run(command, cwd=into)
    (wheel,) = into.glob(f"{project_name(project).replace('-', '_')}-*.whl")
    return wheel


def project_name(project: Path) -> str:
    import tomllib

    return str(tomllib.loads((project / "pyproject.toml").read_text())["project"]["name"])


@dataclass(frozen=True, slots=True)
class Installed:
    """A virtual environment. Its own packages come first, then those that these tests run with."""

    path: Path

    @classmethod
    def create(cls, path: Path, wheels: Sequence[Path]) -> Installed:
        """Make it and install `wheels`, without downloading anything."""
        venv.create(path, with_pip=False, symlinks=True)
        made = cls(path)
        # `--system-site-packages` would show the base interpreter's packages, not this environment's.
        # A plain path does: it comes after the new environment's own, and its .pth files, one of which
        # stands for this checkout, are not read. So what is imported as ours is the installed wheel.
        made.site_packages.joinpath("dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
        # Without dependencies: pip would look for them at an index; they are there already.
        install = ["-m", "pip", "--python", str(made.python), "install", "--quiet", "--no-deps", "--no-index"]
        run([sys.executable, *install, "--disable-pip-version-check", *map(str, wheels)], cwd=path)
        return made

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    @property
    def overseer(self) -> Path:
        return self.path / "bin" / "overseer"

    @property
    def site_packages(self) -> Path:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.path / "lib" / version / "site-packages"


def run(
    command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str] | None = None, expect: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in a scrubbed environment. AssertionError on any other exit code."""
    done = subprocess.run(
        list(command),
        check=False,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=clean_environment(env),
        timeout=90,
    )
    assert done.returncode == expect, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done
