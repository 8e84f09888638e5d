"""Money: exact, in each currency's own minor units, by ISO 4217 or by a provider's exceptions."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overseer_payment.errors import Invalid
from overseer_payment.money import ISO, CurrencyTable, currency_code, iso_exponent
from overseer_payment.provider_plugins.stripe.currencies import CURRENCIES as STRIPE

# What Stripe's documentation ("Supported currencies") lists for payments.
CODES = re.findall(
    "[A-Z]{3}",
    """
    USD AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF
    CHF CLP CNY COP CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG
    HUF IDR ILS INR ISK JMD JOD JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK
    MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB
    RWF SAR SBD SCR SEK SGD SHP SLE SOS SRD STD SZL THB TJS TND TOP TRY TTD TWD TZS UAH UGX UYU UZS VND VUV
    WST XAF XCD XOF XPF YER ZAR ZMW
    """,
)
ZERO_DECIMAL = re.findall("[A-Z]{3}", "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF")
THREE_DECIMAL = {"BHD", "JOD", "KWD", "OMR", "TND"}

currencies = st.sampled_from(CODES)
amounts = st.integers(0, 10**17)


def chargeable(amount: int, code: str) -> int:
    return amount - amount % STRIPE.step(code)


@given(code=currencies, amount=amounts)
def test_what_is_written_plainly_parses_back(code: str, amount: int) -> None:
    """Every chargeable amount of every currency survives being written down and typed again."""
    minor = chargeable(amount, code)
    assert STRIPE.parse(STRIPE.plain(minor, code), code) == minor
    assert STRIPE.parse(f"  {STRIPE.plain(minor, code)}\n", code.lower()) == minor


@given(code=currencies, amount=st.integers(-(10**17), 10**17))
def test_nothing_is_rounded_away(code: str, amount: int) -> None:
    """What is written, also in an amount that can't be charged, is exactly what is meant."""
    assert Decimal(STRIPE.plain(amount, code)).scaleb(STRIPE.exponent(code)) == amount
    text = STRIPE.format(amount, code).removesuffix(f" {code}").replace(",", "").replace("\u2212", "-")
    assert Decimal(text).scaleb(STRIPE.exponent(code)) == amount


@given(code=currencies, amount=amounts)
def test_a_written_amount_has_at_least_the_digits_of_its_currency(code: str, amount: int) -> None:
    """Dollars show cents, yen none; where the provider counts finer than ISO 4217 nothing is hidden."""
    decimals = len(STRIPE.plain(amount, code).partition(".")[2])
    assert decimals in {iso_exponent(code), STRIPE.exponent(code)}


@pytest.mark.parametrize("code", CODES)
def test_exponents_are_those_of_the_provider(code: str) -> None:
    """Zero, three or two decimals, as Stripe's documentation lists them (ISK and UGX count in hundredths)."""
    expected = 0 if code in ZERO_DECIMAL else 3 if code in THREE_DECIMAL else 2
    assert STRIPE.exponent(code) == STRIPE.exponent(code.lower()) == expected


@pytest.mark.parametrize(
    ("code", "minor", "plain", "shown"),
    [
        ("usd", 1_234_567, "12345.67", "12,345.67 USD"),
        ("usd", 5, "0.05", "0.05 USD"),
        ("usd", -1_050, "-10.50", "\u221210.50 USD"),
        ("usd", 0, "0.00", "0.00 USD"),
        ("jpy", 500_000, "500000", "500,000 JPY"),
        ("kwd", 1_500, "1.500", "1.500 KWD"),
        ("isk", 500, "5", "5 ISK"),
        ("isk", 550, "5.50", "5.50 ISK"),
        ("ugx", 120_000, "1200", "1,200 UGX"),
        ("mga", 1_200, "1200", "1,200 MGA"),
        ("clp", 99, "99", "99 CLP"),
    ],
)
def test_examples_of_each_kind(code: str, minor: int, plain: str, shown: str) -> None:
    """The sums that others get wrong: kronur and shillings in hundredths, dinars in thousandths, yen."""
    assert STRIPE.plain(minor, code) == plain
    assert STRIPE.format(minor, code) == shown
    assert STRIPE.decimal(minor, code) == Decimal(plain)


