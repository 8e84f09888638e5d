"""What the doctor finds on the real service: all is well, or each fault with its cure."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import database
from overseer_payment.registry import Registry
from overseer_payment.service import Payments
from overseer_payment.settings import Settings, read_settings
from overseer_payment.simulator import World
from tests.service.shop import LIVE, LIVE_SETTINGS, SECRET, Shop, findings_of, settings_of

pytestmark = pytest.mark.anyio


async def test_all_is_well(shop: Shop) -> None:
    """A sound installation has no findings but good ones."""
    findings = await findings_of(shop.payments)
    assert {finding.level for finding in findings.values()} == {"ok"}
    assert {"database", "provider", "webhook.stripe", "health"} <= findings.keys()


@pytest.mark.parametrize(
    ("change", "id", "cure"),
    [
        ({"STRIPE_SECRET_KEY": ""}, "provider", "STRIPE_SECRET_KEY"),
        ({"STRIPE_SECRET_KEY": "pk_test_wrongone"}, "provider.stripe", ""),
        ({"STRIPE_WEBHOOK_SECRET": ""}, "webhook.stripe", "whsec_"),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_..."}, "webhook.stripe", "whsec_"),
        ({"PAYMENT_PROVIDER": "nobody"}, "provider", "Correct"),
        ({"OVERSEER_PUBLIC_URL": "http://pay.example.com"}, "public_url", "https"),
        (LIVE_SETTINGS, "public_url", "OVERSEER_PUBLIC_URL"),
        ({"STRIPE_SECRET_KEY": "sk_test_revoked0000"}, "health", "API key"),
        (
            {"OVERSEER_PUBLIC_URL": "https://pay.example.com", "PAYMENT_SUCCESS_URL": "http://a.example/"},
            "success_url",
            "PAYMENT_SUCCESS_URL",
        ),
    ],
)
async def test_each_misconfiguration_is_named_with_its_cure(
    shop: Shop, change: dict[str, str], id: str, cure: str
) -> None:
    """No key, a wrong kind of key, no secret, a placeholder, http, a revoked key: one finding each."""
    config = {**settings_of(shop.world), **change}
    registry = Registry(config, http_factory=shop.client)
    payments = Payments(shop.engine, registry, read_settings(Settings, config))
    finding = (await findings_of(payments))[id]
    assert finding.level in ("error", "warning")
    assert cure in (finding.cure or "")
    for secret in (SECRET, LIVE, "sk_test_revoked0000", "pk_test_wrongone"):
        assert secret not in f"{finding!r}"
    await payments.aclose()


async def test_a_database_without_our_tables_is_named(world: World, empty_database_url: str) -> None:
    """Unmigrated, or not there at all: the command that mends it, or where to look; no traceback.

    An SQLite file is made at its first use: that is nothing to mend.
    """
    engine: AsyncEngine = database.create_engine(empty_database_url)
    async with Shop.opened(world, engine) as shop:
        finding = (await findings_of(shop.payments))["database"]
        mended = ("error", "Run: overseer payment db upgrade")
        assert (finding.level, finding.cure) == (("ok", None) if "sqlite" in empty_database_url else mended)
    await engine.dispose()
    gone = database.create_engine("postgresql://nobody@127.0.0.1:1/none")
    async with Shop.opened(world, gone) as shop:
        finding = (await findings_of(shop.payments))["database"]
        assert (finding.level, "OVERSEER_DATABASE_URL" in (finding.cure or "")) == ("error", True)
    await gone.dispose()


async def test_events_that_could_not_be_applied_are_a_warning(shop: Shop) -> None:
    """With how many there are, and what to do."""
    await shop.pay()
    shop.payments.worker.applier.providers = lambda: {"stripe": object()}  # type: ignore[dict-item]  # stands in for the provider, as far as it is asked
    await shop.settle()
    finding = (await findings_of(shop.payments))["events"]
    assert (finding.level, "events could not be applied" in finding.title) == ("warning", True)
