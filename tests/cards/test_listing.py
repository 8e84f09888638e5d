"""Lists are walked by links alone, both ways, however deep."""

from __future__ import annotations

import re

from starlette.testclient import TestClient

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
