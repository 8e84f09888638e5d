"""How a way of paying is written: one spelling for every brand and type, whoever told it."""

from __future__ import annotations

from overseer_payment.cards.words import phrase

_NAMES = {
    "acss_debit": "Canadian bank debit",
    "afterpay_clearpay": "Afterpay",
    "amazon_pay": "Amazon Pay",
    "amex": "Amex",
    "apple_pay": "Apple Pay",
    "au_becs_debit": "BECS Direct Debit",
    "bacs_debit": "Bacs Direct Debit",
    "blik": "BLIK",
    "card_present": "Card at a terminal",
    "cartes_bancaires": "Cartes Bancaires",
    "cashapp": "Cash App Pay",
    "customer_balance": "Bank transfer",
    "diners": "Diners Club",
    "eftpos_au": "Eftpos Australia",
    "eps": "EPS",
    "fpx": "FPX",
    "google_pay": "Google Pay",
    "ideal": "iDEAL",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "mobilepay": "MobilePay",
    "oxxo": "OXXO",
    "p24": "Przelewy24",
    "paynow": "PayNow",
    "paypal": "PayPal",
    "promptpay": "PromptPay",
    "revolut_pay": "Revolut Pay",
    "sepa_debit": "SEPA Direct Debit",
    "twint": "TWINT",
    "unionpay": "UnionPay",
    "upi": "UPI",
    "us_bank_account": "US bank account",
    "visa": "Visa",
    "wechat_pay": "WeChat Pay",
}


def method(text: str) -> str:
    """A provider's way of paying for people: `visa •••• 4242` → `Visa •••• 4242`; unknown ones as words."""
    name, dots, digits = text.partition(" \u2022")
    known = _NAMES.get(name.strip().lower().replace(" ", "_"))
    return (known or phrase(name)) + dots + digits
