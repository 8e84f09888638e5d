"""The modal's pages are closed to strangers, and show what strangers wrote as text."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.cards.fake_payments import FakePayments
from tests.cards.fakes import FakeHost
from tests.cards.rows import HEBREW, XSS, customer, status, subscription
from tests.cards.views import VIEWS


@pytest.mark.parametrize("path", VIEWS)
def test_no_view_needs_inline_code(client: TestClient, path: str) -> None:
    """Nothing that the strict policy would refuse: no style attribute, no handler, no inline script."""
    html = client.get(path).text
    assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\ssrc=)", html)


@pytest.mark.parametrize("path", ["customers/%00", "modal/customers?q=a%00", "modal/events?type=%00"])
def test_no_database_is_asked_for_what_it_cant_hold(client: TestClient, path: str) -> None:
    """An address with a NUL is refused in words; PostgreSQL would refuse the whole question."""
    answer = client.get(f"/payment/{path}")
    assert (answer.status_code, "Follow a link instead" in answer.text) == (422, True)


@pytest.mark.parametrize("path", [*VIEWS, "/payment/card", "/payment/actions/checkout"])
def test_strangers_see_nothing(client: TestClient, host: FakeHost, path: str) -> None:
    """Nobody signed in: 401, without a single row, tab or figure."""
    host.signed_in = False
    answer = client.post(path) if path.endswith("/checkout") else client.get(path)
    assert answer.status_code == 401
    assert "op-tabs" not in answer.text
    assert "USD" not in answer.text


@pytest.mark.parametrize(
    ("path", "permission"),
    [
        ("/payment/modal", "payment.view"),
        ("/payment/modal/actions", "payment.manage"),
        ("/payment/modal/settings", "payment.admin"),
        ("/payment/transactions/2/refund", "payment.refund"),
    ],
)
def test_each_page_asks_for_its_permission(
    client: TestClient, host: FakeHost, path: str, permission: str
) -> None:
    """Without it the page is refused and names what to ask for."""
    host.permissions -= {permission}
    answer = client.get(path)
    assert answer.status_code == 403
    assert permission in answer.text


def test_permissions_hide_what_they_forbid(client: TestClient, host: FakeHost) -> None:
    """Who may only look is offered no action and no tab that would refuse them."""
    host.permissions = frozenset({"payment.view"})
    overview, payment = client.get("/payment/modal").text, client.get("/payment/transactions/2").text
    assert "/payment/modal/actions" not in overview
    assert "/payment/modal/settings" not in overview
    assert "/refund" not in payment


@pytest.mark.parametrize(
    "path",
    [
        "/payment/modal/transactions",
        "/payment/transactions/1",
        "/payment/modal/subscriptions",
        "/payment/subscriptions/1",
        "/payment/modal/customers",
        "/payment/customers/1",
        "/payment/modal/settings",
        "/payment/modal/actions",
        "/payment/modal",
        "/payment/card",
        f"/payment/modal/transactions?q={XSS}&customer_id=x",
        f"/payment/modal/customers?q={XSS}",
    ],
)
def test_every_field_is_escaped(client: TestClient, payments: FakePayments, path: str) -> None:
    """Whatever a customer, a provider or an address says, it stays text."""
    poisoned(payments)
    html = client.get(path).text
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "javascript:" not in re.sub(r"<code>.*?</code>", "", html)


def poisoned(payments: FakePayments) -> None:
    """The shop, with markup in each text that comes from outside."""
    base = payments.payments[0]
    timeline = [
        entry.model_copy(update={"title": XSS, "detail": XSS, "actor": XSS}) for entry in base.timeline
    ]
    words: dict[str, Any] = dict.fromkeys(
        ("description", "customer_name", "customer_email", "method", "failure_message", "reason"), XSS
    )
    references = [one.model_copy(update={"id": XSS, "kind": XSS}) for one in base.references]
    payments.payments = [base.model_copy(update={**words, "timeline": timeline, "references": references})]
    payments.subs = [subscription(1, plan_name=XSS, customer_email=XSS)]
    payments.people = [customer(1, name=XSS, email=XSS, user_id=XSS, provider_customer_id=XSS)]
    payments.prices = [
        price.model_copy(update={"product_name": XSS, "nickname": XSS, "id": XSS})
        for price in payments.prices
    ]
    payments.plugins = [row.model_copy(update={"title": XSS, "error": XSS}) for row in payments.plugins]
    payments.findings = [one.model_copy(update={"title": XSS, "cure": XSS}) for one in payments.findings]
    payments.state = status(account=XSS, health_message=XSS, healthy=False)


def test_names_keep_their_own_direction(client: TestClient) -> None:
    """Right-to-left names are isolated, so that they don't turn the amounts around."""
    assert f"<bdi>{HEBREW}</bdi>" in client.get("/payment/modal/transactions").text


def test_another_users_row_is_not_there(client: TestClient) -> None:
    """404 in the frame, with a way on."""
    answer = client.get("/payment/transactions/424242")
    assert answer.status_code == 404
    assert "op-tabs" in answer.text


def test_provider_links_are_web_addresses_only(client: TestClient) -> None:
    """A reference's link leads to the provider in a new window, and never runs anything."""
    html = client.get("/payment/transactions/1").text
    assert (
        'href="https://dashboard.stripe.com/test/payments/pi_3Q000001" target="_blank" rel="noopener' in html
    )
    assert "javascript:" not in html
