"""The dashboard: the cards of all plugins, each loaded on its own, so that one costs no more than itself."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from overseer_payment.host.embedded import EmbeddedHost
from overseer_payment.host.pages import render
from overseer_payment.host_contract import Card, Host
from overseer_payment.plugins import is_our_end

CARD_SECONDS = 5.0
log = logging.getLogger("overseer")


@dataclass(frozen=True, slots=True)
class Tile:
    """A card with its HTML, or None when it could not be had."""

    card: Card
    html: Markup | None


async def load_cards(host: Host, cards: tuple[Card, ...], request: Request) -> list[Tile]:
    """Those cards that the viewer may see, all loaded at once, each within `CARD_SECONDS`."""
    tiles = await asyncio.gather(*(_tile(host, card, request) for card in cards))
    return [tile for tile in tiles if tile is not None]


async def _tile(host: Host, card: Card, request: Request) -> Tile | None:
    try:
        async with asyncio.timeout(CARD_SECONDS):
            if not await host.authorize(request, card.permission):
                return None
            return Tile(card, Markup(await card.render(host, request)))
    except BaseException as error:
        if is_our_end(error):
            raise
        log.warning("card %s is unavailable: %s", card.id, type(error).__name__)
        return Tile(card, None)


class Dashboard:
    """The page at the host's root."""

    def __init__(self, host: EmbeddedHost) -> None:
        self._host = host

    async def show(self, request: Request) -> Response:
        contributions = self._host.contributions
        tiles = await load_cards(self._host, contributions.cards, request)
        failed = [record for record in contributions.loaded.records if record.error and not record.active]
        return render(
            request,
            "dashboard.html",
            self._host.shell(request),
            title="Dashboard",
            tiles=tiles,
            failed=failed,
        )
