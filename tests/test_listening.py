"""Listeners are checked when a process starts: what is misspelt is an error that names the right word."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from starlette.applications import Starlette

from overseer_payment.errors import ConfigurationError
from overseer_payment.hookspecs import LISTENER_GROUP
from overseer_payment.host import create_app, install
from overseer_payment.listening import TOPICS, Listener, News, collect, inside, on
from overseer_payment.telling.discovery import installed
from tests.support.distributions import Install, installer

HEAD = "from overseer_payment import hookimpl, inside, on\n"
GOOD = (
    HEAD
    + """
@on("payment.succeeded")
def hear(news): ...

@hookimpl
def register_listeners():
    yield hear
"""
)


@pytest.fixture
def plug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a distribution whose module listens."""
    return installer(tmp_path, monkeypatch, group=LISTENER_GROUP)


def found(**environ: str) -> dict[str, Listener]:
    return {one.name: one for one in installed(environ)}


@pytest.mark.parametrize("mark", [on, inside])
@pytest.mark.parametrize(
    ("topic", "right"),
    [
        ("payment.suceeded", "payment.succeeded"),
        ("subscription.begun", "subscription."),
        ("Payment.Succeeded", "payment.succeeded"),
        ("x", "There are: checkout.completed"),
    ],
)
def test_a_misspelt_topic_is_refused(mark: Callable[..., Any], topic: str, right: str) -> None:
    """With the nearest right one, or all of them."""
    with pytest.raises(ConfigurationError) as refused:
        mark(topic)(lambda *told: None)
    assert topic in refused.value.detail
    assert right in refused.value.detail


def test_a_handler_must_take_what_it_is_given() -> None:
    """A wrong signature is found at start-up, not with the first payment."""
    with pytest.raises(ConfigurationError, match=r"must take \(news\)"):
        on("payment.succeeded")(lambda: None)
    with pytest.raises(ConfigurationError, match=r"must take \(connection, news\)"):
        inside("payment.succeeded")(lambda news: None)
    with pytest.raises(ConfigurationError, match="needs a topic"):
        on()(lambda news: None)


def test_listeners_need_marks_and_names_of_their_own() -> None:
    """A plain function, a module without any, and two of one name are refused."""

    def plain(news: News) -> None: ...

    one, other = on("payment.failed", name="a")(plain), on("payment.failed", name="a")(plain)
    for wrong, says in (
        ([plain], "is no listener. Mark it"),
        ([ModuleType("empty")], "The module empty has no listener"),
        ([one, other], "Two listeners are called 'a'"),
    ):
        with pytest.raises(ConfigurationError, match=says):
            collect(wrong)
    assert collect([one, one]) == (one,)


def test_a_marked_function_can_be_called_as_it_is() -> None:
    """For tests of one's own: the mark changes nothing of what it does."""
    assert on(*TOPICS)(lambda news: news)("told") == "told"


def test_distributions_and_the_environment_bring_listeners(
    plug: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By entry point; by module or function, from the current folder too. Safe mode loads neither."""
    plug("shop-listeners", GOOD)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "named_listeners.py").write_text(GOOD.replace("hear", "listen"))
    monkeypatch.delitem(sys.modules, "named_listeners", raising=False)
    assert list(found()) == ["shop_listeners.hear"]
    for path in ("named_listeners", "named_listeners:listen"):
        assert list(found(PAYMENT_LISTENERS=path)) == ["shop_listeners.hear", "named_listeners.listen"]
    assert found(PAYMENT_LISTENERS="named_listeners", OVERSEER_SAFE_MODE="1") == {}
    assert found(OVERSEER_DISABLE_PLUGINS="shop-listeners") == {}
    with pytest.raises(ConfigurationError, match="PAYMENT_LISTENERS: nowhere can't be used"):
        found(PAYMENT_LISTENERS="nowhere")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (GOOD.replace("register_listeners", "register_listners"), "Did you mean 'register_listeners'?"),
        (GOOD.replace("payment.succeeded", "payment.sucess"), "Did you mean 'payment.succeeded'?"),
        (GOOD.replace("yield hear", "yield hear.handler"), "is no listener"),
        (GOOD.replace("yield hear", "yield 1 / 0"), "ZeroDivisionError"),
        (GOOD.replace("@hookimpl\n", ""), "is not marked with hookimpl"),
    ],
)
def test_a_broken_listener_stops_every_host(plug: Install, sqlite_url: str, source: str, says: str) -> None:
    """An application that relies on being told must not start deaf: neither host starts, and says why."""
    plug("shop-listeners", source)
    config = {"OVERSEER_DATABASE_URL": sqlite_url, "OVERSEER_TOKEN": "t" * 24}
    for start in (lambda: create_app(config), lambda: install(Starlette(), config=config)):
        with pytest.raises(ConfigurationError) as refused:
            start()
        assert says in refused.value.detail


def test_install_takes_listeners(sqlite_url: str) -> None:
    """Of its application itself, and refuses what is none."""
    config = {"OVERSEER_DATABASE_URL": sqlite_url}
    hear = on("payment.succeeded", name="hear")(lambda news: None)
    assert install(Starlette(), config=config, listeners=[hear]).listeners == (hear,)
    with pytest.raises(ConfigurationError, match="is no listener"):
        install(Starlette(), config=config, listeners=[len])
