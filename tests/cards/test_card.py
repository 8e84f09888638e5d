"""The card: data first, the same for everyone who may see it, and honest when something is broken."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from overseer_payment import cards as cards_module
from overseer_payment.cards.card import CardView
from overseer_payment.errors import ConfigurationError, DatabaseError
from tests.cards.fake_payments import FakePayments
from tests.cards.fakes import FakeHost
from tests.cards.rows import now, status

FRAGMENT = {"Accept": "text/vnd.overseer.fragment+html"}


def card(client: TestClient) -> CardView:
    return CardView.model_validate(client.get("/payment/card.json").json())


def test_the_card_is_data_first(client: TestClient) -> None:
    """The JSON holds what the HTML shows: mode, health, revenue per currency with its change, counts."""
    view = card(client)
    assert (view.mode, view.health, view.provider) == ("test", "ok", "Stripe")
    assert [one.currency for one in view.revenue] == ["usd", "eur", "jpy"]
    assert all(len(one.points) == 30 and sum(one.points) == one.net for one in view.revenue)
    assert {figure.key: figure.value for figure in view.figures} == {
        "transactions": 1284,
        "subscriptions": 87,
        "disputes": 2,
    }
    html = client.get("/payment/card", headers=FRAGMENT).text
    assert view.revenue[0].text in " ".join(re.sub(r"<[^>]+>", "", html).split())
    assert ">TEST</strong>" in html


def test_failed_events_appear_when_there_are_any(client: TestClient, payments: FakePayments) -> None:
    """A failed event needs a person, so it gets a figure of its own, in red."""
    payments.state = status(failed_events=3)
    figure = next(one for one in card(client).figures if one.key == "events")
    assert (figure.value, figure.tone) == (3, "danger")


def test_a_broken_database_is_told_and_the_last_figures_stay(
    client: TestClient, payments: FakePayments
) -> None:
    """The card says what and since when, keeps the last figures as such, and recovers by itself."""
    before = card(client)
    payments.failing = DatabaseError("The database can't be reached.")
    broken = card(client)
    assert (broken.health, broken.stale, broken.revenue) == ("error", True, before.revenue)
    assert "can't be reached" in broken.health_message
    assert broken.since is not None
    assert card(client).since == broken.since
    html = client.get("/payment/card", headers=FRAGMENT)
    assert html.status_code == 200
    assert "Figures are from" in html.text
    payments.failing = None
    assert (card(client).health, card(client).since) == ("ok", None)


def test_a_database_broken_from_the_start_shows_no_invented_figures(
    client: TestClient, payments: FakePayments
) -> None:
    """Without last known figures there are none, not zeros."""
    payments.failing = DatabaseError("The database can't be reached.")
    view = card(client)
    assert (view.figures, view.revenue, view.as_of) == ([], [], None)
    assert "No figures have been read yet" in client.get("/payment/card", headers=FRAGMENT).text


def test_a_wrong_setting_is_told_on_the_card(
    client: TestClient, payments: FakePayments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service that can't be built costs the card its figures, not its page."""

    def fail(host: object) -> None:
        raise ConfigurationError("OVERSEER_PUBLIC_URL must be an absolute http or https URL.")

    monkeypatch.setattr("overseer_payment.composition.payments_for", fail)
    assert "OVERSEER_PUBLIC_URL" in client.get("/payment/card", headers=FRAGMENT).text


def test_an_unhealthy_provider_keeps_the_present_figures(client: TestClient, payments: FakePayments) -> None:
    """The ledger still answers while the provider does not."""
    payments.state = status(healthy=False, health_message="Stripe can't be reached.")
    view = card(client)
    assert (view.health, view.stale) == ("error", False)
    assert view.since is not None
    assert view.revenue


def test_without_a_provider_the_card_says_so(client: TestClient, payments: FakePayments) -> None:
    """Not configured is neither healthy nor broken, and has no badge."""
    payments.state = status(enabled=False, provider=None, health_message="Set STRIPE_SECRET_KEY.")
    payments.series = []
    html = client.get("/payment/card", headers=FRAGMENT).text
    assert "Set STRIPE_SECRET_KEY." in html
    assert "op-badge" not in html


@pytest.mark.parametrize("path", ["/payment/card", "/payment/card.json"])
def test_the_card_is_for_those_who_may_see_payments(client: TestClient, host: FakeHost, path: str) -> None:
    """401 for nobody, 403 for a user without the permission; no figure leaves."""
    host.permissions = frozenset({"payment.refund"})
    refused = client.get(path)
    assert refused.status_code == 403
    assert "EUR" not in refused.text
    host.signed_in = False
    assert client.get(path).status_code == 401


def test_the_card_is_a_plain_link_without_script(client: TestClient) -> None:
    """The card's title links to the page that the modal shows."""
    assert 'href="/payment/modal"' in client.get("/payment/card", headers=FRAGMENT).text


def test_the_hook_names_paths_that_exist(client: TestClient, host: FakeHost) -> None:
    """Links, stylesheets and scripts that hosts are told of are all served."""
    (declared,) = cards_module.cards(host)
    for path in (declared.href, declared.modal_href, *declared.stylesheets, *declared.scripts):
        assert client.get(path).status_code == 200


def test_hosts_get_a_plain_string(client: TestClient) -> None:
    """A host may put text around the card; only the card's own part counts as safe HTML."""
    page = client.get("/")
    assert page.text.startswith("<!doctype html>")
    assert "&lt;article" not in page.text


def test_the_card_names_the_nearest_deadline(client: TestClient, payments: FakePayments) -> None:
    """An open dispute says by when; within three days it is red, with a word beside the colour."""
    payments.state = status(open_disputes=2)
    disputed = next(row for row in payments.payments if row.disputes)
    soon = now() + timedelta(days=2, hours=1)
    dispute = disputed.disputes[0].model_copy(update={"evidence_due_by": soon})
    payments.payments = [disputed.model_copy(update={"disputes": [dispute]})]
    figure = next(one for one in card(client).figures if one.key == "disputes")
    assert (figure.tone, figure.due) == ("danger", soon)
    assert "in 2 days" in client.get("/payment/card", headers=FRAGMENT).text
