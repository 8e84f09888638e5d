"""Test cards and bank accounts: each number is a promise of how a payment with it goes.

The numbers and what they do are Stripe's own ("Testing", "SEPA Direct Debit", "ACH Direct Debit").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DeclineCode = Literal[
    "generic_decline",
    "insufficient_funds",
    "lost_card",
    "stolen_card",
    "expired_card",
    "incorrect_cvc",
    "processing_error",
    "authentication_required",
    "fraudulent",
]

Kind = Literal["card", "sepa_debit", "us_bank_account"]

# Which bank debit a checkout offers beside cards, by currency.
BANK_DEBITS: dict[str, Kind] = {"eur": "sepa_debit", "usd": "us_bank_account"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One test card or bank account, and the fate of what is paid with it."""

    number: str
    name: str
    does: str
    kind: Kind = "card"
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    declines: DeclineCode | None = None
    declines_later: DeclineCode | None = None
    authentication: Literal["never", "once", "always"] = "never"
    dispute: Literal["chargeback", "inquiry"] | None = None
    fraud_warning: bool = False
    refund: Literal["succeeds", "fails_later", "pending"] = "succeeds"
    settles: Literal["at_once", "later", "fails_later"] = "at_once"

    @property
    def last4(self) -> str:
        """The digits that may be shown."""
        return self.number[-4:]

    @property
    def spaced(self) -> str:
        """The number as printed on a card: groups of four."""
        return " ".join(self.number[i : i + 4] for i in range(0, len(self.number), 4))

    def refuses(self, *, off_session: bool) -> DeclineCode | None:
        """Return the decline code of an attempt now, or None when it goes through."""
        if off_session and self.authentication == "always":
            return "authentication_required"
        return self.declines or (self.declines_later if off_session else None)


_ALL = (
    Instrument(number="4242424242424242", name="pm_card_visa", does="Succeeds"),
    Instrument(number="4000056655665556", name="pm_card_visa_debit", does="Succeeds", funding="debit"),
    Instrument(number="5555555555554444", name="pm_card_mastercard", does="Succeeds", brand="mastercard"),
    Instrument(number="378282246310005", name="pm_card_amex", does="Succeeds", brand="amex"),
    Instrument(number="4000002760000016", name="pm_card_de", does="Succeeds (Germany)", country="DE"),
    Instrument(number="4000003920000003", name="pm_card_jp", does="Succeeds (Japan)", country="JP"),
    Instrument(
        number="4000000000000002", name="pm_card_chargeDeclined", does="Is declined",
        declines="generic_decline",
    ),
    Instrument(
        number="4000000000009995", name="pm_card_chargeDeclinedInsufficientFunds",
        does="Is declined: insufficient funds", declines="insufficient_funds",
    ),
    Instrument(
        number="4000000000009987", name="pm_card_chargeDeclinedLostCard", does="Is declined: lost card",
        declines="lost_card",
    ),
    Instrument(
        number="4000000000009979", name="pm_card_chargeDeclinedStolenCard", does="Is declined: stolen card",
        declines="stolen_card",
    ),
    Instrument(
        number="4000000000000069", name="pm_card_chargeDeclinedExpiredCard", does="Is declined: expired card",
        declines="expired_card",
    ),
    Instrument(
        number="4000000000000127", name="pm_card_chargeDeclinedIncorrectCvc",
        does="Is declined: incorrect CVC", declines="incorrect_cvc",
    ),
    Instrument(
        number="4000000000000119", name="pm_card_chargeDeclinedProcessingError",
        does="Is declined: processing error", declines="processing_error",
    ),
    Instrument(
        number="4100000000000019", name="pm_card_radarBlock", does="Is blocked as fraudulent",
        declines="fraudulent",
    ),
    Instrument(
        number="4000000000000341", name="pm_card_chargeCustomerFail",
        does="Succeeds now, is declined on renewal", declines_later="generic_decline",
    ),
    Instrument(
        number="4000002500003155", name="pm_card_authenticationRequiredOnSetup",
        does="Asks for 3-D Secure", authentication="once",
    ),
    Instrument(
        number="4000000000003220", name="pm_card_threeDSecure2Required", does="Asks for 3-D Secure",
        authentication="once",
    ),
    Instrument(
        number="4000002760003184", name="pm_card_authenticationRequired",
        does="Asks for 3-D Secure every time", authentication="always",
    ),
    Instrument(
        number="4000000000000259", name="pm_card_createDispute",
        does="Succeeds, then is disputed as fraudulent", dispute="chargeback",
    ),
    Instrument(
        number="4000000000001976", name="pm_card_createDisputeInquiry",
        does="Succeeds, then an inquiry opens", dispute="inquiry",
    ),
    Instrument(
        number="4000000000005423", name="pm_card_createIssuerFraudRecord",
        does="Succeeds, then an early fraud warning comes", fraud_warning=True,
    ),
    Instrument(
        number="4000000000005126", name="pm_card_refundFail", does="Succeeds; a refund fails later",
        refund="fails_later",
    ),
    Instrument(
        number="4000000000007726", name="pm_card_pendingRefund", does="Succeeds; a refund is pending first",
        refund="pending",
    ),
    Instrument(
        number="AT611904300234573201", name="pm_sepa_settles", does="Is pending, settles after 3 days",
        kind="sepa_debit", country="AT", brand="sepa", funding="debit", settles="later",
    ),
    Instrument(
        number="AT861904300235473202", name="pm_sepa_fails", does="Is pending, fails after 3 days",
        kind="sepa_debit", country="AT", brand="sepa", funding="debit", settles="fails_later",
    ),
    Instrument(
        number="000123456789", name="pm_usBankAccount_success", does="Is pending, settles after 3 days",
        kind="us_bank_account", brand="ach", funding="debit", settles="later",
    ),
    Instrument(
        number="000222222227", name="pm_usBankAccount_insufficientFunds",
        does="Is pending, fails after 3 days", kind="us_bank_account", brand="ach", funding="debit",
        settles="fails_later",
    ),
)  # fmt: skip

