"""The states that a demo never gets into, each as a shop of the tests and the pages to look at it from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from overseer_payment.errors import DatabaseError, ProviderUnavailable
from overseer_payment.provider import TransactionStatus
from overseer_payment.schemas import CustomerValue, RevenuePoint, RevenueSeries
from tests.cards.fake_payments import FakePayments
from tests.cards.fakes import Stage
from tests.cards.rows import HEBREW, LONG, customer, event, now, status, subscription, transaction

_TABS = ("/payment/modal", "/payment/modal/transactions", "/payment/modal/customers")
_ALL = (*_TABS, "/payment/modal/subscriptions", "/payment/modal/disputes", "/payment/modal/actions")


@dataclass(frozen=True, slots=True)
class State:
    """One state: how it comes about, and where it is looked at. `failing` pages may answer 4xx and 5xx."""

    name: str
    prepare: Callable[[Stage], None]
    pages: Sequence[str]
    sent: str = ""
    """Label of the button that is pressed on the last of the pages."""


def _nothing(stage: Stage) -> None:
    plugins = stage.payments.plugins
    stage.payments = FakePayments(plugins=plugins)
    zero = {"total_transactions": 0, "active_subscriptions": 0, "open_disputes": 0, "last_event_at": None}
    stage.payments.state = status(**zero, revenue=[])


def _off(stage: Stage) -> None:
    _nothing(stage)
    stage.payments.state = stage.payments.state.model_copy(update={"enabled": False})


def _one(stage: Stage) -> None:
    stage.payments.payments = [
        transaction(1, customer_name="Ada Lovelace", customer_id=1, method="visa 4242")
    ]
    stage.payments.subs = [subscription(1)]
    stage.payments.people = [customer(1, name="Ada Lovelace")]
    stage.payments.series = [_series("usd", [0] * 364 + [4900])]
    stage.payments.state = status(total_transactions=1, active_subscriptions=1, open_disputes=0)


def _long(stage: Stage) -> None:
    paid = {"customer_name": LONG, "customer_email": f"{'a' * 60}@{'b' * 60}.example.com", "customer_id": 1}
    stage.payments.payments = [
        transaction(1, description=LONG * 2, amount=987_654_321_00, **paid),
        transaction(2, description="W" * 120, amount=123_456, currency="jpy", **paid),
        transaction(3, description="Eine kurze", amount=1_234_567, currency="kwd", **paid),
    ]
    stage.payments.subs = [subscription(1, plan_name=LONG, customer_email=paid["customer_email"])]


def _leftwards(stage: Stage) -> None:
    stage.payments.payments = [
        transaction(n, description=f"{HEBREW} {n}", customer_name=HEBREW, customer_id=1, amount=4900 * n)
        for n in range(1, 8)
    ]
    stage.payments.people = [customer(n, name=HEBREW) for n in range(1, 5)]
    stage.payments.subs = [subscription(n, plan_name=HEBREW) for n in range(1, 4)]


def _series(currency: str, nets: Sequence[int]) -> RevenueSeries:
    first = now().date() - timedelta(days=len(nets) - 1)
    return RevenueSeries(
        currency=currency,
        points=[
            RevenuePoint(
                date=first + timedelta(days=day),
                gross=max(0, net),
                refunded=max(0, -net),
                disputed=0,
                net=net,
            )
            for day, net in enumerate(nets)
        ],
    )


def _currencies(stage: Stage) -> None:
    """Yen without decimals, dinars with three, sums of nothing and below."""
    wave = [((day * 37) % 23 - 8) * 1000 for day in range(365)]
    stage.payments.series = [
        _series("kwd", [net * 3 for net in wave]),
        _series("jpy", wave[:-20] + [-5000] * 20),
        _series("usd", [0] * 335 + [9000] + [0] * 28 + [-9000]),
    ]
    stage.payments.payments = [
        transaction(1, amount=12_345_670, currency="kwd"),
        transaction(2, amount=980, currency="jpy"),
        transaction(3, amount=0, description="Free of charge"),
        transaction(4, amount=4900, type="refund", parent_id=3),
        transaction(5, amount=1, currency="jpy", status=TransactionStatus.FAILED.value, amount_refundable=0),
    ]
    value = CustomerValue(currency="kwd", gross=10, refunded=3000, disputed=0, net=-2990, payments=1)
    stage.payments.people = [customer(1, value=[value]), customer(2, value=[])]


def _provider_down(stage: Stage) -> None:
    message = "Stripe can’t be reached. Lists show what was last heard."
    stage.payments.state = status(healthy=False, health_message=message, failed_events=3)
    stage.payments.refusing = ProviderUnavailable("Stripe could not be reached. Nothing happened there.")


def _read_only(stage: Stage) -> None:
    stage.payments.state = status(read_only=True, failed_events=1)
    stage.payments.inbox = [event(1), event(2, status="failed", last_error="DatabaseReadOnly", attempts=3)]
    stage.payments.refusing = ProviderUnavailable("The database is read-only.")


def _inbox_failing(stage: Stage) -> None:
    """Some can't be applied, one is given up, and many wait behind them."""
    late = now() - timedelta(hours=26)
    stage.payments.state = status(
        failed_events=3, pending_events=1241, lag_seconds=93_840, last_event_at=now() - timedelta(seconds=20)
    )
    fault = "ValueError at translate/invoice.py:88"
    stage.payments.inbox = [
        *(event(n, status="pending", attempts=0, applied_at=None) for n in range(1, 15)),
        event(15, status="failed", attempts=4, last_error=fault, applied_at=None, due_at=now()),
        event(16, status="failed", attempts=2, last_error=LONG, applied_at=None, due_at=now()),
        event(
            17,
            type="customer.subscription.pending_update_applied",
            status="dead",
            attempts=12,
            last_error=fault,
            received_at=late,
            applied_at=None,
        ),
        event(18, status="ignored", type="payment_method.attached"),
    ]


