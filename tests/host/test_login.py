"""Getting in, and staying out."""

from __future__ import annotations

from typing import Any

import pytest
from itsdangerous import URLSafeTimedSerializer
from starlette.testclient import TestClient

from overseer_payment.host import create_app
from overseer_payment.host.auth import SESSION_SECONDS, Throttle
from tests.host.conftest import TOKEN

COOKIE = "overseer_session"
PAGES = {"accept": "text/html"}


def test_browser_without_session_is_sent_to_the_login(client: TestClient) -> None:
    """Opening a page as a stranger leads to the login, which knows where to go afterwards."""
    response = client.get("/garden?row=3", headers=PAGES)

    assert (response.status_code, response.headers["location"]) == (303, "/login?next=%2Fgarden%3Frow%3D3")


@pytest.mark.parametrize("path", ["/", "/garden", "/garden/token"])
def test_program_without_token_is_refused(client: TestClient, path: str) -> None:
    """A program without the token gets 401 as a problem, and is told how to do better."""
    response = client.get(path)

    assert (
        response.status_code,
        response.headers["content-type"],
        response.headers["www-authenticate"],
    ) == (401, "application/problem+json", "Bearer")


def test_stranger_may_not_post(client: TestClient) -> None:
    """A write without any proof of identity is refused, also for a browser."""
    assert client.post("/garden/water", headers=PAGES).status_code == 401


def test_login_form_opens_a_session(client: TestClient) -> None:
    """The right token in the form gives a cookie, and leads to where one wanted to go."""
    response = client.post("/login", data={"token": TOKEN, "next": "/garden"})

    assert (response.status_code, response.headers["location"]) == (303, "/garden")
    assert "gate of admin" in client.get("/garden").text


def test_login_link_leaves_no_token_in_the_address(client: TestClient) -> None:
    """The printed link signs in and leads on to an address without the token."""
    response = client.get(f"/login?token={TOKEN}")

    assert (response.status_code, response.headers["location"]) == (303, "/")
    assert client.get("/").status_code == 200


def test_signed_in_browser_skips_the_login(browser_client: TestClient) -> None:
    """Who is signed in already goes straight on."""
    response = browser_client.get("/login?next=/garden")

    assert (response.status_code, response.headers["location"]) == (303, "/garden")


def test_wrong_token_is_not_echoed(client: TestClient) -> None:
    """A wrong token is refused without showing what was typed, and opens nothing."""
    response = client.post("/login", data={"token": "<b>guess</b>"})

    assert response.status_code == 401
    assert "guess" not in response.text
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "evil",
        "",
    ],
)
def test_login_leads_to_our_own_pages_only(client: TestClient, target: str) -> None:
    """A link that names another site as the next page ends on the dashboard."""
    by_form = client.post("/login", data={"token": TOKEN, "next": target})
    by_link = client.get("/login", params={"token": TOKEN, "next": target})

    assert [by_form.headers["location"], by_link.headers["location"]] == ["/", "/"]


def test_cookie_is_for_our_pages_only(client: TestClient) -> None:
    """Scripts can't read the session, other sites' requests don't carry it, and it ends."""
    cookie = client.post("/login", data={"token": TOKEN}).headers["set-cookie"].lower()

    for part in ("httponly", "samesite=lax", "path=/", f"max-age={SESSION_SECONDS}"):
        assert part in cookie
    assert "secure" not in cookie


def test_cookie_is_secure_where_people_use_https(config: dict[str, Any]) -> None:
    """With an https address the session never travels in the clear, and no other host can plant one."""
    app = create_app({**config, "OVERSEER_PUBLIC_URL": "https://pay.example"})
    cookie = (
        TestClient(app, follow_redirects=False).post("/login", data={"token": TOKEN}).headers["set-cookie"]
    )

    assert cookie.startswith("__Host-overseer_session=")
    assert "Secure" in cookie


def test_session_ends_with_the_token(browser_client: TestClient, config: dict[str, Any]) -> None:
    """Another admin token ends every session that was opened with the old one."""
    other = TestClient(
        create_app({**config, "OVERSEER_TOKEN": "another-token"}), cookies=browser_client.cookies
    )

    assert other.get("/").status_code == 401


