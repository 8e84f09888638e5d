"""The order of words by itself, without a database: stages, progress, and what can't be told."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from overseer_payment.ledger import merge
from overseer_payment.ledger.merge import Rank
from overseer_payment.ledger.progress import progress, stage
from overseer_payment.provider import (
    AsOf,
    CheckoutPaymentState,
    CheckoutStatus,
    DisputeKind,
    DisputeStatus,
    InvoiceStatus,
    Kind,
    PriceScheme,
    PriceSnapshot,
    Snapshot,
    Source,
    SubscriptionStatus,
)
from tests.ledger import telling as t
from tests.ledger.telling import CANCELED, FAILED, PENDING, SUCCEEDED, moment

STATES = (PENDING, FAILED, CANCELED, SUCCEEDED)
INQUIRY, WARNING = {"dispute_kind": DisputeKind.INQUIRY}, {"dispute_kind": DisputeKind.FRAUD_WARNING}
LOST, WON, CLOSED = DisputeStatus.LOST, DisputeStatus.WON, DisputeStatus.CLOSED
PREVENTED = DisputeStatus.PREVENTED
CHARGE = 10**18
DISPUTE = [0, 1000, 4000, 5000, 6001, 3000, 2001, 2001]


def _price(**told: Any) -> PriceSnapshot:
    as_of = AsOf(moment(1), Source.EVENT)
    base = {"product": "prod_1", "currency": "usd", "amount": 1, "scheme": PriceScheme.FLAT}
    return PriceSnapshot(**{**base, **told}, id="price_1", as_of=as_of, livemode=False, occurred_at=moment(1))


def _disputes(**told: Any) -> list[Snapshot]:
    return [t.dispute(1, status, **told) for status in DisputeStatus]


def _sessions() -> list[Snapshot]:
    return [
        t.checkout(1, state, status=status) for status in CheckoutStatus for state in CheckoutPaymentState
    ]


# Each state in the order in which its type tells it: the stages, and the progress.
ROADS: dict[str, tuple[list[Snapshot], list[int], list[int]]] = {
    "payment": ([t.payment(1, status) for status in STATES], [0, 0, 1, 1], [0, 1, 2, 3]),
    "a payment whose attempt goes on": ([t.payment(1, PENDING, latest_charge="ch_1")], [0], [1]),
    "a payment that was tried": (
        [t.payment(1, status, latest_charge="ch_1") for status in (FAILED, CANCELED, SUCCEEDED)],
        [0, 1, 1],
        [1, 2, 3],
    ),
    "charge": (
        [t.charge(1, status) for status in STATES],
        [0, 1, 1, 1],
        [0, CHARGE, 2 * CHARGE, 3 * CHARGE],
    ),
    "what is taken of a charge": (
        [
            t.charge(1, disputed=True),
            t.charge(1, amount_refunded=1),
            t.charge(1, amount_refunded=5, disputed=True),
        ],
        [1, 1, 1],
        [3 * CHARGE + 1, 3 * CHARGE + 2, 3 * CHARGE + 11],
    ),
    "refund": ([t.refund(1, status, 5) for status in STATES], [0, 2, 1, 1], [0, 3, 2, 1]),
    "invoice": (
        [t.invoice(1, InvoiceStatus(name)) for name in ("draft", "open", "uncollectible", "void", "paid")],
        [0, 1, 2, 3, 3],
        [0, 1000, 2000, 3000, 4000],
    ),
    "attempts at an invoice": (
        [
            t.invoice(1, InvoiceStatus.OPEN, attempt_count=1),
            t.invoice(1, InvoiceStatus.OPEN, attempt_count=1, attempt_failed=True),
            t.invoice(1, InvoiceStatus.OPEN, attempt_count=401),
        ],
        [1, 1, 1],
        [1002, 1003, 1800],
    ),
    "link": (
        [t.link(1, status) for status in ("open", "canceled", "paid", "novel")],
        [0, 1, 1, 0],
        [2, 6, 10, 2],
    ),
    "what a link tells": (
        [t.link(1, payment=None), t.link(1, payment=None, charge="ch_1"), t.link(1, charge="ch_1")],
        [1, 1, 1],
        [8, 9, 11],
    ),
    "session": (
        sorted(_sessions(), key=progress),
        [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2],
        [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23],
    ),
    "subscription": (
        [t.subscription(1, status) for status in SubscriptionStatus],
        [0, 2, 1, 1, 1, 1, 1, 2],
        [0, 2, 1, 1, 1, 1, 1, 2],
    ),
    "chargeback": (_disputes(), [1, 1, 2, 2, 2, 2, 1, 2], [10_000 + one for one in DISPUTE]),
    "inquiry": (_disputes(**INQUIRY), [0, 0, 1, 1, 1, 1, 1, 1], DISPUTE),
    "warning": (_disputes(**WARNING), [0] * 8, DISPUTE),
    "what is taken by a dispute": (
        [
            t.dispute(1, status, funds_withdrawn=9, submission_count=count)
            for status, count in ((LOST, 0), (LOST, 3), (LOST, 401), (WON, 1), (CLOSED, 1), (PREVENTED, 1))
        ],
        [2, 2, 2, 2, 1, 2],
        [13_001, 13_007, 13_801, 16_002, 12_002, 12_002],
    ),
    "customer": ([t.customer(1), t.customer(1, deleted=True)], [0, 0], [0, 1]),
    "product": ([t.product(1), t.product(1, deleted=True)], [0, 0], [0, 1]),
    "price": ([_price(), _price(active=False)], [0, 0], [0, 0]),
}


@pytest.mark.parametrize("name", ROADS)
def test_each_state_has_its_place(name: str) -> None:
    """Stages only where nothing leads back; progress where things usually go forward."""
    states, stages, steps = ROADS[name]
    assert [stage(state) for state in states] == stages
    assert [progress(state) for state in states] == steps


def test_a_rank_is_stage_then_moment_then_progress_then_content() -> None:
    """Each weighs more than all that comes after it; equal content is equal."""
    event = t.refund(5.25, FAILED, 500)
    digest = hashlib.blake2b(b"{}", digest_size=12).hexdigest()
    assert merge.rank(event, "{}") == Rank(2, event.as_of.version, f"{3:020d}.{digest}")
    assert merge.rank(event, "{}").progress == f"{3:020d}"
    assert merge.rank(event, "{}") != merge.rank(event, "[]")
    read = replace(event, as_of=replace(event.as_of, source=Source.READ))
    assert (merge.rank(event, "").is_read, merge.rank(read, "").is_read) == (False, True)
    assert Rank(1, 0, "") > Rank(0, 9, "z")
    assert Rank(0, 2, "") > Rank(0, 1, "z")


def test_a_version_is_read_back_as_the_moment_that_made_it() -> None:
    """To the millisecond, and with its source."""
    for source in Source:
        said = AsOf(moment(5) + timedelta(milliseconds=123), source)
        assert merge.as_of(said.version) == said


SECOND = 2000  # in versions
NOW = 50 * SECOND


def _rank(version: int, steps: int, digest: str = "a", stage: int = 0) -> Rank:
    return Rank(stage, version, f"{steps:020d}.{digest}")


# Winner, loser, was the loser late; is it doubtful?
CONTRADICTIONS: dict[str, tuple[Rank, Rank, bool, bool]] = {
    "the same said twice": (_rank(NOW, 1), _rank(NOW, 1), False, False),
    "two events of one second": (_rank(NOW, 1, "b"), _rank(NOW, 1), False, True),
    "further along in one second": (_rank(NOW, 2), _rank(NOW, 1), False, False),
    "of another stage in one second": (_rank(NOW, 2, stage=1), _rank(NOW, 3), False, False),
    "the first and last moment of a second": (_rank(NOW + 1999, 1), _rank(NOW, 1, "b"), False, True),
    "two moments within a second": (_rank(NOW + 600, 1), _rank(NOW + 400, 1, "b"), False, True),
    "one moment apart in two seconds": (_rank(NOW, 1), _rank(NOW - 2, 1, "b"), False, False),
    "a read before an event that is further along": (_rank(NOW + 1, 1), _rank(NOW, 2), False, True),
    "a read that comes late": (_rank(NOW + 3000, 1), _rank(NOW + 1, 1, "b"), True, True),
    "a read that comes late and is behind": (_rank(NOW + 3000, 2), _rank(NOW + 1, 1), True, False),
    "a read that comes late, narrowly": (_rank(NOW + 4000, 1), _rank(NOW + 1, 1, "b"), True, True),
    "a read that comes late, by far": (_rank(NOW + 4002, 1), _rank(NOW + 1, 1, "b"), True, False),
    "by just as much as clocks differ": (_rank(NOW + 4001, 1), _rank(NOW + 1, 1, "b"), True, False),
    "an event that comes late": (_rank(NOW + 3000, 1), _rank(NOW, 1, "b"), True, False),
    "a read that was there before": (_rank(NOW + 3000, 1), _rank(NOW + 1, 1, "b"), False, False),
    "a step back": (_rank(NOW + 9001, 2), _rank(NOW, 3), False, True),
    "a step forward": (_rank(NOW + 9001, 3), _rank(NOW, 2), False, False),
    "no step": (_rank(NOW + 9001, 2), _rank(NOW, 2, "b"), False, False),
    "a step back from a stage": (_rank(NOW + 9001, 2, stage=1), _rank(NOW, 3), False, False),
    "a step back that an event tells": (_rank(NOW + 9000, 2), _rank(NOW, 3), False, False),
    "a step back just within a minute": (_rank(NOW + 119_999, 2), _rank(NOW, 3), False, True),
    "a step back after a minute": (_rank(NOW + 120_001, 2), _rank(NOW + 1, 3), False, False),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_what_can_t_be_told_is_doubtful(name: str) -> None:
    """Never for links, of which each payload tells another part."""
    winner, loser, late, doubtful = CONTRADICTIONS[name]
    assert merge.doubtful(Kind.REFUND, winner, loser, late=late) is doubtful
    assert merge.doubtful(Kind.INVOICE_PAYMENT, winner, loser, late=late) is False


@pytest.mark.parametrize(
    ("kind", "winner", "loser", "doubtful"),
    [
        (Kind.PAYMENT, _rank(NOW + 9001, 1), _rank(NOW, 1, "b"), True),
        (Kind.PAYMENT, _rank(NOW + 9001, 1), _rank(NOW + 1, 1, "b"), False),
        (Kind.PAYMENT, _rank(NOW + 9000, 1), _rank(NOW, 1, "b"), False),
        (Kind.PAYMENT, _rank(NOW + 120_001, 1), _rank(NOW, 1, "b"), False),
        (Kind.PAYMENT, _rank(NOW + 9001, 0), _rank(NOW, 0, "b"), False),
        (Kind.PAYMENT, _rank(NOW + 9001, 2), _rank(NOW, 1, "b"), False),
        (Kind.CHARGE, _rank(NOW + 9001, 1), _rank(NOW, 1, "b"), False),
    ],
)
def test_an_attempt_that_a_read_finds_under_way_may_be_the_one_that_failed(
    kind: Kind, winner: Rank, loser: Rank, doubtful: bool
) -> None:
    """Failed and trying are equally far along: a read just after an event says too little."""
    assert merge.doubtful(kind, winner, loser) is doubtful


def test_lateness_is_told_apart_only_when_it_is_said() -> None:
    """By default both words were heard together."""
    winner, loser = _rank(NOW + 3000, 1), _rank(NOW + 1, 1, "b")
    assert merge.doubtful(Kind.REFUND, winner, loser, late=True)
    assert not merge.doubtful(Kind.REFUND, winner, loser)
