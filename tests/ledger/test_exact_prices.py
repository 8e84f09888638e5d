"""Prices in fractions of a minor unit: exact from the provider's word to the sums, rounded once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overseer_payment import pricing
from overseer_payment.errors import Invalid
from overseer_payment.ledger import codec, project, recurring
from overseer_payment.money import unit_amount
from overseer_payment.provider import (
    AsOf,
    Kind,
    PriceScheme,
    PriceSnapshot,
    Source,
    SubscriptionItem,
    SubscriptionSnapshot,
)
from overseer_payment.provider_plugins.stripe.currencies import CURRENCIES
from overseer_payment.provider_plugins.stripe.translate import fields
from overseer_payment.provider_plugins.stripe.translate.price import price
from overseer_payment.provider_plugins.stripe.translate.subscription import subscription
from overseer_payment.schemas import SubscriptionRow

NOW = datetime(2026, 11, 23, tzinfo=UTC)
CONTEXT = fields.Context(AsOf(NOW, Source.EVENT), livemode=False)
TRILLION = 10**12  # Stripe takes twelve decimals

codes = st.sampled_from(["usd", "jpy", "kwd", "isk", "mga"])
trillionths = st.integers(0, 10**9 * TRILLION) | st.integers(0, 100).map(lambda n: n * TRILLION // 2)


def written(number: int) -> str:
    """So many trillionths of a minor unit as Stripe writes them."""
    return f"{number // TRILLION}.{number % TRILLION:012d}"


def payload(number: int, code: str, **more: Any) -> dict[str, Any]:
    """A price of so many trillionths of a minor unit."""
    whole = None if number % TRILLION else number // TRILLION
    recurring = {"interval": "month", "interval_count": 1, "usage_type": "licensed"}
    each = {"unit_amount": whole, "unit_amount_decimal": written(number)}
    return {"id": "price_1", "product": "prod_1", "currency": code, "recurring": recurring, **each, **more}


def row_of(items: list[dict[str, Any]], code: str) -> dict[str, Any]:
    """What the ledger stores of a subscription, through the text that it keeps of the snapshot."""
    told = {"id": "sub_1", "status": "active", "currency": code, "created": 1, "items": {"data": items}}
    (snapshot,) = subscription(told, CONTEXT)
    kept = codec.decode(Kind.SUBSCRIPTION, codec.encode(snapshot), CONTEXT.as_of)
    assert isinstance(kept, SubscriptionSnapshot)
    return {"id": 1, "account_id": 1, **project.subscription(kept, project.Ids())}


def shown(row: dict[str, Any]) -> SubscriptionRow:
    """That row as it is answered."""
    of = {"provider": "stripe", "livemode": False, "provider_subscription_id": "sub_1", "created_at": NOW}
    return SubscriptionRow.model_validate(
        {**row, **of, "customer_id": None, "items": json.loads(row["items"])}
    )


@given(number=trillionths, quantity=st.integers(0, 999_999), code=codes)
def test_a_line_is_multiplied_exactly_and_rounded_once(number: int, quantity: int, code: str) -> None:
    """For every price and quantity: the row's amount, the line and what recurs are the same whole number."""
    row = row_of([{"id": "si_1", "quantity": quantity, "price": payload(number, code)}], code)
    expected = (2 * number * quantity + TRILLION) // (2 * TRILLION)
    (item,) = shown(row).items
    assert (row["amount"], item.total) == (expected, expected)
    added = [amount for (table, _, column), amount in recurring.of_row(row) if column == "added"]
    assert sum(added) == expected
    assert item.each is not None
    assert item.each * TRILLION == number
    assert (item.amount is None) == bool(number % TRILLION)


@given(number=trillionths, code=codes)
def test_every_digit_of_a_price_is_kept_and_shown(number: int, code: str) -> None:
    """What is written in major units is exactly what the provider said, in each currency's own digits."""
    (told,) = price(payload(number, code), CONTEXT)
    kept = codec.decode(Kind.PRICE, codec.encode(told), CONTEXT.as_of)
    assert kept == replace(told, raw={})
    assert isinstance(kept, PriceSnapshot)
    stored = project.price(kept)["amount_decimal"]
    assert unit_amount(stored) * TRILLION == number
    text = CURRENCIES.unit(unit_amount(stored), code).removesuffix(f" {code.upper()}").replace(",", "")
    digits, exponent = text.replace(".", ""), CURRENCIES.exponent(code)
    places = len(text.partition(".")[2])
    assert int(digits) * 10 ** (exponent + 12) == number * 10**places


def test_lines_are_rounded_each_for_itself() -> None:
    """Two lines of half a yen are two yen, as on the invoice; what is metered adds nothing."""
    half = payload(TRILLION // 2, "jpy")
    metered = payload(TRILLION // 2, "jpy", recurring={"interval": "month", "usage_type": "metered"})
    row = row_of([{"id": f"si_{n}", "price": p} for n, p in enumerate((half, half, metered))], "jpy")
    assert (row["amount"], pricing.total(shown(row), str)) == (2, "2 + metered")


@pytest.mark.parametrize(
    ("changes", "each", "total"),
    [
        ({}, "0.005 USD / unit", "0.02 USD"),
        ({"unit_amount": 2900, "unit_amount_decimal": "2900"}, "29.00 USD", "87.00 USD"),
        ({"transform_quantity": {"divide_by": 1000, "round": "up"}}, "0.005 USD / 1,000 units", "0.01 USD"),
        (
            {"recurring": {"interval": "month", "usage_type": "metered"}},
            "0.005 USD / unit, metered",
            "metered",
        ),
        ({"billing_scheme": "tiered", "unit_amount_decimal": None}, "tiered", "tiered"),
        ({"unit_amount_decimal": None}, "amount varies", "amount varies"),
    ],
)
def test_a_price_is_shown_as_what_it_is(changes: dict[str, Any], each: str, total: str) -> None:
    """Never as nothing where only the bill tells."""
    told = payload(TRILLION // 2, "usd", **changes)
    row = shown(row_of([{"id": "si_1", "quantity": 3, "price": told}], "usd"))

    def write(amount: int | Decimal) -> str:
        return CURRENCIES.unit(amount, "usd")

    assert (pricing.each(row.items[0], write), pricing.total(row, write)) == (each, total)


@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "1e40", "1e-40", "1e999999999", "x", "", 0.5])
def test_what_is_no_price_is_refused(wrong: Any) -> None:
    """A float has lost digits before anybody could count them; a huge exponent is not written out."""
    with pytest.raises(Invalid):
        unit_amount(wrong)
    with pytest.raises(Invalid):
        SubscriptionItem(id="si", price="price", amount=wrong)


def test_equal_prices_are_equal_text() -> None:
    """However a provider writes them: otherwise the same news would contradict itself."""
    told = {SubscriptionItem(id="si", price="p", amount=Decimal(text)) for text in ("0.5", "0.500", "5E-1")}
    assert len(told) == 1
    assert {str(item.amount) for item in told} == {"0.5"}
    assert unit_amount("500e-2") == 5
    assert isinstance(unit_amount("5.000"), int)
    assert SubscriptionItem(id="si", price="p", amount=5, scheme=PriceScheme.METERED).total is None
