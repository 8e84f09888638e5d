"""Without JavaScript: whatever can be seen or done is reached by links and forms alone."""

from __future__ import annotations

import html
import re
from urllib.parse import urlencode

import pytest
from starlette.routing import compile_path

from overseer_payment.cards.pages import PAGES
from overseer_payment.simulator import scenario as play
from tests.cards.desk import Desk

pytestmark = pytest.mark.anyio

MOST = 160
_FORM = re.compile(r'<form[^>]*method="get"[^>]*action="([^"]+)".*?</form>', re.S)
_FIELD = re.compile(r'<input[^>]*\bname="([^"]+)"[^>]*?\bvalue="([^"]*)"')
# These need what this shop has not: something failed, written, linked, ending, or another plan chosen.
ELSEWHERE = {
    "/payment/subscriptions/{id}/change",
    "/payment/events/replay",
    "/payment/events/{id}/ignore",
    "/payment/disputes/{id}/submit",
    "/payment/customers/{id}/unlink",
    "/payment/customers/{id}/link",
    "/payment/subscriptions/{id}/resume",
}


def onwards(page: str) -> list[str]:
    """Where the page's links lead, and its forms that only ask, as they are sent untouched."""
    found = [html.unescape(address) for address in re.findall(r'<a[^>]*\bhref="(/payment/[^"]+)"', page)]
    for form in _FORM.finditer(page):
        fields = {name: html.unescape(value) for name, value in reversed(_FIELD.findall(form[0]))}
        found.append(f"{html.unescape(form[1])}?{urlencode(fields)}")
    return found


async def test_every_page_is_reached_from_the_overview(desk: Desk) -> None:
    """By links and asking forms; and every form that changes something carries its token and its key."""
    world = desk.shop.world
    price = play.offer(world, "Starter", 1200, interval="month")
    play.subscribe(world, price, email="ada@example.com", name="Ada Lovelace")
    paid = await desk.shop.pay(7900, "usd")
    play.dispute(world, await desk.shop.pay(4500, "usd"))
    await desk.shop.settle()
    patterns = {page.path: compile_path(page.path)[0] for page in PAGES if page.show is not None}
    reached, waiting, seen = set[str](), ["/payment", f"/payment/transactions/{paid}"], set[str]()
    while waiting and len(seen) < MOST:
        address = waiting.pop(0)
        path = next(
            (one for one, pattern in patterns.items() if pattern.match(address.partition("?")[0])), ""
        )
        # One page of each kind tells; the first few of them, for not every row offers everything.
        if address in seen or sum(one.startswith(f"{path} ") for one in seen) > 3:
            continue
        seen |= {address, f"{path} {address}"}
        answer = await desk.http.get(address, follow_redirects=True)
        assert answer.status_code == 200 or path in ELSEWHERE, (address, answer.status_code)
        reached.add(path)
        for form in re.findall(r'<form[^>]*method="post".*?</form>', answer.text, re.S):
            assert 'name="csrf_token"' in form
            assert 'type="submit"' in form
        waiting += onwards(answer.text)
    other_names = {"/payment/", "/payment/modal/overview"}
    assert patterns.keys() - reached - ELSEWHERE <= other_names
