"""No page shows a key or a secret, wherever links lead."""

from __future__ import annotations

import html
import re

import pytest

from tests.cards.desk import Desk
from tests.service.shop import SECRET

pytestmark = pytest.mark.anyio

_LINK = re.compile(r'href="(/payment/[^"#]*)"')
_PAGES_AT_MOST = 150
_KEY = re.compile(r"\b(?:(?:sk|rk)_(?:test|live)|whsec)_\w{3}")  # not the mere word for its kind


async def test_pages_hold_no_key_and_no_secret(desk: Desk) -> None:
    """All that can be reached from the first page, with payments, a refund and a subscription there."""
    shop = desk.shop
    session = await shop.buy(1200)
    await shop.settle()
    await shop.refund(session, 500)
    await shop.subscribe()
    await shop.advance(40)
    await shop.settle()
    secret_key = shop.world.secret_key
    assert _KEY.search(secret_key)
    assert _KEY.search(SECRET)
    seen, left = set[str](), ["/payment/modal", "/payment/modal/actions", "/payment/modal/settings"]
    while left and len(seen) < _PAGES_AT_MOST:
        path = left.pop(0)
        seen.add(path)
        answer = await desk.http.get(path)
        page = html.unescape(answer.text)
        assert secret_key not in page, path
        assert SECRET not in page, path
        assert not _KEY.search(page), path
        if answer.status_code == 200 and "html" in answer.headers["content-type"]:
            found = {html.unescape(link) for link in _LINK.findall(answer.text)}
            left += sorted(found - seen - set(left))
    assert len(seen) > 40
