"""`payment webhook` and `payment trigger` beside a real `overseer serve`; Stripe is the simulator."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from overseer_payment.cli.payment import payment
from overseer_payment.simulator import World, assert_contract, create_app
from tests.support.environment import clean_environment
from tests.support.server import Running, free_port, running, serving

OVERSEER = Path(sys.executable).parent / "overseer"
PATIENCE = 30.0


@dataclass
class Machine:
    """A folder with a database, a simulated account, and the environment of whoever works there."""

    folder: Path
    world: World
    environ: dict[str, str]

    def start(self, *words: str, log: str) -> subprocess.Popen[bytes]:
        with (self.folder / log).open("wb") as output:
            return subprocess.Popen(
                [OVERSEER, "payment", *words],
                cwd=self.folder,
                env=clean_environment(self.environ),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def run(self, *words: str, expect: int = 0, **more: str) -> Result:
        """A command that ends by itself, in this process: a dozen interpreters would take a minute."""
        environ = {**self.environ, **more}
        done = CliRunner().invoke(payment, words, prog_name="overseer payment", env=environ)
        assert done.exit_code == expect, done.output
        return done

    def log(self, name: str) -> str:
        return (self.folder / name).read_text(errors="replace")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The API key is all that is configured of Stripe: no signing secret, no endpoint."""
    world = World()
    with serving(create_app(world), lifespan="off") as base:
        folder = tmp_path_factory.mktemp("machine")
        environ = {
            "OVERSEER_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'overseer.db'}",
            "STRIPE_SECRET_KEY": world.secret_key,
            "STRIPE_API_BASE": base,
            "OVERSEER_TOKEN": "a-token-of-this-test",
            "OVERSEER_PUBLIC_URL": f"http://127.0.0.1:{free_port()}",
        }
        yield Machine(folder, world, environ)
        assert_contract(world)


@pytest.fixture
def server(machine: Machine) -> Iterator[Running]:
    """`overseer serve` with the secret that the listener printed."""
    secret = machine.run("webhook", "listen", "--print-secret").stdout.strip()
    assert secret.startswith("whsec_")
    url = machine.environ["OVERSEER_PUBLIC_URL"]
    with running(
        [OVERSEER, "serve", "--port", url.rpartition(":")[2]],
        url=f"{url}/healthz",
        log=machine.folder / "server",
        cwd=machine.folder,
        env={**machine.environ, "STRIPE_WEBHOOK_SECRET": secret},
    ) as started:
        yield started


def until(done: Callable[[], bool], complaint: Callable[[], str]) -> None:
    for _ in range(int(PATIENCE / 0.1)):
        if done():
            return
        time.sleep(0.1)
    raise TimeoutError(complaint())


@pytest.mark.slow
def test_a_key_alone_brings_events_to_a_local_server(machine: Machine, server: Running) -> None:
    """Listen, trigger, see the payment; Ctrl-C sums up; the next run goes on without repeating."""
    listener = machine.start("webhook", "listen", "--interval", "0.2", log="first")
    try:
        until(lambda: "Ready:" in machine.log("first"), lambda: machine.log("first"))
        machine.run("trigger", "payment_intent.succeeded")
        until(lambda: "payment_intent.succeeded" in machine.log("first"), lambda: machine.log("first"))
        listener.send_signal(signal.SIGINT)
        assert listener.wait(PATIENCE) == 0, machine.log("first")
    finally:
        listener.kill()
        listener.wait()
    said = machine.log("first")
    assert "STRIPE_WEBHOOK_SECRET=whsec_" in said
    assert "[200]" in said
    assert "Forwarded " in said.splitlines()[-1]
    assert "Traceback" not in said

    machine.run("trigger", "charge.refunded")
    # Nothing of it goes through a proxy: this one would answer by itself.
    proxy = machine.environ["STRIPE_API_BASE"]
    again = machine.run("webhook", "listen", "--once", "--json", HTTP_PROXY=proxy, NO_PROXY=proxy)
    *events, total = [json.loads(line) for line in again.stdout.splitlines()]
    assert {event["status"] for event in events} == {200}
    assert all(event["id"] not in said for event in events)
    assert total["forwarded"] == len(events)
    assert "charge.refunded" in total["types"]

    def known() -> list[str]:
        listed = json.loads(machine.run("transactions", "--json").stdout)["transactions"]
        return sorted(row["status"] for row in listed)

    until(lambda: known() == ["refunded", "succeeded", "succeeded"], lambda: str(known()))


