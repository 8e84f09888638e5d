"""What commands say when something is wrong: exit codes, one line, nothing left open."""

from __future__ import annotations

import json
from typing import Any

import pytest

from overseer_payment import errors
from overseer_payment.schemas import Finding
from tests.cli.conftest import Run
from tests.cli.fake_payments import FakePayments


def last(payments: FakePayments, name: str) -> Any:
    """What the façade was last asked for under `name`."""
    return [value for called, value in payments.calls if called == name][-1]


def names(payments: FakePayments) -> list[str]:
    return [name for name, _ in payments.calls]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("transactions --status nonsense", "--status"),
        ("transactions --currency EURO", "--currency"),
        ("transactions --limit 0", "--limit"),
        ("transactions --since yesterday", "--since"),
        ("subscriptions --status nonsense", "--status"),
        ("transaction", "ID"),
        ("refund", "TRANSACTION_ID"),
        ("refund 412 --amount 5,00", "--amount"),
        ("refund 412 --amount 5.001", "--amount"),
        ("refund 412 --amount -5", "--amount"),
        ("refund 412 --amount 0", "--amount"),
        ("refund 411 --amount 0.5", "--amount"),
        ("refund 407 --amount 1.234", "--amount"),
        ("refund 412 --reason because", "--reason"),
        ("checkout --mode payment", "--price"),
        ("checkout --mode nonsense --price p", "--mode"),
        ("checkout --mode setup", "--currency"),
        ("checkout --price p --trial-days 7", "--trial-days"),
        ("checkout --price p --quantity 0", "--quantity"),
        ("checkout --price p --metadata nonsense", "--metadata"),
        ("checkout --price ä", "--price"),
        ("nonsense", "nonsense"),
    ],
)
def test_wrong_usage_ends_with_2_and_changes_nothing(
    run: Run, payments: FakePayments, words: str, named: str
) -> None:
    """The message names what is wrong; nothing was asked of the provider."""
    result = run(*words.split())
    assert result.exit_code == 2, result.output
    assert named in result.stderr
    assert result.stdout == ""
    assert not {"refund", "create_checkout"} & set(names(payments))


def test_status_says_when_nothing_is_configured(run: Run, payments: FakePayments) -> None:
    """It is an answer, not a failure."""
    payments.empty = True
    result = run("status")
    assert result.exit_code == 0
    assert "not configured" in result.stdout
    assert "STRIPE_SECRET_KEY is not set." in result.stdout


def test_doctor_fails_on_whatever_is_to_be_mended(run: Run, payments: FakePayments) -> None:
    """What is in order ends with 0; a warning, shown with its cure, and an error end with 1."""
    payments.findings, warnings = [f for f in payments.findings if f.level == "ok"], payments.findings
    assert run("doctor").exit_code == 0
    payments.findings = warnings
    warned = run("doctor")
    assert warned.exit_code == 1
    assert "Set STRIPE_WEBHOOK_SECRET." in warned.stdout
    assert warned.stdout.endswith("1 warning.\n")
    payments.findings.append(Finding(id="key", level="error", title="The key is wrong.", cure="Set another."))
    assert run("doctor").exit_code == 1
    assert run("doctor", "--json").exit_code == 1
    assert last(payments, "open") is False, "doctor also looks at a database that is outdated"


def test_doctor_reports_what_keeps_it_from_looking(run: Run, payments: FakePayments) -> None:
    """A setting that can't be read is a finding, also as JSON."""
    payments.failure = errors.ConfigurationError("OVERSEER_PUBLIC_URL must be an absolute http or https URL.")
    result = run("doctor", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["findings"][0]["title"].startswith("OVERSEER_PUBLIC_URL")


@pytest.mark.parametrize("command", ["status", "transactions", "refund 412", "checkout --price p", "catalog"])
def test_everything_is_closed_whatever_happens(run: Run, payments: FakePayments, command: str) -> None:
    """Opened once, closed once: after success, after a refusal and after a fault of ours."""
    for failure in (None, errors.Conflict("No."), KeyError("x")):
        payments.failure, payments.closed = failure, 0
        assert run(*command.split()).exit_code == (1 if failure else 0)
        assert payments.closed == 1


@pytest.mark.parametrize("kind", [kind for kind in vars(errors).values() if isinstance(kind, type)])
def test_every_error_of_ours_is_one_line(run: Run, payments: FakePayments, kind: type[Exception]) -> None:
    """Exit code 1, `error: …` on stderr, nothing on stdout, no traceback."""
    payments.failure = kind("It can't be done:\nask again.")
    result = run("status")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "error: It can't be done: ask again.\n"


def test_an_error_says_when_to_try_again(run: Run, payments: FakePayments) -> None:
    """The provider's word on when it is ready again reaches the person."""
    payments.failure = errors.ProviderUnavailable("Stripe can't be reached.", retry_after=30)
    assert run("status").stderr == "error: Stripe can't be reached. Try again in 30 s.\n"


def test_a_fault_of_ours_is_one_line_without_its_text(run: Run, payments: FakePayments) -> None:
    """The exception's text may hold a secret; its type and the hint for the traceback do."""
    payments.failure = KeyError("sk_live_secret")
    result = run("status")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: unexpected KeyError")
    assert "OVERSEER_DEBUG=1" in result.stderr
    assert "sk_live" not in result.output
    assert result.stderr.count("\n") == 1


def test_debug_lets_the_traceback_through(
    run: Run, payments: FakePayments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OVERSEER_DEBUG=1 shows where it came from."""
    monkeypatch.setenv("OVERSEER_DEBUG", "1")
    payments.failure = KeyError("x")
    assert run("status").exception is payments.failure
