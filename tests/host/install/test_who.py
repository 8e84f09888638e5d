"""`install(app)`: nobody gets in by accident."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from starlette.requests import Request

from overseer_payment.host import install
from overseer_payment.host_contract import User
from tests.host.install.application import PAGES, MakeApp, alice, client_of


@pytest.mark.parametrize("path", ["/garden", "/garden/may", "/garden/token"])
def test_nobody_gets_in_by_default(make_app: MakeApp, options: dict[str, Any], path: str) -> None:
    """Without a user callback every guarded route answers 401, to programs and to browsers."""
    app = make_app()
    install(app, **options)

    assert [client_of(app).get(path, headers=h).status_code for h in ({}, PAGES)] == [401, 401]
    assert client_of(app).post("/garden/water").status_code == 401


def test_guard_of_the_application_is_not_relied_on(options: dict[str, Any]) -> None:
    """FastAPI's dependencies don't reach mounted routes; ours answer 401 on their own."""

    def deny() -> None:
        raise HTTPException(401)

    app = FastAPI(dependencies=[Depends(deny)])
    app.include_router(APIRouter(), dependencies=[Depends(deny)])
    install(app, **options)

    assert client_of(app).get("/garden").status_code == 401


@pytest.mark.parametrize("answer", [None, "", User("")])
def test_callback_that_knows_nobody_lets_nobody_in(
    make_app: MakeApp, options: dict[str, Any], answer: Any
) -> None:
    """None, an empty id and a user without an id are nobody."""
    app = make_app()
    install(app, user=lambda request: answer, **options)

    assert client_of(app).get("/garden").status_code == 401


def test_user_alone_has_no_permission(make_app: MakeApp, options: dict[str, Any]) -> None:
    """Who is signed in gets past the guard, with no permission until the application grants one."""
    app = make_app()
    install(app, user=alice, **options)

    assert "gate of alice" in client_of(app).get("/garden").text
    assert client_of(app).get("/garden/may").text == ""


def test_callbacks_may_be_async(make_app: MakeApp, options: dict[str, Any]) -> None:
    """User and permission callbacks may be coroutines, and a user may have a name."""

    async def user(request: Request) -> User:
        return User("7", "Grace")

    async def may(request: Request, permission: str) -> bool:
        return permission == "garden.water"

    app = make_app()
    install(app, user=user, authorize=may, **options)

    assert "gate of 7" in client_of(app).get("/garden").text
    assert client_of(app).get("/garden/may").text == "garden.water"


def test_only_true_grants(make_app: MakeApp, options: dict[str, Any]) -> None:
    """A permission callback that answers with something else than True grants nothing."""
    app = make_app()
    install(app, user=alice, authorize=lambda request, permission: "yes", **options)  # type: ignore[arg-type, return-value]  # wrong on purpose

    assert client_of(app).get("/garden/may").text == ""


def test_undeclared_permission_is_never_asked(make_app: MakeApp, options: dict[str, Any]) -> None:
    """The application is asked about permissions that plugins declare, and about no other word."""
    asked: set[str] = set()

    def may(request: Request, permission: str) -> bool:
        asked.add(permission)
        return True

    app = make_app()
    install(app, user=alice, authorize=may, **options)
    client_of(app).get("/garden/may")

    assert {"garden.water"} == asked


def test_program_with_a_permission_needs_no_user(make_app: MakeApp, options: dict[str, Any]) -> None:
    """A request that the application grants a permission gets in, also where there is no user."""
    app = make_app()
    install(app, authorize=lambda request, _: request.headers.get("x-key") == "k", **options)

    assert "gate of a program" in client_of(app, x_key="k").get("/garden").text
    assert client_of(app, x_key="wrong").get("/garden").status_code == 401


def test_callback_is_asked_once_a_request(make_app: MakeApp, options: dict[str, Any]) -> None:
    """Looking up the user may cost a query, so it happens once for each request."""
    calls: list[str] = []

    def user(request: Request) -> str:
        calls.append("asked")
        return "alice"

    app = make_app()
    install(app, user=user, **options)
    client_of(app).get("/garden")

    assert calls == ["asked"]


def test_callback_may_refuse_in_its_own_words(make_app: MakeApp, options: dict[str, Any]) -> None:
    """An HTTPException from a callback is answered with its status."""

    def user(request: Request) -> str:
        raise HTTPException(403, "Suspended.")

    app = make_app()
    install(app, user=user, **options)

    assert client_of(app).get("/garden").status_code == 403


def test_strangers_browser_is_sent_to_the_login(make_app: MakeApp, options: dict[str, Any]) -> None:
    """With a login address a stranger's browser goes there and can come back; a program still gets 401."""
    app = make_app()
    install(app, login_url="/sign-in?from=shop", prefix="/billing", **options)
    client = client_of(app)

    response = client.get("/billing/garden?a=1", headers=PAGES)

    assert (
        response.status_code,
        response.headers["location"],
    ) == (303, "/sign-in?from=shop&next=%2Fbilling%2Fgarden%3Fa%3D1")
    assert client.get("/billing/garden").status_code == 401


def test_webhook_needs_no_user(make_app: MakeApp, options: dict[str, Any]) -> None:
    """Public routes are open, outside guard and CSRF, with the raw body."""
    app = make_app()
    install(app, **options)

    assert (
        client_of(app, sec_fetch_site="cross-site", cookie="a=b").post("/garden/hook", content=b"raw").text
        == "took 3"
    )