@pytest.mark.slow
def test_a_service_manager_ends_it_cleanly(machine: Machine, server: Running) -> None:
    """SIGTERM ends a listener as Ctrl-C does: exit code 0 and a summary."""
    listener = machine.start("webhook", "listen", "--interval", "0.2", log="second")
    try:
        until(lambda: "Ready:" in machine.log("second"), lambda: machine.log("second"))
        listener.terminate()
        assert listener.wait(PATIENCE) == 0, machine.log("second")
    finally:
        listener.kill()
        listener.wait()
    assert "Forwarded 0 events." in machine.log("second")


@pytest.mark.slow
def test_a_server_without_the_secret_is_told_apart(machine: Machine, tmp_path: Path) -> None:
    """A server that has no secret can't take anything: the listener ends with 1 and names the cure."""
    port = free_port()
    where = f"http://127.0.0.1:{port}/api/v1/payment/webhook"
    machine.run("webhook", "listen", "--once", "--forward-to", where)
    machine.run("trigger", "customer.created")
    with running(
        [OVERSEER, "serve", "--port", str(port)],
        url=f"http://127.0.0.1:{port}/healthz",
        log=tmp_path / "log",
        cwd=machine.folder,
        env={**machine.environ, "OVERSEER_PUBLIC_URL": f"http://127.0.0.1:{port}"},
    ):
        done = machine.run("webhook", "listen", "--once", "--forward-to", where, expect=1)
    assert "--print-secret" in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("error: ")]) == 1


def test_another_machine_is_refused(machine: Machine) -> None:
    """Events leave this machine only when that is said: usage error, and nothing is asked of Stripe."""
    before = len(machine.world.requests)
    done = machine.run("webhook", "listen", "--forward-to", "https://shop.example/webhook", expect=2)
    assert "--allow-remote" in done.stderr
    machine.run("webhook", "listen", "--forward-to", "shop.example", expect=2)
    assert len(machine.world.requests) == before


def test_endpoints_are_managed_from_the_command_line(machine: Machine) -> None:
    """Made with the line to set, listed with its faults, replaced, finished, deleted."""
    made = machine.run("webhook", "create", "--url", f"{machine.environ['OVERSEER_PUBLIC_URL']}/hook")
    assert made.stdout.startswith("STRIPE_WEBHOOK_SECRET=whsec_")
    (row,) = json.loads(machine.run("webhook", "list", "--json").stdout)["webhook_endpoints"]
    assert (row["faults"], row["secret"]) == (["other_url"], None)
    assert "leads elsewhere" not in machine.run("webhook", "list").stdout  # programs get the word itself
    new = machine.run("webhook", "rotate", row["id"])
    assert new.stdout.startswith('STRIPE_WEBHOOK_SECRET="whsec_')
    assert "--finish" in new.stderr
    early = machine.run("webhook", "rotate", row["id"], "--finish", expect=1)
    assert "does not hold the new secret" in early.stderr
    left = json.loads(machine.run("webhook", "rotate", row["id"], "--finish", "--force", "--json").stdout)
    assert left["replaces"] == row["id"]
    machine.run("webhook", "update", left["id"])
    machine.run("webhook", "delete", left["id"], expect=2)
    machine.run("webhook", "delete", left["id"], "--yes")
    assert "webhook create" in machine.run("webhook", "list").stderr


def test_triggers_are_listed_and_refused(machine: Machine) -> None:
    """The list names what can be made; anything else, and a live key, is refused before any call."""
    types = json.loads(machine.run("trigger", "--list", "--json").stdout)["types"]
    assert {"type": "customer.created", "how": "A customer, deleted again."} in types
    machine.run("trigger", expect=2)
    before = len(machine.world.requests)
    assert "--list" in machine.run("trigger", "checkout.session.completed", expect=1).stderr
    live = Machine(
        machine.folder, machine.world, {**machine.environ, "STRIPE_SECRET_KEY": "sk_live_4eC39HqLyjWDarjtT1"}
    )
    assert "test mode only" in live.run("trigger", "customer.created", expect=1).stderr
    assert len(machine.world.requests) == before