@pytest.mark.parametrize(
    ("text", "code", "minor"),
    [
        ("5.00", "usd", 500),
        ("5", "usd", 500),
        ("5.5", "usd", 550),
        ("005.50", "usd", 550),
        (" 12.34 ", "USD", 1_234),
        ("5", "isk", 500),
        ("5.00", "isk", 500),
        ("1.5", "kwd", 1_500),
        ("1.230", "kwd", 1_230),
        ("7", "mga", 7),
        ("500000", "jpy", 500_000),
        ("1.0", "jpy", 1),
        ("9999999999999999", "usd", 999_999_999_999_999_900),
    ],
)
def test_typed_amounts_are_major_units(text: str, code: str, minor: int) -> None:
    """A person types major units of the row's currency, and means them exactly."""
    assert STRIPE.parse(text, code) == minor


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "5.",
        ".5",
        "-5",
        "+5",
        "5,00",
        "1,234.56",
        "1 000",
        "1_000",
        "1'000",
        "5.0.0",
        "$5",
        "5 USD",
        "5e2",
        "0x10",
        "NaN",
        "Infinity",
        "-0",
        "५",
        "٥",
        "５",
        "½",
        "1\n2",
        "1\x00",
        "5.00\u200b",
        "\u22125",
        "'; DROP TABLE",
        "5" * 5000,
        "0." + "0" * 5000 + "1",
        "9" * 19,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    """Signs, separators, other digits, absurd lengths: refused with a short reason, never guessed at."""
    with pytest.raises(Invalid) as refusal:
        STRIPE.parse(text, "usd")
    assert len(refusal.value.detail) < 200


@given(text=st.text(max_size=60), code=currencies)
def test_any_text_is_an_amount_or_refused(text: str, code: str) -> None:
    """Nothing that a person can type raises anything but Invalid, and what is taken is chargeable."""
    try:
        minor = STRIPE.parse(text, code)
    except Invalid:
        return
    assert 0 <= minor < 10**18
    assert minor % STRIPE.step(code) == 0


@pytest.mark.parametrize(
    ("table", "text", "code", "places"),
    [
        (STRIPE, "5.001", "usd", "2 decimals"),
        (STRIPE, "5.5", "jpy", "no decimals"),
        (STRIPE, "1.2345", "kwd", "3 decimals"),
        (STRIPE, "0.1", "mga", "no decimals"),
        (CurrencyTable(exponents={"MGA": 1}), "0.25", "mga", "one decimal"),
    ],
)
def test_more_decimals_than_the_currency_has_are_refused(
    table: CurrencyTable, text: str, code: str, places: str
) -> None:
    """Never rounded: who typed a fraction of a cent meant something else, and is told what there is."""
    with pytest.raises(Invalid) as refused:
        table.parse(text, code)
    assert refused.value.detail == f"{code.upper()} has {places}; {text} has more."


@pytest.mark.parametrize(
    ("text", "code", "step"), [("5.50", "isk", "1"), ("0.01", "ugx", "1"), ("5.124", "kwd", "0.010")]
)
def test_sums_between_the_steps_of_a_currency_are_refused(text: str, code: str, step: str) -> None:
    """Stripe takes whole kronur and shillings, and dinars in steps of ten; the refusal names the step."""
    with pytest.raises(Invalid) as refused:
        STRIPE.parse(text, code)
    assert refused.value.detail == f"Amounts in {code.upper()} go in steps of {step}."
    assert ISO.step(code) == 1


def test_what_iso_would_hide_is_shown() -> None:
    """A provider that counts finer than ISO 4217 has its own decimals written, where they say something."""
    finer = CurrencyTable(exponents={"USD": 4, "JPY": 2})
    assert finer.plain(123_400, "usd") == "12.34"
    assert finer.plain(123_456, "usd") == "12.3456"
    assert finer.plain(1250, "jpy") == "12.50"
    assert finer.plain(1200, "jpy") == "12"


@pytest.mark.parametrize("code", ["", "us", "usdd", "u$d", "ÜSD", "us ", "USD\n", "٣٣٣"])
def test_what_is_no_currency_code_is_refused(code: str) -> None:
    """Three ASCII letters, nothing else."""
    with pytest.raises(Invalid, match="not a currency code"):
        currency_code(code)


@pytest.mark.parametrize("code", ["XYZ", "QQQ"])
def test_a_currency_that_nobody_lists_is_refused(code: str) -> None:
    """Without a known exponent an amount has no meaning: never a default of two."""
    for ask in (lambda: ISO.format(100, code), lambda: ISO.parse("1", code), lambda: ISO.exponent(code)):
        with pytest.raises(Invalid, match="not a currency that ISO 4217 lists"):
            ask()


@pytest.mark.parametrize("code", ["HRK", "BGN", "MRO", "ANG", "STD", "SLL", "EEK", "LTL", "LVL"])
def test_withdrawn_currencies_of_old_payments_keep_their_digits(code: str) -> None:
    """Old rows must still be shown."""
    assert ISO.exponent(code) == 2


@given(exponent=st.integers(0, 4), amount=amounts)
def test_a_provider_brings_its_own_rule(exponent: int, amount: int) -> None:
    """A table's exceptions hold for it alone."""
    table = CurrencyTable(exponents={"JPY": exponent}, granularity={"JPY": 1})
    assert table.decimal(amount, "jpy") == Decimal(amount).scaleb(-exponent)
    assert ISO.exponent("jpy") == 0
