"""What each command asks of the façade, and what it prints."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import pytest
from click.testing import Result

from overseer_payment import demo, errors
from overseer_payment.provider import CheckoutMode, InvoiceStatus, SubscriptionStatus
from overseer_payment.schemas import CustomerState, RefundBody, TransactionState, TransactionType
from tests.cli.conftest import Run
from tests.cli.fake_payments import TRANSACTIONS, FakePayments, transaction

LISTS = ("transactions", "customers", "subscriptions")
DATA = ("status", *LISTS, "transaction 410", "customer 17", "catalog", "providers")


def last(payments: FakePayments, name: str) -> Any:
    """What the façade was last asked for under `name`."""
    return [value for called, value in payments.calls if called == name][-1]


def names(payments: FakePayments) -> list[str]:
    return [name for name, _ in payments.calls]


def data(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_choices_are_the_words_of_the_contract() -> None:
    """The words spelled out for `--help` equal the enums that the façade takes."""
    from typing import get_args

    from overseer_payment.cli.payment import options

    assert list(options.TRANSACTION_STATES) == list(TransactionState)
    assert list(options.TRANSACTION_TYPES) == list(TransactionType)
    assert list(options.SUBSCRIPTION_STATES) == list(SubscriptionStatus)
    assert list(options.CUSTOMER_STATES) == list(CustomerState)
    assert list(options.INVOICE_STATES) == list(InvoiceStatus)
    assert list(options.CHECKOUT_MODES) == list(CheckoutMode)
    reasons = get_args(get_args(RefundBody.model_fields["reason"].annotation)[0])
    assert reasons == options.REFUND_REASONS


@pytest.mark.parametrize("command", DATA)
def test_every_data_command_prints_json_alone(run: Run, command: str) -> None:
    """`--json` writes one JSON object to stdout and nothing to stderr."""
    result = run(*command.split(), "--json")
    assert isinstance(data(result), dict)
    assert result.stderr == ""


@pytest.mark.parametrize("command", LISTS)
def test_lists_have_the_shape_of_rest(run: Run, command: str) -> None:
    """Rows under the plural, and where to go on."""
    answer = data(run(command, "--json"))
    assert set(answer) == {command, "next_cursor"}
    assert answer[command]


def test_json_rows_are_the_rows_of_rest(run: Run) -> None:
    """Amounts stay minor units, moments ISO 8601, every field is there."""
    rows = data(run("transactions", "--json"))["transactions"]
    assert rows == [json.loads(row.model_dump_json()) for row in TRANSACTIONS]


@pytest.mark.parametrize("command", LISTS)
def test_an_empty_list_says_what_to_do(run: Run, payments: FakePayments, command: str) -> None:
    """The remark is on stderr, stdout stays empty, and it is no failure."""
    payments.empty = True
    result = run(command)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("No ")


@pytest.mark.parametrize("command", LISTS)
def test_an_empty_list_is_valid_json(run: Run, payments: FakePayments, command: str) -> None:
    """An empty list is a list."""
    payments.empty = True
    assert data(run(command, "--json")) == {command: [], "next_cursor": None}


def test_amounts_are_aligned_at_their_right(run: Run) -> None:
    """Every currency code of the table ends in the same column."""
    rows = run("transactions", "--limit", "4").stdout.splitlines()
    ends = {match.end() for row in rows[1:] if (match := re.search(r"\d (USD|JPY)\b", row))}
    assert rows[0].index("Amount") + len("Amount") in ends
    assert len(ends) == 1


def test_a_refund_is_listed_as_money_that_left(run: Run) -> None:
    """Its amount is negative, its description names the payment."""
    row = next(line for line in run("transactions").stdout.splitlines() if line.startswith("409"))
    assert "-5.00 USD" in row
    assert "of 410" in row


def test_filters_reach_the_facade(run: Run, payments: FakePayments) -> None:
    """Each option becomes its field of the query."""
    words = "-s failed --type charge --currency EUR --customer cus_1 --subscription 5 -q ada --provider x"
    days = "--since 2026-01-02 --until 2026-02-03 --limit 7 --cursor 3"
    assert run("transactions", *words.split(), *days.split()).exit_code == 0
    assert last(payments, "transactions").model_dump(mode="json") == {
        "limit": 7,
        "cursor": "3",
        "status": "failed",
        "type": "charge",
        "currency": "eur",
        "customer_id": "cus_1",
        "subscription_id": "5",
        "q": "ada",
        "occurred_after": "2026-01-02T00:00:00Z",
        "occurred_before": "2026-02-03T00:00:00Z",
        "order": "newest",
        "provider": "x",
    }


def test_a_cut_list_names_the_command_that_goes_on(run: Run) -> None:
    """With the filters that were typed, quoted for the shell."""
    result = run("transactions", "-n", "2", "-q", "two words", "--since", "2026-01-02")
    assert result.stderr == (
        "More: overseer payment transactions --query 'two words' --since 2026-01-02 --limit 2 --cursor 2\n"
    )


def test_a_long_list_is_read_page_by_page(
    run: Run, payments: FakePayments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than one page's limit is collected over several queries, and no more than was asked for."""
    monkeypatch.setattr("tests.cli.fake_payments.TRANSACTIONS", [transaction(id) for id in range(250)])
    answer = data(run("transactions", "--limit", "230", "--json"))
    assert [row["id"] for row in answer["transactions"]] == list(range(230))
    assert answer["next_cursor"] == "230"
    asked = [value.limit for name, value in payments.calls if name == "transactions"]
    assert asked == [100, 100, 30]