def _crowded(stage: Stage) -> None:
    """A hundred thousand payments: the list is as quick and as wide as that of ten."""
    some = stage.payments.payments
    stage.payments.payments = [
        some[n % len(some)].model_copy(update={"id": n, "occurred_at": now() - timedelta(minutes=7 * n)})
        for n in range(1, 100_001)
    ]
    stage.payments.state = status(total_transactions=100_000, active_subscriptions=12_400, open_disputes=118)


def _database_away(stage: Stage) -> None:
    stage.payments.failing = DatabaseError("The database can't be reached.", retry_after=5)


def _signed_out(stage: Stage) -> None:
    stage.host.signed_in = False


def _looks_only(stage: Stage) -> None:
    stage.host.permissions = frozenset({"payment.view"})


STATES = (
    State("empty", _nothing, ("/", *_ALL)),
    State("no-provider", _off, ("/", "/payment/modal")),
    State("one-row", _one, ("/", *_ALL, "/payment/transactions/1", "/payment/customers/1")),
    State("long-names", _long, (*_ALL, "/payment/transactions/1", "/payment/subscriptions/1")),
    State("right-to-left", _leftwards, (*_ALL, "/payment/transactions/1")),
    State(
        "currencies", _currencies, ("/", *_TABS, "/payment/modal?currency=jpy", "/payment/modal?currency=usd")
    ),
    State(
        "provider-down",
        _provider_down,
        ("/", *_TABS, "/payment/transactions/2/refund?amount=1.00"),
        sent="Refund 1.00 USD",
    ),
    State(
        "read-only",
        _read_only,
        (
            *("/", *_ALL, "/payment/modal/events"),
            *("/payment/transactions/2", "/payment/subscriptions/1", "/payment/customers/2"),
            *("/payment/disputes/1", "/payment/events/2", "/payment/transactions/2/refund?amount=1.00"),
        ),
    ),
    State(
        "inbox-failing",
        _inbox_failing,
        (
            *("/", "/payment/modal", "/payment/modal/events", "/payment/modal/events?failed=true"),
            *("/payment/events/17", "/payment/events/16"),
        ),
    ),
    State(
        "crowded",
        _crowded,
        ("/", "/payment/modal/transactions", "/payment/modal/transactions?cursor=99950"),
    ),
    State("database-away", _database_away, ("/", "/payment/modal", "/payment/transactions/1")),
    State("signed-out", _signed_out, ("/payment/modal", "/payment/transactions/1")),
    State("may-only-look", _looks_only, ("/payment/modal/settings", "/payment/transactions/2")),
    State(
        "nothing-fits", lambda _: None, ("/payment/modal/transactions?q=zzzz", "/payment/transactions/999")
    ),
)
