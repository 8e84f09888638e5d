"""The account itself: who the merchant is."""

from __future__ import annotations

from overseer_payment.simulator.api import Call, endpoint
from overseer_payment.simulator.resources.shapes import Json, address
from overseer_payment.simulator.world import World

MERCHANT = "Simulated business"


def merchant(world: World) -> str:
    """Return the name that payers see."""
    return str(world.settings.get("merchant", MERCHANT))


@endpoint("GET", "/v1/account")
def retrieve_account(call: Call) -> Json:
    """Return the account that the key belongs to."""
    return _account(call.world)


@endpoint("GET", "/v1/accounts/{account}")
def retrieve_named_account(call: Call) -> Json:
    """Return the account by id; there is only one."""
    if call.ids["account"] != call.world.account:
        return call.world.get("account", call.ids["account"])
    return _account(call.world)


def _account(world: World) -> Json:
    nothing: list[str] = []
    requirements = {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": nothing,
        "disabled_reason": None,
        "errors": [],
        "eventually_due": nothing,
        "past_due": nothing,
        "pending_verification": nothing,
    }
    return {
        "id": world.account,
        "object": "account",
        "business_profile": {
            "mcc": "5734",
            "name": merchant(world),
            "product_description": None,
            "support_address": address(),
            "support_email": "support@example.com",
            "support_phone": None,
            "support_url": None,
            "url": "https://example.com",
        },
        "business_type": "company",
        "capabilities": {"card_payments": "active", "sepa_debit_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": "US",
        "default_currency": "usd",
        "details_submitted": True,
        "email": "owner@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "requirements": requirements,
        "settings": _settings(world),
        "type": "standard",
    }


def _settings(world: World) -> Json:
    prefixes = (
        "statement_descriptor_prefix",
        "statement_descriptor_prefix_kana",
        "statement_descriptor_prefix_kanji",
    )
    return {
        "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": False},
            **dict.fromkeys(prefixes),
        },
        "dashboard": {"display_name": merchant(world), "timezone": "Etc/UTC"},
        "payments": {
            "statement_descriptor": "SIMULATOR",
            "statement_descriptor_kana": None,
            "statement_descriptor_kanji": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "payouts": {
            "debit_negative_balances": True,
            "schedule": {"delay_days": 2, "interval": "daily"},
            "statement_descriptor": None,
        },
    }
