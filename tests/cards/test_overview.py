"""The Overview: figures with true trends, and everything that needs a person, each with its list."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from overseer_payment.cards.attention import counted
from overseer_payment.cards.trends import points
from overseer_payment.schemas import RevenueSeries
from tests.cards.fake_payments import FakePayments
from tests.cards.fakes import FakeHost
from tests.cards.rows import status
from tests.cards.shop import points as points_of


def figures(html: str) -> dict[str, str]:
    """Each figure's words, by its label."""
    found = re.findall(r"<dt>([^<]+)</dt>\s*<dd>(.*?)</dd></div>", html, re.DOTALL)
    return {label: " ".join(re.sub(r"<[^>]+>", " ", text).split()) for label, text in found}


def test_every_figure_is_there_with_its_trend(client: TestClient) -> None:
    """What came in, what went back, what recurs, who leaves and what fails."""
    found = figures(client.get("/payment/modal").text)
    assert list(found) == [
        "Net revenue",
        "Gross",
        "Refunded",
        "Disputed",
        "Failed payments",
        "MRR",
        "Active subscriptions",
        "Churn",
        "ARPU",
    ]
    assert "up 5.0" in found["MRR"]
    assert "down 0.4 percentage points" in found["Churn"]


def test_a_year_is_compared_with_the_year_before(client: TestClient, payments: FakePayments) -> None:
    """In the figures, and as a paler bar behind each week when there was one."""
    html = client.get("/payment/modal?days=365").text
    assert "against the period before" in html
    assert "op-ghost" not in html
    payments.series = [RevenueSeries(currency="usd", points=points_of(730, 5000))]
    assert "op-ghost" in client.get("/payment/modal?days=365").text


def test_one_provider_of_several_is_looked_at_alone(client: TestClient, payments: FakePayments) -> None:
    """Every address that leads on keeps it; with a single provider there is nothing to choose."""
    assert 'aria-label="Provider"' not in client.get("/payment/modal").text
    payments.state = status(providers=["acmepay", "stripe"])
    assert "All providers" in client.get("/payment/modal").text
    html = client.get("/payment/modal?provider=acmepay").text
    assert figures(html)["Active subscriptions"].startswith("1 ")
    kept = re.findall(r'href="(/payment/modal(?:/transactions)?\?[^"]*(?:days|status|type)=[^"]+)"', html)
    assert sum("provider=acmepay" in link for link in kept) >= 8
    assert client.get("/payment/card.json?provider=acmepay").json()["href"].endswith("?provider=acmepay")


def test_figures_lead_to_the_rows_behind_them(client: TestClient) -> None:
    """The same currency and period, and the list shows them."""
    html = client.get("/payment/modal?days=7&currency=usd").text
    links = re.findall(r'href="(/payment/modal/transactions\?[^"]+)"', html)
    failed = next(link for link in links if "status=failed" in link).replace("&amp;", "&")
    assert "currency=usd" in failed
    assert "occurred_after=" in failed
    assert client.get(failed).status_code == 200


def test_drift_that_is_not_mended_needs_a_person(client: TestClient, payments: FakePayments) -> None:
    """What the last comparison left; without any, nothing is said."""
    payments.state = status(drift=2)
    assert "2 differences from the provider" in client.get("/payment/modal").text
    payments.state = status(drift=0)
    assert "from the provider</" not in client.get("/payment/modal").text


def test_the_red_comes_first(client: TestClient, payments: FakePayments) -> None:
    """What has failed stands above what waits."""
    payments.state = status(drift=2, failed_events=2, pending_events=400, lag_seconds=600)
    html = client.get("/payment/modal").text
    order = [html.index(text) for text in ("2 events could not", "400 events wait", "2 differences")]
    assert order == sorted(order)


def test_a_moment_of_waiting_alarms_nobody(client: TestClient, payments: FakePayments) -> None:
    """Events wait for seconds all the time; only those that have been waiting for minutes are told."""
    payments.state = status(pending_events=40, lag_seconds=5)
    assert "wait to be applied" not in client.get("/payment/modal").text


def test_settings_are_no_link_for_those_who_may_not_open_them(
    client: TestClient, payments: FakePayments, host: FakeHost
) -> None:
    """What needs a person is said to all, but nobody is led into a refusal."""
    payments.state = status(healthy=False, drift=1)
    host.permissions -= {"payment.admin"}
    html = client.get("/payment/modal").text
    assert "not healthy" in html
    assert "/payment/modal/settings" not in html


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (0.05, 0.031, "up 1.9 percentage points"),
        (0.0, 0.2, "down 20.0 percentage points"),
        (0.05, 0.05, "no change"),
        (0.05, 0.0501, "no change"),
        (None, 0.1, "no earlier period to compare with"),
        (0.1, None, "no earlier period to compare with"),
    ],
)
def test_shares_are_compared_by_their_distance(now: float | None, before: float | None, words: str) -> None:
    """Half a percent of churn more is not "10 % more churn"."""
    assert points(now, before).words == words


def test_counts_say_when_there_are_more() -> None:
    """One of something is not called many, and a list that was cut is not called complete."""
    assert [counted(1, "one", "many"), counted(2, "one", "many"), counted(1, "one", "many", more=True)] == [
        "1 one",
        "2 many",
        "1+ many",
    ]
