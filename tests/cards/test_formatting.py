"""How values are written: exact, with their currency, and true at the edges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from overseer_payment.cards import words
from overseer_payment.cards.formatting import Formatter, relative
from overseer_payment.cards.trends import trend
from overseer_payment.provider import SubscriptionStatus
from overseer_payment.schemas.reports import Summed
from tests.cards.rows import STRIPE, status, subscription

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FMT = Formatter(lambda provider: STRIPE, NOW)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (123456, "usd", "1,234.56 USD"),
        (500000, "jpy", "500,000 JPY"),
        (1500, "kwd", "1.500 KWD"),
        (12300, "isk", "123 ISK"),
        (0, "eur", "0.00 EUR"),
        (-500, "usd", "\u22125.00 USD"),
        (7, "qqq", "7 QQQ (minor units)"),
    ],
)
def test_money_is_exact_in_every_exponent(amount: int, currency: str, text: str) -> None:
    """Two, no and three decimals, the provider's own rule, negative sums and unknown codes."""
    assert FMT.money(amount, currency, "stripe") == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0"), (50, "0.5"), (30000, "300"), (-10000, "\u2212100"), (1250000, "12.5k"), (300000000, "3M")],
)
def test_axis_labels_are_short(amount: int, text: str) -> None:
    """Labels beside the chart drop what says nothing."""
    assert FMT.axis(amount, Summed(currency="usd", exponent=2)) == text


@pytest.mark.parametrize(
    ("away", "words_"),
    [
        (timedelta(seconds=-20), "just now"),
        (timedelta(minutes=-3), "3 min ago"),
        (timedelta(hours=-5), "5 h ago"),
        (-DAY, "1 day ago"),
        (-27 * DAY, "27 days ago"),
        (-40 * DAY, "14 Oct"),
        (-400 * DAY, "19 Oct 2025"),
        (3 * DAY, "in 3 days"),
    ],
)
def test_relative_words(away: timedelta, words_: str) -> None:
    """Near moments are counted, far ones are dates; the year is said when it is another."""
    assert relative(NOW + away, NOW) == words_


def test_the_exact_moment_comes_with_the_words() -> None:
    """Hovering and machines get the moment itself, in UTC."""
    html = str(FMT.when(NOW - timedelta(minutes=3)))
    assert html == (
        '<time datetime="2026-11-23T11:57:00+00:00" title="23 Nov 2026, 11:57 UTC">3 min ago</time>'
    )


@pytest.mark.parametrize(
    ("now", "before", "direction", "text"),
    [
        (110, 100, "up", "10.0\u2009%"),
        (50, 100, "down", "50.0\u2009%"),
        (0, 100, "down", "100\u2009%"),
        (100, 100, "flat", "no change"),
        (5, 0, "up", "none before"),
        (5, -5, "up", "was negative"),
        (-5, 5, "down", "now negative"),
        (2500, 100, "up", "\u00d725"),
        (10_000_001, 10_000_000, "up", "under 0.1\u2009%"),
    ],
)
def test_trends_say_a_ratio_only_where_it_means_something(
    now: int, before: int, direction: str, text: str
) -> None:
    """From nothing and across zero there is no percentage."""
    found = trend(now, before)
    assert (found.direction, found.text) == (direction, text)


def test_without_an_earlier_period_there_is_no_trend() -> None:
    """A year has nothing before it to compare with."""
    assert trend(5, None).direction == "none"


def text_of(html: object) -> str:
    import re

    return re.sub("<[^>]+>", "", str(html))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"current_period_end": NOW + 12 * DAY}, "Renews 5 Dec"),
        ({"current_period_end": NOW - DAY}, "Was due 22 Nov"),
        ({"current_period_end": NOW + DAY, "cancel_at_period_end": True}, "Ends 24 Nov"),
        ({"current_period_end": NOW - DAY, "cancel_at_period_end": True}, "Was to end 22 Nov"),
        ({"status": "past_due", "current_period_start": NOW - 3 * DAY}, "Past due since 20 Nov"),
        ({"status": "trialing", "trial_end": NOW + DAY}, "Trial ends 24 Nov"),
        ({"status": "canceled", "ended_at": NOW - DAY}, "Ended 22 Nov"),
        ({"status": "paused"}, "Paused until resumed"),
        ({"status": "incomplete"}, "Waits for its first payment"),
        ({"status": "incomplete_expired"}, "First payment never made"),
        ({"collection_paused": True}, "Paused until resumed"),
        ({"collection_paused": True, "collection_resumes_at": NOW + 9 * DAY}, "Paused until 2 Dec"),
        ({"current_period_end": None}, "\u2014"),
    ],
)
def test_the_next_date_is_said_in_words_that_are_true(changes: dict[str, object], said: str) -> None:
    """No subscription "renews" on a day that has passed, or that it will not see."""
    assert text_of(words.next_date(subscription(1, **changes), FMT)) == said


def test_every_state_has_a_word() -> None:
    """No page meets a state that it can't name."""
    assert set(words.SUBSCRIPTION) == set(SubscriptionStatus)


@pytest.mark.parametrize(
    ("changes", "mode"),
    [
        ({"livemode": True, "is_test_mode": False}, "live"),
        ({}, "test"),
        ({"account": "demo"}, "demo"),
        ({"account": "example"}, "example"),
        ({"enabled": False}, "off"),
        ({"livemode": True, "account": "demo"}, "live"),
    ],
)
def test_the_mode_is_never_guessed_down_from_live(changes: dict[str, object], mode: str) -> None:
    """Real money is called live whatever the account is named."""
    assert words.mode_of(status(**changes)) == mode
