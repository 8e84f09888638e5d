"""An operator at the pages, over the real service: reads what is shown and sends the forms that are in it."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.cards.fakes import FakeHost, build_app
from tests.service.shop import Shop

_TAG = re.compile(r"<[^>]+>")


@dataclass
class Desk:
    """A browser without JavaScript, signed in to a host whose payments are `shop`'s."""

    shop: Shop
    host: FakeHost
    http: httpx.AsyncClient

    async def see(self, path: str, status: int = 200) -> str:
        """The page's HTML; its status must be as expected."""
        answer = await self.http.get(path)
        assert answer.status_code == status, text_of(answer.text)
        return answer.text

    async def read(self, path: str, status: int = 200) -> str:
        """The page's words."""
        return text_of(await self.see(path, status))

    async def send(
        self,
        page: str,
        action: str,
        fields: Mapping[str, str] | None = None,
        *,
        files: Mapping[str, Any] | None = None,
        status: int = 200,
    ) -> str:
        """Fill in and send the form of `page` that goes to `action`, follow its redirect, and read."""
        found = re.search(rf'<form[^>]*method="post"[^>]*action="{re.escape(action)}".*?</form>', page, re.S)
        assert found, f"there is no form to {action}"
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', found[0])
        # A person takes a moment: two answers of one second would be read as either order.
        self.shop.world.clock.advance(2)
        data = {**{name: html.unescape(value) for name, value in hidden}, **(fields or {})}
        answer = await self.http.post(action, data=data, files=files)
        if answer.status_code == 303:
            answer = await self.http.get(answer.headers["location"])
        assert answer.status_code == status, text_of(answer.text)
        return text_of(answer.text)


def text_of(page: str) -> str:
    """What a reader reads."""
    return " ".join(html.unescape(_TAG.sub(" ", page)).split())


@asynccontextmanager
async def sitting_at(shop: Shop) -> AsyncIterator[Desk]:
    """Somebody who may do everything, at the pages of `shop`."""
    host = FakeHost()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("overseer_payment.composition.payments_for", lambda _: shop.payments)
        transport = httpx.ASGITransport(app=build_app(host))
        async with httpx.AsyncClient(transport=transport, base_url="http://desk.test") as http:
            yield Desk(shop, host, http)