@pytest.mark.parametrize(
    ("id", "typed", "minor"), [("412", "5.00", 500), ("411", "5000", 5000), ("407", "12.34", 12340)]
)
def test_a_refund_is_typed_in_major_units(
    run: Run, payments: FakePayments, id: str, typed: str, minor: int
) -> None:
    """Parsed exactly, in the payment's own currency: dollars, yen, Kuwaiti dinars."""
    assert run("refund", id, "--amount", typed, "--reason", "duplicate").exit_code == 0
    asked_id, body, _ = last(payments, "refund")
    assert (asked_id, body.amount, body.reason) == (id, minor, "duplicate")


def test_a_refund_without_amount_leaves_the_sum_to_the_service(run: Run, payments: FakePayments) -> None:
    """A script is not asked, and everything that remains is given back."""
    result = run("refund", "pi_412")
    assert result.exit_code == 0
    assert result.stdout == "Refund 500 of payment 412: 49.00 USD succeeded\n"
    id, body, _ = last(payments, "refund")
    assert (id, body.amount) == ("412", None)


def test_each_refund_has_a_key_of_its_own(run: Run, payments: FakePayments) -> None:
    """Two invocations are two intents; one's own key makes them one."""
    for _ in range(2):
        run("refund", "412")
    run("refund", "412", "--idempotency-key", "mine")
    first, second, third = (value[2] for name, value in payments.calls if name == "refund")
    assert first.startswith("cli-")
    assert first != second
    assert third == "mine"


def test_a_refund_of_unknown_outcome_names_its_key(
    run: Run, payments: FakePayments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent but not answered: the same key settles it, so the person is told which it was."""
    keys = []

    async def unanswered(*_: object, idempotency_key: str | None = None) -> Any:
        keys.append(idempotency_key)
        raise errors.OutcomeUnknown("Stripe did not answer.")

    monkeypatch.setattr(payments, "refund", unanswered)
    result = run("refund", "412", "--amount", "5")
    assert result.exit_code == 1
    assert f"--idempotency-key {keys[0]}\n" in result.stderr
    assert result.stderr.endswith("error: Stripe did not answer. Try again in 10 s.\n")


def test_a_refund_that_failed_ends_with_1(
    run: Run, payments: FakePayments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row says `failed`: so does the exit code."""

    async def failed(*_: object, **__: object) -> Any:
        return transaction(9, type="refund", status="failed", failure_message="The card is closed.")

    monkeypatch.setattr(payments, "refund", failed)
    result = run("refund", "412")
    assert result.exit_code == 1
    assert "The card is closed." in result.stdout


def test_checkout_prints_the_address_alone_on_stdout(run: Run, payments: FakePayments) -> None:
    """So that `open $(payment checkout …)` works; the rest is a remark."""
    words = "--price p_1 --mode subscription --quantity 3 --trial-days 14 --customer 17 --metadata a=b=c"
    result = run("checkout", *words.split(), "--idempotency-key", "k")
    assert result.stdout == "https://checkout.test/c/cs_test_1\n"
    assert "cs_test_1" in result.stderr
    body, key = last(payments, "create_checkout")
    assert body.model_dump(exclude_defaults=True, mode="json") == {
        "price_id": "p_1",
        "mode": "subscription",
        "quantity": 3,
        "trial_period_days": 14,
        "customer_id": "17",
        "metadata": {"a": "b=c"},
    }
    assert key == "k"


def test_one_payment_shows_what_happened_to_it(run: Run) -> None:
    """Sum, state, refunds, disputes, timeline and where it is at the provider."""
    text = run("transaction", "410").stdout
    for part in ("15.00 USD", "Refunds", "of 410", "Disputes", "needs_response", "Timeline", "by cli:alice"):
        assert part in text
    assert "https://dashboard.test/pi_410" in text


def test_seed_fills_and_clears_the_example_account(
    run: Run, payments: FakePayments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both go through the façade that was opened, say what came of it, and show no bar to a pipe."""
    asked: list[Any] = []

    async def seed(given: Any, *, days: int = 90, progress: Any = None) -> int:
        asked.append((given, days, progress))
        return 1920

    async def clear(given: Any) -> int:
        asked.append(given)
        return 0

    shown = iter([True, False, True])

    async def is_shown(given: Any) -> bool:
        assert given is payments
        return next(shown)

    for fake in (seed, clear, is_shown):
        real = inspect.signature(getattr(demo, fake.__name__)).parameters
        assert list(inspect.signature(fake).parameters)[1:] == list(real)[1:]
        monkeypatch.setattr(demo, fake.__name__, fake)
    filled = run("seed", "--days", "7")
    assert filled.stdout == ("Added 1,920 example events over 7 days. See them: overseer payment status\n")
    assert filled.stderr == ""
    assert run("seed").stdout.endswith("90 days. They stay hidden behind the real business.\n")
    assert run("seed", "--clear").stdout == "There was no example data.\n"
    assert data(run("seed", "--json")) == {"added": 1920}
    assert asked == [(payments, 7, None), (payments, 90, None), payments, (payments, 90, None)]


def test_who_did_it_is_known(run: Run, payments: FakePayments, monkeypatch: pytest.MonkeyPatch) -> None:
    """The audit trail gets `cli:` and the user's name; a nameless user is `cli:unknown`."""
    from overseer_payment.cli import session

    monkeypatch.setattr("getpass.getuser", lambda: "alice")
    run("status")
    viewer = last(payments, "status")
    assert (viewer.actor, viewer.sees_all) == ("cli:alice", True)

    def nameless() -> str:
        raise OSError("no username set")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert session.actor() == "cli:unknown"
