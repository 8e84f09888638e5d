"""Applications to install into, and who is signed in to them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.testclient import TestClient

from overseer_payment.host import install
from tests.host.conftest import GARDEN
from tests.host.install.application import MakeApp, client_of, grants
from tests.support.distributions import Install


@pytest.fixture(params=[FastAPI, Starlette])
def make_app(request: pytest.FixtureRequest) -> MakeApp:
    """Both kinds of application."""
    kind: MakeApp = request.param
    return kind


@pytest.fixture(autouse=True)
def garden(install_plugin: Install) -> Any:
    """The plugin that is installed into the applications; its module once it is loaded."""
    install_plugin("garden", GARDEN)
    return lambda: sys.modules["garden"]


@pytest.fixture
def options(config: dict[str, Any]) -> dict[str, Any]:
    """What every install here has in common."""
    config.pop("OVERSEER_TOKEN")
    return {"config": config, "third_party": True}


@pytest.fixture
def signed_in(make_app: MakeApp, options: dict[str, Any]) -> Iterator[TestClient]:
    """A browser whose application knows its user by a cookie and brings no CSRF protection."""
    app = make_app()
    install(app, user=lambda request: request.cookies.get("who"), authorize=grants, **options)
    with client_of(app) as client:
        client.cookies.set("who", "alice")
        yield client
