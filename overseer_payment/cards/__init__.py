"""What people look at: the dashboard's card, the detail modal and the landing pages.

`cards(host)` costs a host next to nothing: templates, database and providers are touched only when
somebody looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from overseer_payment.host_contract import Card

if TYPE_CHECKING:
    from pydantic import BaseModel
    from starlette.requests import Request

    from overseer_payment.host_contract import Host


def cards(host: Host) -> Sequence[Card]:  # noqa: ARG001  (the hook's signature; our card is the same in every host)
    """The one card of this package. Its paths are relative to where the plugin's routes are mounted."""
    from overseer_payment.cards.assets import SCRIPT, STYLESHEET, asset_path

    return [
        Card(
            id="payment",
            title="Payments",
            permission="payment.view",
            load=_load,
            render=_render,
            href="/payment/modal",
            modal_href="/payment/modal",
            stylesheets=(asset_path(STYLESHEET),),
            scripts=(asset_path(SCRIPT),),
            width=2,
        )
    ]


async def _load(host: Host, request: Request) -> BaseModel:
    from overseer_payment.cards.card import load

    return await load(host, request)


async def _render(host: Host, request: Request) -> str:
    from overseer_payment.cards.card import render

    return await render(host, request)