def test_session_ends_with_time(browser_client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session is worth nothing a week later."""
    real = URLSafeTimedSerializer.loads

    def a_week_later(self: Any, value: Any, max_age: int, **options: Any) -> Any:
        return real(self, value, max_age=max_age - SESSION_SECONDS - 1, **options)

    monkeypatch.setattr(URLSafeTimedSerializer, "loads", a_week_later)

    assert browser_client.get("/").status_code == 303


@pytest.mark.parametrize("change", [str.upper, lambda value: value[:-2] + "xx", lambda value: "x"])
def test_forged_session_is_none(browser_client: TestClient, change: Any) -> None:
    """A session that was altered or made up is no session."""
    value = browser_client.cookies[COOKIE]
    browser_client.cookies.clear()
    browser_client.cookies.set(COOKIE, change(value))

    assert browser_client.get("/").status_code == 303


def test_bearer_token_is_a_program(program: TestClient) -> None:
    """The bearer token may do everything that a plugin declared, and is no particular user."""
    assert "gate of a program" in program.get("/garden").text
    assert program.get("/garden/may").text == "garden.water"


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", f"Basic {TOKEN}", "Bearer é"])
def test_wrong_authorization_counts_even_beside_a_session(browser_client: TestClient, header: str) -> None:
    """Who sends an Authorization header is judged by it alone."""
    headers = {b"authorization": header.encode("latin-1"), b"accept": b"text/html"}
    response = browser_client.get("/garden", headers=headers)

    assert response.status_code == 303


def test_logout_ends_the_session(browser_client: TestClient) -> None:
    """Signing out takes the cookie away."""
    token = browser_client.get("/garden/token").text
    response = browser_client.post("/logout", data={"csrf_token": token})

    assert (response.status_code, response.headers["location"]) == (303, "/login")
    assert browser_client.get("/").status_code == 303


@pytest.mark.parametrize("data", [{}, {"csrf_token": "made-up"}])
def test_foreign_page_can_not_sign_out(browser_client: TestClient, data: dict[str, str]) -> None:
    """Signing out needs the session's own token."""
    assert browser_client.post("/logout", data=data).status_code == 403
    assert browser_client.get("/").status_code == 200


def test_guessing_is_throttled(client: TestClient) -> None:
    """After ten wrong tokens in a minute not even the right one is heard, by form or by link."""
    answers = [client.post("/login", data={"token": f"guess {n}"}).status_code for n in range(11)]
    late = client.get(f"/login?token={TOKEN}")

    assert answers == [401] * 10 + [429]
    assert late.status_code == 429
    assert 1 <= int(late.headers["retry-after"]) <= 60


def test_success_clears_the_count(client: TestClient) -> None:
    """Somebody who mistypes now and then is never locked out."""
    for _ in range(3):
        for _ in range(9):
            client.post("/login", data={"token": "typo"})
        assert client.post("/login", data={"token": TOKEN}).status_code == 303


def test_throttle_forgets_with_time() -> None:
    """An address is heard again when its window is over."""
    now = [0.0]
    throttle = Throttle(limit=2, window=60, clock=lambda: now[0])
    throttle.fail("a")
    throttle.fail("a")

    assert throttle.wait("a") > 0
    assert throttle.wait("b") == 0
    now[0] = 60.0
    assert throttle.wait("a") == 0
    throttle.fail("a")
    assert throttle.wait("a") == 0


def test_throttle_remembers_a_bounded_number_of_addresses() -> None:
    """However many addresses fail, memory stays bounded, and the latest are remembered."""
    throttle = Throttle(limit=1, size=3)
    for address in "abcde":
        throttle.fail(address)

    assert [throttle.wait(address) > 0 for address in "abcde"] == [False, False, True, True, True]


def test_host_without_token_lets_nobody_in(config: dict[str, Any]) -> None:
    """A host that was given no token makes up one that nobody knows."""
    app = create_app({**config, "OVERSEER_TOKEN": ""})
    client = TestClient(app, follow_redirects=False)

    assert client.post("/login", data={"token": ""}).status_code == 401
    assert client.get("/", headers={"authorization": "Bearer "}).status_code == 401


def guess(client: TestClient, token: str = "guess") -> int:
    return client.get("/garden", headers={"authorization": f"Bearer {token}"}).status_code


def test_guesses_by_bearer_token_count(client: TestClient) -> None:
    """Wrong bearer tokens are refused after ten, and form and link count them too."""
    assert [guess(client) for _ in range(11)] == [401] * 10 + [429]
    late = client.get("/garden", headers={"authorization": "Bearer guess"})

    assert 1 <= int(late.headers["retry-after"]) <= 60
    assert late.json()["code"] == "http_429"
    assert client.post("/login", data={"token": "guess"}).status_code == 429


def test_guesses_by_form_count_for_bearer_tokens(client: TestClient) -> None:
    """Wrong tokens in the form are failures of the same address."""
    for _ in range(10):
        client.post("/login", data={"token": "guess"})

    assert guess(client) == 429


def test_strangers_guesses_lock_nobody_out(browser_client: TestClient) -> None:
    """The right bearer token and an open session are heard however many guesses came from that address."""
    for _ in range(12):
        guess(browser_client)

    assert guess(browser_client, TOKEN) == 200
    assert browser_client.get("/garden").status_code == 200


def test_only_bearer_tokens_are_guesses(client: TestClient) -> None:
    """A browser that sends a proxy's password with each request guesses nothing."""
    basic = {"authorization": "Basic YWxpY2U6cHc="}

    assert {client.get("/garden", headers=basic).status_code for _ in range(12)} == {401}
    assert guess(client) == 401


def test_address_is_the_connections(client: TestClient) -> None:
    """A header in which a client names another address makes it no other client."""
    answers = [
        client.post("/login", data={"token": "guess"}, headers={"x-forwarded-for": f"192.0.2.{n}"})
        for n in range(11)
    ]

    assert answers[-1].status_code == 429


def test_failures_of_all_addresses_are_bounded() -> None:
    """Guesses from ever new addresses are refused together; an address without failures is still heard."""
    now = [0.0]
    throttle = Throttle(limit=10, total=20, clock=lambda: now[0])

    assert [throttle.fail(f"address {n}") for n in range(20)] == [0] * 20
    assert throttle.fail("another") > 0
    assert throttle.wait("another") == 0
    now[0] = 60.0
    assert throttle.fail("another") == 0
