"""The modal's pages: the same content as page and as fragment, true in every state, closed to strangers."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from overseer_payment.cli.overseer import cli
from overseer_payment.errors import DatabaseError, ProviderUnavailable
from overseer_payment.schemas import TimelineEntry
from tests.cards.desk import text_of
from tests.cards.fake_payments import FakePayments
from tests.cards.fakes import FakeHost, build_app
from tests.cards.rows import now, status, transaction
from tests.cards.views import FRAGMENT, TABS, VIEWS


@pytest.mark.parametrize("path", VIEWS)
def test_every_view_is_a_page_and_a_fragment(client: TestClient, path: str) -> None:
    """One address, two shapes: the page holds the fragment, and only the fragment is marked as one."""
    page, fragment = client.get(path), client.get(path, headers=FRAGMENT)
    assert (page.status_code, fragment.status_code) == (200, 200)
    assert page.text.startswith("<!doctype html>")
    assert fragment.text.lstrip().startswith("<section")
    assert fragment.headers["x-overseer-fragment"] == "1"
    assert "x-overseer-fragment" not in page.headers
    for answer in (page, fragment):
        assert answer.headers["cache-control"] == "no-store"
        assert "Accept" in answer.headers["vary"]


@pytest.mark.parametrize("path", VIEWS)
def test_every_address_carries_the_root_path(payments: FakePayments, host: FakeHost, path: str) -> None:
    """Below a mount, every link and form of ours stays below it."""
    client = TestClient(build_app(host, root="/admin"))
    html = client.get("/admin" + path, headers=FRAGMENT).text
    ours = re.findall(r'(?:href|action)="(/[^"]*)"', html)
    assert ours
    assert all(address.startswith("/admin/") for address in ours)


def test_undeclared_capabilities_are_not_offered(client: TestClient, payments: FakePayments) -> None:
    """A provider that can't refund shows no refund; one that can't sell shows no checkout."""
    payments.plugins = [row.model_copy(update={"capabilities": []}) for row in payments.plugins]
    assert "/refund" not in client.get("/payment/transactions/2").text
    assert "Checkout<" not in client.get("/payment/modal/actions").text
    assert client.get("/payment/transactions/2/refund").status_code == 409


def test_a_whole_refund_is_all_that_some_providers_do(client: TestClient, payments: FakePayments) -> None:
    """Without partial refunds there is no amount to type, and a smaller one is refused."""
    payments.plugins = [row.model_copy(update={"capabilities": ["refund"]}) for row in payments.plugins]
    assert 'id="op-amount"' not in client.get("/payment/transactions/2").text
    assert client.get("/payment/transactions/2/refund?amount=1").status_code == 422


def test_a_list_is_paged_by_links(client: TestClient) -> None:
    """Older leads on with every filter kept, Newest leads back, and no row is shown twice."""
    first = client.get("/payment/modal/transactions?type=charge").text
    older = re.search(r'href="([^"]+cursor=[^"]+)"', first)
    assert older
    second = client.get(older[1].replace("&amp;", "&")).text
    assert "type=charge" in older[1]
    assert "Newest" in second
    row = r'/payment/transactions/(\d+)" data-op="drawer"'
    assert not set(re.findall(row, first)) & set(re.findall(row, second))


def test_filters_are_addresses(client: TestClient) -> None:
    """A filtered list shows what fits, and marks the chip that is on."""
    html = client.get("/payment/modal/transactions?status=failed").text
    assert re.search(r'aria-current="true">Failed<', html)
    assert len(re.findall(r'data-op="drawer"', html)) == 1


@pytest.mark.parametrize("query", ["status=nonsense", "currency=dollars", "type=1"])
def test_a_filter_that_does_not_exist_is_said(client: TestClient, query: str) -> None:
    """422 with one sentence and a way on, and nothing that was typed."""
    answer = client.get(f"/payment/modal/transactions?{query}")
    assert answer.status_code == 422
    assert "no such" in answer.text
    assert "nonsense" not in text_of(answer.text)


def test_an_unknown_period_is_refused(client: TestClient) -> None:
    """The chart knows four periods."""
    assert client.get("/payment/modal?days=31").status_code == 422


@pytest.mark.parametrize(
    ("tab", "says"),
    [
        ("", "payment seed"),
        ("/transactions", "payment seed"),
        ("/subscriptions", "payment seed"),
        ("/customers", "payment seed"),
        ("/actions", "Create a product"),
    ],
)
def test_empty_views_say_what_to_do(client: TestClient, payments: FakePayments, tab: str, says: str) -> None:
    """Nothing there yet: the page says how that changes."""
    payments.payments, payments.subs, payments.people, payments.prices = [], [], [], []
    payments.series, payments.state = [], status(total_transactions=0)
    assert says in text_of(client.get(f"/payment/modal{tab}").text)


def test_every_command_that_a_page_names_exists(client: TestClient, payments: FakePayments) -> None:
    """What a page says to run can be run: the group knows the command, and the command its options."""
    payments.state = status(failed_events=3)
    html = client.get("/payment/modal").text
    payments.payments, payments.subs, payments.people = [], [], []
    payments.series, payments.state = [], status(total_transactions=0)
    html += "".join(client.get(f"/payment/modal{tab}").text for tab in TABS)
    payments.state = status(enabled=False, provider=None, total_transactions=0)
    html += client.get("/payment/modal").text
    html = re.sub(r"</?span[^>]*>", "", html)  # they hold the words of a command together
    named = set(re.findall(r"<code>((?:overseer|payment)[ ][^<]*)</code>", html))
    assert {"overseer payment seed", "overseer payment reconcile --heal"} <= named
    for words in named:
        assert CliRunner().invoke(cli, [*words.split()[1:], "--help"]).exit_code == 0, words


def test_an_open_dispute_says_by_when_and_leads_there(client: TestClient, payments: FakePayments) -> None:
    """What needs an answer is one click away, with the nearest deadline."""
    payments.state = status(open_disputes=1)
    html = client.get("/payment/modal").text
    assert re.search(r'href="[^"]+" data-op="view">1 open dispute</a>', html)
    assert "Answer due" in html


@pytest.mark.parametrize("path", ["/payment", "/payment/"])
def test_the_short_address_leads_to_the_overview(host: FakeHost, payments: FakePayments, path: str) -> None:
    """Below whatever the host mounted us at; closed to strangers like every page."""
    client = TestClient(build_app(host, root="/admin"), follow_redirects=False)
    answer = client.get(f"/admin{path}")
    assert (answer.status_code, answer.headers["location"]) == (307, "/admin/payment/modal")
    host.signed_in = False
    assert client.get(f"/admin{path}").status_code == 401


def test_money_that_goes_back_has_one_sign(client: TestClient, payments: FakePayments) -> None:
    """A refund is negative in the timeline as in the lists, its request too; what came in is not."""
    told = [
        TimelineEntry.model_validate(
            {"at": now(), "kind": kind, "title": title, "amount": 4500, "currency": "usd"}
        )
        for kind, title in (("refund", "Refunded"), ("operation", "Refund requested"), ("attempt", "Paid"))
    ]
    payments.payments = [payments.payments[0].model_copy(update={"timeline": told})]
    shown = text_of(client.get(f"/payment/transactions/{payments.payments[0].id}").text)
    assert "Refunded −45.00 USD" in shown
    assert "Refund requested −45.00 USD" in shown
    assert "Paid 45.00 USD" in shown


def test_a_way_of_paying_has_one_spelling(client: TestClient, payments: FakePayments) -> None:
    """In the list, the drawer and the timeline, whatever case the provider writes."""
    entry = TimelineEntry(
        at=now(), kind="attempt", title="Paid", status="succeeded", detail="us bank account"
    )
    row = payments.payments[0].model_copy(update={"method": "us_bank_account", "timeline": [entry]})
    payments.payments = [row]
    for path in ("/payment/modal/transactions", f"/payment/transactions/{row.id}"):
        html = client.get(path).text
        assert "US bank account" in html
        assert not re.search("us.bank.account", html)


def test_a_search_without_results_leads_back(client: TestClient) -> None:
    """ "Nothing fits" is not "nothing there"."""
    html = client.get("/payment/modal/transactions?q=zzzzzz").text
    assert "Nothing fits" in html
    assert 'href="/payment/modal/transactions"' in html


def test_without_a_provider_the_overview_names_the_variable(
    client: TestClient, payments: FakePayments
) -> None:
    """The first thing to do is said first."""
    payments.state, payments.series = status(enabled=False, provider=None, total_transactions=0), []
    assert "STRIPE_SECRET_KEY" in client.get("/payment/modal").text


@pytest.mark.parametrize("path", ["/payment/modal", "/payment/modal/transactions", "/payment/modal/settings"])
def test_a_broken_database_is_one_sentence_with_a_way_to_retry(
    client: TestClient, payments: FakePayments, path: str
) -> None:
    """503, the frame stays, and the same address is offered again."""
    payments.failing = DatabaseError("The database can't be reached.")
    answer = client.get(path, headers=FRAGMENT)
    assert answer.status_code == 503
    assert "be reached." in answer.text
    assert f'href="{path}" data-op="view">Try again' in answer.text


def test_a_provider_that_is_down_costs_only_the_catalogue(
    client: TestClient, payments: FakePayments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Actions tab stays usable as a page and says what is wrong."""

    async def down(viewer: object, patience: float) -> None:
        raise ProviderUnavailable("Stripe can't be reached.", retry_after=30)

    monkeypatch.setattr(payments, "catalog", down)
    answer = client.get("/payment/modal/actions")
    assert answer.status_code == 200
    assert "Try again in 30 seconds" in answer.text


