"""The dashboard's cards: each costs no more than itself."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from overseer_payment.host import create_app, dashboard
from tests.host.conftest import HEAD, TOKEN
from tests.support.distributions import Install

CARDS = (
    HEAD
    + """
import asyncio
from overseer_payment.host_contract import Card

async def _load(host, request):
    raise NotImplementedError

def card(id, render, **more):
    return Card(**{"id": id, "title": id.title(), "permission": "shed.view", "load": _load, "render": render,
                   "href": f"/{id}", "modal_href": f"/{id}", **more})

async def good(host, request):
    return "<p>all <b>well</b></p>"

async def broken(host, request):
    raise RuntimeError("the roof")

async def slow(host, request):
    await asyncio.Event().wait()

@hookimpl
def register_permissions():
    return {"shed.view": "look into the shed"}
"""
)


def offering(*cards: str) -> str:
    return CARDS + f"@hookimpl\ndef register_cards(host):\n    return [{', '.join(cards)}]\n"


def page(config: dict[str, Any], path: str = "/") -> str:
    client = TestClient(
        create_app(config), headers={"authorization": f"Bearer {TOKEN}", "accept": "text/html"}
    )
    response = client.get(path)
    assert response.status_code == 200
    return response.text


def test_card_stands_on_the_dashboard(install_plugin: Install, config: dict[str, Any]) -> None:
    """A card's HTML stands on the dashboard as the plugin gave it."""
    install_plugin("shed", offering("card('rake', good)"))

    assert "<p>all <b>well</b></p>" in page(config)


def test_failing_and_hanging_cards_cost_only_themselves(
    install_plugin: Install, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a card that fails and one that never answers, the third is shown; both are named."""
    monkeypatch.setattr(dashboard, "CARD_SECONDS", 0.05)
    install_plugin("shed", offering("card('rake', good)", "card('hose', broken)", "card('pump', slow)"))

    html = page(config)

    assert "all <b>well</b>" in html
    assert html.count("could not be loaded") == 2
    assert 'href="/hose"' in html
    assert "the roof" not in html


@pytest.mark.parametrize("fault", ["SystemExit", "GeneratorExit", "asyncio.CancelledError"])
def test_card_may_raise_anything(install_plugin: Install, config: dict[str, Any], fault: str) -> None:
    """A card that exits or cancels is unavailable, and the host goes on."""
    source = offering("card('rake', good)", "card('hose', wild)")
    wild = f"async def wild(host, request):\n    raise {fault}\n\n@hookimpl\ndef register_cards"
    install_plugin("shed", source.replace("@hookimpl\ndef register_cards", wild))

    html = page(config)

    assert "all <b>well</b>" in html
    assert html.count("could not be loaded") == 1


def test_cards_have_an_order(install_plugin: Install, config: dict[str, Any]) -> None:
    """Cards stand by their order, then by title, whichever plugin brings them."""
    install_plugin("b-shed", offering("card('zinc', good, order=1)", "card('rake', good)"))
    install_plugin("a-shed", offering("card('axe', good)"))

    html = page(config)

    assert html.index('"zinc"') < html.index('"axe"') < html.index('"rake"')


def test_card_without_permission_is_not_there(install_plugin: Install, config: dict[str, Any]) -> None:
    """A card whose permission the viewer lacks is neither shown nor loaded."""
    install_plugin("shed", offering("card('rake', broken, permission='shed.burn')"))

    assert "Rake" not in page(config)


def test_styles_and_scripts_are_named_once(install_plugin: Install, config: dict[str, Any]) -> None:
    """What two cards share is loaded once, from the address that the plugin gave."""
    assets = "stylesheets=('/shed.css',), scripts=('/shed.js',)"
    install_plugin("shed", offering(f"card('rake', good, {assets})", f"card('hose', good, {assets})"))

    html = page(config)

    assert html.count('href="/shed.css"') == 1
    assert html.count('src="/shed.js"') == 1


def test_addresses_follow_the_place_of_the_host(install_plugin: Install, config: dict[str, Any]) -> None:
    """Behind a proxy that serves us below a path, every address of the page starts with it."""
    install_plugin("shed", offering("card('rake', broken, stylesheets=('/shed.css',))"))
    headers = {"authorization": f"Bearer {TOKEN}", "accept": "text/html"}
    client = TestClient(create_app(config), headers=headers, root_path="/admin")

    html = client.get("/admin/").text

    addresses = [part.split('"')[0] for part in html.split('href="')[1:] + html.split('src="')[1:]]
    assert [address for address in addresses if not address.startswith(("/admin/", "#"))] == []


def test_empty_dashboard_says_what_to_do(config: dict[str, Any]) -> None:
    """Without any card the page says how to get some."""
    assert "No cards yet" in page(config)


def test_plugin_that_is_off_is_told(install_plugin: Install, config: dict[str, Any]) -> None:
    """The dashboard names a plugin that could not be loaded, and where the reason stands."""
    install_plugin("weed", "raise ImportError('sk_live_secret')")

    html = page(config)

    assert "<strong>weed</strong>" in html
    assert "overseer plugins" in html
    assert "sk_live" not in html


def test_title_of_a_card_is_escaped(install_plugin: Install, config: dict[str, Any]) -> None:
    """A card's title can't break out of the page."""
    install_plugin("shed", offering("""card('rake', broken, title='"><script>')"""))

    assert "<script>" not in page(config)
