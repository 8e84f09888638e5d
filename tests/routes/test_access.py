"""Who may call what: every operation as nobody, owner, stranger and admin."""

from __future__ import annotations

import re

import pytest
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from overseer_payment.host_contract import PERMISSIONS
from overseer_payment.routes.op import PREFIX, Op
from overseer_payment.routes.table import OPS
from tests.routes.fake_payments import FakeHost, FakePayments, client_of

KNOWN = {
    "get_checkout": "cs_1",
    "get_transaction": "7",
    "refund_transaction": "7",
    "get_subscription": "4",
    "get_customer": "3",
}
LISTS = {
    "list_transactions": "transactions",
    "list_subscriptions": "subscriptions",
    "list_customers": "customers",
}
FACADE = (
    KNOWN.keys() | LISTS.keys() | {"create_checkout", "get_status", "get_revenue_timeseries", "get_catalog"}
)
"""What the fake façade answers. Other operations are called over the real service, in tests of their own."""

by_name = pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
by_facade = pytest.mark.parametrize("op", [op for op in OPS if op.name in FACADE], ids=lambda op: op.name)


def url_of(op: Op) -> str:
    return PREFIX + re.sub(r"{\w+}", KNOWN.get(op.name, "1"), op.path)


def send(client: TestClient, op: Op, **headers: str) -> tuple[int, dict[str, object]]:
    response = client.request(op.method, url_of(op), json=op.body_example, headers=headers)
    json = "json" in response.headers["content-type"] and "jsonl" not in response.headers["content-type"]
    return response.status_code, response.json() if json else {}


@by_name
def test_anonymous_is_asked_to_sign_in(op: Op, payments: FakePayments, anonymous: TestClient) -> None:
    """Nobody gets 401 with WWW-Authenticate, and the façade is never reached."""
    response = anonymous.request(op.method, url_of(op), json=op.body_example)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["code"] == "unauthenticated"
    assert payments.calls == []


@by_facade
def test_admin_may_do_everything(op: Op, admin: TestClient) -> None:
    """The holder of the host's token is answered 200 by every operation."""
    status, _ = send(admin, op)
    assert status == 200


@by_facade
def test_owner_sees_own_rows(op: Op, payments: FakePayments) -> None:
    """A user without permissions gets what is theirs, and may not give money back."""
    status, answer = send(client_of(payments, caller="alice"), op)
    assert status == (403 if op.needs else 200)
    if op.name in LISTS:
        assert answer[LISTS[op.name]]


@pytest.mark.parametrize("op", [op for op in OPS if op.needs and not op.sight], ids=lambda op: op.name)
def test_what_takes_a_permission_is_refused_without(op: Op, payments: FakePayments) -> None:
    """A user without permissions gets 403, and the façade is never reached."""
    status, _ = send(client_of(payments, caller="bob"), op)
    assert status == 403
    assert payments.calls == []


@by_facade
def test_stranger_sees_nothing_of_others(op: Op, payments: FakePayments) -> None:
    """Another user's row is 404 for reads and writes alike, lists are empty, sums are not theirs to see."""
    status, answer = send(client_of(payments, caller="bob"), op)
    assert status == (404 if op.name in KNOWN else 403 if op.needs else 200)
    if op.name in LISTS:
        assert answer[LISTS[op.name]] == []


def test_refusal_does_not_tell_whether_a_row_exists(payments: FakePayments) -> None:
    """A stranger's refund of somebody's payment reads exactly like that of no payment at all."""
    bob = client_of(payments, caller="bob")
    theirs, none = (bob.post(f"{PREFIX}/refund/{row}", json={}) for row in ("7", "999"))
    assert theirs.json() == none.json()
    assert "refund" not in [name for name, _ in payments.calls]


def test_missing_permission_is_named(payments: FakePayments) -> None:
    """The owner of a payment is told which permission a refund needs."""
    response = client_of(payments, caller="alice").post(f"{PREFIX}/refund/7")
    assert response.status_code == 403
    assert "payment.refund" in response.json()["detail"]


def test_granted_permission_suffices(payments: FakePayments) -> None:
    """A user who may refund and view does so under their own name."""
    host = FakeHost(granted={"carol": frozenset({"payment.refund", "payment.view"})})
    response = client_of(payments, host, caller="carol").post(f"{PREFIX}/refund/7")
    assert response.status_code == 200
    assert payments.calls[-1][1][0] == "user:carol"


def test_token_without_a_user_acts_as_token(payments: FakePayments, admin: TestClient) -> None:
    """A program that holds the host's token is named so in the audit trail."""
    admin.post(f"{PREFIX}/checkout", json={"mode": "payment", "price_id": "price_1"})
    assert payments.calls[-1][1][0] == "token"


def test_host_is_asked_for_each_permission(host: FakeHost, admin: TestClient) -> None:
    """The host decides on every permission, on every request."""
    admin.get(f"{PREFIX}/status")
    assert host.asked == list(PERMISSIONS)


def test_guard_comes_before_the_body(payments: FakePayments, anonymous: TestClient) -> None:
    """An anonymous caller's body isn't looked at: broken JSON is 401, not 422."""
    response = anonymous.post(f"{PREFIX}/checkout", content=b"{")
    assert response.status_code == 401
    alice = client_of(payments, caller="alice")
    assert alice.post(f"{PREFIX}/refund/7", content=b"x" * 100_000).status_code == 403


@pytest.mark.parametrize("token", [None, "", "bad"])
def test_cookie_write_needs_the_token(payments: FakePayments, host: FakeHost, token: str | None) -> None:
    """A write with a session cookie and without the page's own token is refused before the façade."""
    client = client_of(payments, host)
    client.cookies.set("session", "alice")
    headers = {} if token is None else {"X-CSRF-Token": token}
    response = client.post(f"{PREFIX}/checkout", json={"mode": "payment"}, headers=headers)
    assert (response.status_code, response.json()["code"]) == (403, "csrf_failed")
    assert payments.calls == []


def test_cookie_write_with_the_token_is_done(payments: FakePayments, host: FakeHost) -> None:
    """Our own pages send the token, and their writes pass."""
    client = client_of(payments, host)
    client.cookies.set("session", "alice")
    body = {"mode": "payment", "price_id": "price_1"}
    response = client.post(f"{PREFIX}/checkout", json=body, headers={"X-CSRF-Token": "good"})
    assert response.status_code == 200


def test_cookie_read_needs_no_token(payments: FakePayments, host: FakeHost) -> None:
    """Reads change nothing, so a cookie alone suffices."""
    client = client_of(payments, host)
    client.cookies.set("session", "alice")
    assert client.get(f"{PREFIX}/transactions/7").status_code == 200
    assert client.head(f"{PREFIX}/transactions/7").status_code == 200


@pytest.mark.parametrize(("raised", "answered"), [(401, 401), (403, 403), (303, 401), (999, 500)])
def test_hosts_own_refusal_is_a_problem(
    payments: FakePayments, host: FakeHost, raised: int, answered: int
) -> None:
    """A host that raises its framework's exception refuses too; its words and redirects stay inside."""
    host.error = HTTPException(raised, detail="secret")
    response = client_of(payments, host, caller="alice").get(f"{PREFIX}/status")
    assert response.status_code == answered
    assert response.headers["content-type"] == "application/problem+json"
    assert "secret" not in response.text