def test_the_webhook_address_is_the_public_one(client: TestClient, host: FakeHost) -> None:
    """What is copied is what the outside reaches; without a setting, the address of this request."""
    assert (
        'value="http://testserver/api/v1/payment/webhook/stripe"'
        in client.get("/payment/modal/settings").text
    )
    host.config = {"OVERSEER_PUBLIC_URL": "https://pay.example.com/"}
    assert (
        'value="https://pay.example.com/api/v1/payment/webhook/stripe"'
        in client.get("/payment/modal/settings").text
    )


def test_an_open_chargeback_blocks_the_refund_with_its_reason(client: TestClient) -> None:
    """The money is at the bank: the page says so instead of offering it twice."""
    html = client.get("/payment/transactions/4").text
    assert "A chargeback is open" in html
    assert "Review refund" not in html
    assert client.get("/payment/transactions/4/refund").status_code == 409


def test_the_chart_has_a_name_and_a_table(client: TestClient) -> None:
    """Who doesn't see the bars hears the sums and can read every figure."""
    html = client.get("/payment/modal?days=7").text
    assert re.search(r'role="img" aria-label="Revenue per day in USD, last 7 days: gross [\d.,]+ USD', html)
    assert '<th scope="col">Refunded</th>' in html


def test_one_row_and_zero_sums_are_fine(client: TestClient, payments: FakePayments) -> None:
    """A first payment of zero draws a page like any other."""
    payments.payments = [transaction(1, amount=0, amount_refundable=0)]
    payments.state = status(total_transactions=1, open_disputes=0)
    for path in ("/payment/modal", "/payment/modal/transactions", "/payment/transactions/1"):
        assert client.get(path).status_code == 200


def test_assets_are_cached_under_their_own_hash_only(client: TestClient) -> None:
    """Immutable under its hash, revalidated under another's, and nothing else is served."""
    page = client.get("/payment/modal").text
    for path in re.findall(r'"(/payment/static/[^"]+)"', page):
        own = client.get(path)
        assert "immutable" in own.headers["cache-control"]
        assert own.headers["content-encoding"] == "gzip"
        again = client.get(path, headers={"If-None-Match": own.headers["etag"]})
        assert again.status_code == 304
        other = client.get(re.sub(r"/[0-9a-f]{16}/", "/0000/", path))
        assert other.headers["cache-control"] == "no-cache"
    assert client.get("/payment/static/0000/..%2Fcard.py").status_code == 404


@pytest.mark.parametrize("path", VIEWS)
def test_pages_are_light(client: TestClient, path: str) -> None:
    """A page with everything it needs travels in well under 60 KB; style and script are a third of it."""
    page = client.get(path)
    paths = re.findall(r'"(/payment/static/[^"]+)"', page.text)
    travelled = sum(int(client.get(path).headers["content-length"]) for path in paths)
    assert len(paths) == 2
    assert travelled < 20_000
    assert len(page.content) + travelled < 60_000