INSTRUMENTS = {instrument.number: instrument for instrument in _ALL}
BY_NAME = {instrument.name: instrument for instrument in _ALL}


def types_for(currency: str | None) -> list[str]:
    """Return the kinds of payment method that can pay in `currency`."""
    debit = BANK_DEBITS.get(currency or "")
    return ["card", debit] if debit else ["card"]


# Older spellings of the same test payment methods.
_ALIASES = {
    "pm_card_visa_chargeDeclined": "pm_card_chargeDeclined",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "pm_card_chargeDeclinedInsufficientFunds",
    "pm_card_visa_chargeDeclinedLostCard": "pm_card_chargeDeclinedLostCard",
    "pm_card_visa_chargeDeclinedStolenCard": "pm_card_chargeDeclinedStolenCard",
    "pm_card_threeDSecureRequired": "pm_card_threeDSecure2Required",
}


def find_instrument(written: str) -> Instrument | None:
    """Return the instrument of a number as a person types it, or of a name like `pm_card_visa`; else None."""
    compact = "".join(written.split()).replace("-", "")
    return INSTRUMENTS.get(compact.upper()) or BY_NAME.get(_ALIASES.get(compact, compact))


# code, message to the payer, advice of the network: texts of Stripe's "Decline codes" page.
DECLINES: dict[str, tuple[str, str, str]] = {
    "generic_decline": ("card_declined", "Your card was declined.", "try_again_later"),
    "insufficient_funds": ("card_declined", "Your card has insufficient funds.", "try_again_later"),
    "lost_card": ("card_declined", "Your card was declined.", "do_not_try_again"),
    "stolen_card": ("card_declined", "Your card was declined.", "do_not_try_again"),
    "fraudulent": ("card_declined", "Your card was declined.", "do_not_try_again"),
    "expired_card": ("expired_card", "Your card has expired.", "do_not_try_again"),
    "incorrect_cvc": ("incorrect_cvc", "Your card's security code is incorrect.", "confirm_card_data"),
    "processing_error": (
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
        "try_again_later",
    ),
    "authentication_required": (
        "authentication_required",
        "Your card was declined. This transaction requires authentication.",
        "try_again_later",
    ),
}
