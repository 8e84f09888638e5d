"""Invoices, customers, portal, catalogue and checkouts on the command line, over the real service."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import Result

from overseer_payment.simulator.cards import BY_NAME
from overseer_payment.simulator.resources.checkout_flow import Payer, submit
from tests.cli.test_real import Shop


@pytest.fixture
def shop(sqlite_url: str) -> Shop:
    """An empty business; what these commands ask is asked of both databases by the service's own tests."""
    shop = Shop(sqlite_url)
    shop.world.clock.freeze()
    return shop


def _data(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def _subscribe(shop: Shop) -> str:
    """A customer who subscribed in a checkout; the customer's id."""
    customer = shop.post("customers", email="ada@example.com", name="Ada")["id"]
    more = {"recurring[interval]": "month", "product_data[name]": "Growth"}
    price = shop.post("prices", currency="kwd", unit_amount="12340", **more)["id"]
    words = ("--mode", "subscription", "--customer", customer, "--json")
    opened = _data(shop.run("checkout", "--price", price, *words))
    shop.world.clock.advance(30)
    session = shop.world.get("checkout.session", opened["session_id"])
    payer = Payer(email="ada@example.com", name="Ada", instrument=BY_NAME["pm_card_visa"])
    submit(shop.world, session, payer)
    again = shop.run("checkout", "--price", price, *words)
    assert (again.exit_code, "already" in again.stderr) == (1, True)
    return str(customer)


def test_an_invoice_and_what_comes_next(shop: Shop) -> None:
    """Listed with the sum by its currency's rule, shown with its attempts, and the next one previewed."""
    _subscribe(shop)
    assert "12.340 KWD" in shop.run("invoices").stdout
    (row,) = _data(shop.run("invoices", "--status", "paid", "--json"))["invoices"]
    shown = shop.run("invoice", str(row["id"])).stdout
    assert "12.340 KWD" in shown
    assert "Attempts" in shown
    assert "Payments" in shown
    assert _data(shop.run("invoice", row["provider_invoice_id"], "--json"))["id"] == row["id"]
    assert shop.run("invoices", "--status", "void").stdout == ""
    assert "12.340 KWD" in shop.run("upcoming", str(row["subscription_id"])).stdout
    assert _data(shop.run("upcoming", str(row["subscription_id"]), "--json"))["amount_due"] == 12340
    missing = shop.run("invoice", "in_none")
    assert (missing.exit_code, missing.stderr.count("\n")) == (1, 1)


def test_a_customer_is_linked_opened_unlinked_and_erased(shop: Shop) -> None:
    """Each command says what it did; after erasing neither name nor address is shown."""
    customer = _subscribe(shop)
    assert "user 42" in shop.run("customer", "link", customer, "42").stdout
    taken = shop.run("customer", "link", customer, "43")
    assert (taken.exit_code, "Unlink" in taken.stderr) == (1, True)
    opened = shop.run("portal", customer)
    assert (opened.exit_code, opened.stdout.startswith("http")) == (0, True)
    assert "url" in _data(shop.run("customer", "portal", customer, "--json"))
    assert "nobody" in shop.run("customer", "unlink", customer).stdout
    erased = shop.run("customer", "erase", customer)
    assert erased.exit_code == 0, erased.output
    assert "provider" in erased.stderr
    shown = shop.run("customer", customer)
    assert "Ada" not in shown.stdout
    assert "Erased" in shown.stdout
    assert _data(shop.run("customer", "show", customer, "--json"))["email"] is None
    assert _data(shop.run("customer", "erase", customer, "--at-provider", "--json"))["deleted_at_provider"]


def test_a_foreign_return_address_is_refused(shop: Shop) -> None:
    """One line, exit code 1, and no link."""
    customer = _subscribe(shop)
    refused = shop.run("portal", customer, "--return-url", "https://evil.example/")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "PAYMENT_ALLOWED_REDIRECT_HOSTS" in refused.stderr


def test_the_catalogue_shows_other_currencies_and_pages(shop: Shop) -> None:
    """A price in two currencies, by each one's rule, and half a cent; a page of one names the next."""
    options = {"currency_options[jpy][unit_amount]": "700", "product_data[name]": "Tea"}
    shop.post("prices", currency="usd", unit_amount="500", **options)
    shop.post("prices", currency="usd", unit_amount="900", **{"product_data[name]": "Mate"})
    shown = shop.run("catalog").stdout
    assert "5.00 USD" in shown
    assert "700 JPY" in shown
    page = shop.run("catalog", "--limit", "1")
    assert "--cursor" in page.stderr
    half = {"unit_amount_decimal": "0.5", "product_data[name]": "Leaf"}
    shop.post("prices", currency="usd", **half)
    assert "0.005 USD / unit" in shop.run("catalog").stdout
    assert len(_data(shop.run("catalog", "--json"))["prices"]) == 3


def test_figures_and_lists_are_of_one_provider_if_it_is_named(shop: Shop) -> None:
    """One that there isn't is refused in a line that names those that there are."""
    _subscribe(shop)
    for command in (
        "status",
        "metrics",
        "transactions",
        "subscriptions",
        "customers",
        "invoices",
        "disputes",
    ):
        assert shop.run(command, "--provider", "stripe").exit_code == 0
        refused = shop.run(command, "--provider", "acmepay")
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "installed:" in refused.stderr


def test_a_checkout_is_opened_with_terms_and_closed(shop: Shop) -> None:
    """In another currency, with codes and tax; closed once, and a second time without complaint."""
    options = {"currency_options[jpy][unit_amount]": "700", "product_data[name]": "Tea"}
    price = shop.post("prices", currency="usd", unit_amount="500", **options)["id"]
    words = ("--currency", "jpy", "--allow-promotion-codes", "--tax", "--collect-tax-id", "--json")
    opened = _data(shop.run("checkout", "--price", price, *words))
    session = shop.world.get("checkout.session", opened["session_id"])
    assert (session["currency"], session["amount_total"]) == ("jpy", 700)
    assert session["automatic_tax"]["enabled"] is True
    shop.world.clock.advance(5)
    for _ in range(2):
        assert "expired" in shop.run("expire", opened["session_id"]).stdout
    assert shop.run("expire", "cs_test_none").exit_code == 1
