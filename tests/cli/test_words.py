"""How amounts, moments and states read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from overseer_payment.cli import words
from overseer_payment.cli.output import Cell
from overseer_payment.service import Payments
from tests.cli.fake_payments import FakePayments

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def amounts() -> words.Amounts:
    """Formatting by the rules of `stripe` and of a provider that is gone."""
    return words.Amounts(cast(Payments, FakePayments()), ["stripe", "gone"])


@pytest.mark.parametrize(
    ("away", "text"),
    [
        (timedelta(seconds=2), "just now"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(minutes=1), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(days=6, hours=23), "6 d ago"),
        (timedelta(days=7), "2026-11-16"),
        (timedelta(seconds=-90), "in 1 min"),
        (timedelta(days=-3), "in 3 d"),
        (timedelta(days=-30), "2026-12-23"),
    ],
)
def test_moments_read_relative_to_now(away: timedelta, text: str) -> None:
    """Within a week in the largest unit that is not zero, else the day."""
    assert words.relative(NOW - away, NOW) == text


def test_programs_get_iso_moments() -> None:
    """The same cell holds ISO 8601 in UTC, whatever the moment's own zone."""
    from datetime import timezone

    there = NOW.astimezone(timezone(timedelta(hours=9)))
    assert words.moment(there, now=NOW) == Cell("just now", plain="2026-11-23T12:00:00Z")
    assert words.moment(None) == Cell("")


def test_amounts_follow_the_providers_rule(amounts: words.Amounts) -> None:
    """Stripe counts ISK in hundredths; ISO 4217 has no smaller unit."""
    assert amounts.text("stripe", 123400, "isk") == "1,234 ISK"
    assert amounts.text("gone", 1234, "isk") == "1,234 ISK"
    assert amounts.text("stripe", 12340, "kwd") == "12.340 KWD"
    assert amounts.text("stripe", 1234567, "jpy") == "1,234,567 JPY"


def test_an_unknown_currency_is_shown_as_stored(amounts: words.Amounts) -> None:
    """A row of a currency nobody lists doesn't end the list."""
    assert amounts.text("stripe", 100, "qqq") == "100 QQQ (minor units)"


def test_negative_amounts_have_an_ascii_minus_for_programs(amounts: words.Amounts) -> None:
    """People get the typographic sign."""
    assert amounts.cell("stripe", -500, "usd") == Cell("\u22125.00 USD", plain="-5.00 USD")


def test_states_are_spelled_for_people_and_for_programs() -> None:
    """A blank for one, the API's word for the other."""
    assert words.state("partially_refunded") == Cell(
        "partially refunded", "yellow", plain="partially_refunded"
    )


def test_live_mode_stands_out() -> None:
    """Live is bold and red, test is not."""
    assert words.mode(True) == Cell("live mode", "bold red")
    assert words.mode(False).text == "test mode"


@pytest.mark.parametrize(
    ("interval", "count", "text"), [(None, 1, ""), ("month", 1, "month"), ("month", 3, "3 months")]
)
def test_cadence(interval: str | None, count: int, text: str) -> None:
    """How often a price is due."""
    assert words.cadence(interval, count) == text


@pytest.mark.parametrize(
    ("name", "email", "text"),
    [("Ada", "a@b.c", "Ada <a@b.c>"), ("Ada", None, "Ada"), (None, "a@b.c", "a@b.c"), (None, None, "")],
)
def test_person(name: str | None, email: str | None, text: str) -> None:
    """As much of a customer as is known."""
    assert words.person(name, email) == text
