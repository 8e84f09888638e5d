"""Lists are walked by links alone, both ways, however deep."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from overseer_payment.ledger.queries import search
from overseer_payment.simulator import scenario as play
from tests.cards.desk import Desk
from tests.cards.fake_payments import FakePayments
from tests.cards.rows import transaction

LIST = "/payment/modal/transactions"


def rows(html: str) -> list[str]:
    return re.findall(r'/payment/transactions/(\d+)" data-op="drawer"', html)


def link(html: str, text: str) -> str | None:
    found = re.search(rf'href="([^"]+)" data-op="view"[^>]*>{text}</a>', html)
    return found[1].replace("&amp;", "&") if found else None


def walk(client: TestClient, start: str, text: str) -> list[str]:
    """The pages from `start` on, following `text` to its end."""
    pages, at = [client.get(start).text], start
    while (following := link(pages[-1], text)) and len(pages) < 50:
        at = following
        pages.append(client.get(at).text)
    return pages


def test_newer_goes_back_over_the_same_pages(client: TestClient, payments: FakePayments) -> None:
    """What Older showed, Newer shows again, page by page, with every filter kept."""
    payments.payments = [transaction(number) for number in range(1, 231)]
    down = walk(client, f"{LIST}?type=charge", "Older")
    assert len(down) == 10
    up, page = [down[-1]], down[-1]
    while newer := link(page, "Newer"):
        assert "type=charge" in newer
        page = client.get(newer).text
        up.append(page)
    assert [rows(page) for page in up] == [rows(page) for page in reversed(down)]


def test_a_long_way_down_remembers_its_last_steps_only(client: TestClient, payments: FakePayments) -> None:
    """Addresses stay short; beyond what they remember, Newest is the way back, and nothing claims more."""
    payments.payments = [transaction(number) for number in range(1, 601)]
    last = walk(client, LIST, "Older")[-1]
    up = 0
    while newer := link(last, "Newer"):
        assert len(newer) < 700
        last = client.get(newer).text
        up += 1
    assert 5 <= up <= 12
    newest = link(last, "Newest")
    assert newest == LIST
    assert "1" in rows(client.get(newest).text)


def test_a_filter_starts_at_the_first_page(client: TestClient, payments: FakePayments) -> None:
    """A chip forgets the cursor: the filtered list has pages of its own."""
    payments.payments = [transaction(number) for number in range(1, 60)]
    older = link(client.get(LIST).text, "Older")
    assert older
    chip = link(client.get(older).text, "Failed")
    assert chip == f"{LIST}?status=failed"


def sums(html: str) -> list[str]:
    return re.findall(r'op-c-amount"><b>([−\d.,]+) ', html)


def titled(html: str, title: str) -> str:
    found = re.search(rf'href="([^"]+)" data-op="view" title="{title}"', html)
    assert found
    return found[1].replace("&amp;", "&")


@pytest.mark.anyio
async def test_amounts_sort_within_one_currency(desk: Desk) -> None:
    """One press: the largest of the main currency; the next: the smallest. All currencies: by time again."""
    for amount, currency in ((700, "usd"), (4500, "usd"), (1500, "usd"), (9000, "eur")):
        await desk.shop.pay(amount, currency)
    await desk.shop.settle()
    largest = await desk.see(titled(await desk.see(LIST), "Largest first"))
    assert sums(largest) == ["45.00", "15.00", "7.00"]
    assert 'aria-sort="descending"' in largest
    smallest = await desk.see(titled(largest, "Smallest first"))
    assert sums(smallest) == ["7.00", "15.00", "45.00"]
    everything = re.search(r'aria-label="Currency".*?href="([^"]+)"', smallest, re.S)
    assert everything
    assert sorted(sums(await desk.see(everything[1]))) == ["15.00", "45.00", "7.00", "90.00"]


@pytest.mark.anyio
async def test_a_search_says_how_far_back_it_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more rows than are read for any text it says since when, and a link goes on before that."""
    monkeypatch.setattr(search, "WINDOW", 1)
    price = play.offer(desk.shop.world, "Starter", 1200, interval="month")
    for name in ("old", "middle", "new"):
        play.subscribe(desk.shop.world, price, email=f"x-{name}@example.com", name="Ada")
        desk.shop.world.clock.advance(3600)
    await desk.shop.settle()
    for tab in ("transactions", "customers"):
        at = f"/payment/modal/{tab}"
        assert "Search further back" not in await desk.see(at)
        page = (await desk.see(f"{at}?q=-old")).replace("<wbr>", "")
        assert "x-old@example.com" not in page
        further = link(page, "Search further back")
        assert further
        page = (await desk.see(further)).replace("<wbr>", "")
        assert "Only <bdi>Before" in page
        assert "x-old@example.com" in page
