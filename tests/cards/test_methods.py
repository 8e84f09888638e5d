"""Ways of paying, as people read them."""

from __future__ import annotations

import pytest

from overseer_payment.cards.methods import method


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("visa •••• 4242", "Visa •••• 4242"),
        ("VISA •••• 4242", "Visa •••• 4242"),
        ("us_bank_account", "US bank account"),
        ("us bank account", "US bank account"),
        ("sepa_debit", "SEPA Direct Debit"),
        ("cartes_bancaires •••• 0001", "Cartes Bancaires •••• 0001"),
        ("some_new_wallet", "Some new wallet"),
        ("", ""),
    ],
)
def test_a_way_of_paying_is_written_for_people(told: str, shown: str) -> None:
    """Known brands and types in their own spelling, the digits untouched, the rest as words."""
    assert method(told) == shown
