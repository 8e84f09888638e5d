"""Each finding: provoked by a configuration, and absent without it. Stripe is the simulator."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from overseer_payment import doctor
from overseer_payment.asking import endpoints
from overseer_payment.doctor.findings import CATALOGUE, ORDER
from overseer_payment.doctor.reach import knock
from overseer_payment.registry import Registry
from overseer_payment.schemas import EndpointBody, Finding, RotationBody
from overseer_payment.service import Payments
from overseer_payment.settings import Settings, read_settings
from tests.routes.fake_payments import FakeHost, FakePayments, application
from tests.service.shop import OPERATOR, SECRET, Shop, settings_of
from tests.support.server import free_port

pytestmark = pytest.mark.anyio

PUBLIC = "https://shop.example"
URL = f"{PUBLIC}/api/v1/payment/webhook"


@pytest.fixture
def begins() -> datetime:
    """Now, for findings are about what happens now."""
    return datetime.now(UTC)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind is enough: what is found does not depend on it."""
    return sqlite_url


def installed(shop: Shop, **change: str) -> Payments:
    """The shop's service under another configuration, public by default."""
    config = {**settings_of(shop.world), "OVERSEER_PUBLIC_URL": PUBLIC, **change}
    registry = Registry(config, http_factory=shop.client)
    return Payments(shop.engine, registry, read_settings(Settings, config))


async def found(payments: Payments) -> dict[str, Finding]:
    findings = await payments.doctor()
    await payments.aclose()
    known = {finding.id: finding for finding in findings}
    assert len(known) == len(findings)
    for finding in findings:
        kind = CATALOGUE[_kind(finding.id)]
        assert finding.level in kind.levels
        assert (finding.level == "ok") == (finding.cure is None)
        assert SECRET not in repr(finding)
    return known


def _kind(id: str) -> str:
    return f"{id.partition('.')[0]}.KEY" if "." in id else id


async def _endpoint(shop: Shop, **change: Any) -> str:
    """Our endpoint, made by us, its secret configured, then changed behind our back."""
    payments = installed(shop)
    row = await endpoints.create(payments, OPERATOR, EndpointBody())
    await payments.aclose()
    assert row.secret
    shop.world.put(shop.world.get("webhook_endpoint", row.id) | change)
    return row.secret


async def test_a_whole_endpoint_is_good(shop: Shop) -> None:
    """Made by us, with its secret set: nothing to complain of."""
    secret = await _endpoint(shop)
    known = await found(installed(shop, STRIPE_WEBHOOK_SECRET=secret))
    assert known["endpoint.stripe"].title == f"Stripe delivers to {URL}."
    assert {finding.level for finding in known.values()} == {"ok"}


@pytest.mark.parametrize(
    ("change", "id", "level", "cure"),
    [
        ({"status": "disabled"}, "endpoint_disabled.stripe", "error", "webhook update we_"),
        ({"enabled_events": ["charge.refunded"]}, "endpoint_events.stripe", "warning", "webhook update we_"),
        ({"api_version": "2024-06-20"}, "endpoint_version.stripe", "warning", "webhook rotate we_"),
        ({"api_version": None}, "endpoint_version.stripe", "warning", "webhook rotate we_"),
        ({"url": "https://other.example/hook"}, "endpoint.stripe", "warning", "webhook create"),
    ],
)
async def test_a_faulty_endpoint_is_named(
    shop: Shop, change: dict[str, Any], id: str, level: str, cure: str
) -> None:
    """Disabled, deaf, in another version, elsewhere: one finding each, with the command that mends it."""
    secret = await _endpoint(shop, **change)
    known = await found(installed(shop, STRIPE_WEBHOOK_SECRET=secret))
    assert (known[id].level, cure in str(known[id].cure)) == (level, True)
    assert [one for one in known.values() if one.level != "ok"] == [known[id]]


async def test_a_secret_of_another_endpoint_is_named(shop: Shop) -> None:
    """Configured is a secret, only not that of the endpoint: every delivery would be refused."""
    await _endpoint(shop)
    known = await found(installed(shop))
    assert (known["endpoint_secret.stripe"].level, known["webhook.stripe"].level) == ("error", "ok")


async def test_while_a_secret_is_replaced_one_good_endpoint_is_enough(shop: Shop) -> None:
    """The new one's secret isn't set yet and the old one works: no alarm."""
    secret = await _endpoint(shop)
    payments = installed(shop, STRIPE_WEBHOOK_SECRET=secret)
    (old,) = [one["id"] for one in shop.world.find("webhook_endpoint", url=URL)]
    await endpoints.rotate(payments, OPERATOR, old, RotationBody())
    assert (await found(payments))["endpoint.stripe"].level == "ok"


async def test_a_machine_nobody_delivers_to_needs_no_endpoint(shop: Shop) -> None:
    """On a loopback address no endpoint is asked for; one that is there is looked at."""
    assert "endpoint.stripe" not in await found(installed(shop, OVERSEER_PUBLIC_URL="http://127.0.0.1:8000"))
    assert "endpoint.stripe" in await found(installed(shop))


async def test_endpoints_that_cannot_be_seen_are_no_fault(shop: Shop) -> None:
    """A restricted key may lack that permission: said, and good."""
    shop.world.faults.answer(403, "GET", "/v1/webhook_endpoints", times=None)
    known = await found(installed(shop))
    assert (known["endpoint.stripe"].level, "can't be seen" in known["endpoint.stripe"].title) == ("ok", True)


@pytest.mark.parametrize(
    ("seconds", "level"), [(0, "ok"), (90, "warning"), (-90, "warning"), (900, "error"), (-900, "error")]
)
async def test_the_clock_is_compared(shop: Shop, seconds: int, level: str) -> None:
    """By the date of Stripe's own answers: a minute is a warning, beyond the tolerance an error."""
    wire = Skewed(shop.wire, timedelta(seconds=seconds))
    config = {**settings_of(shop.world), "OVERSEER_PUBLIC_URL": PUBLIC}
    config["STRIPE_API_BASE"] = "https://api.stripe.com"
    registry = Registry(config, http_factory=lambda _: httpx.AsyncClient(transport=wire))
    known = await found(Payments(shop.engine, registry, read_settings(Settings, config)))
    assert known["clock"].level == level


class Skewed(httpx.AsyncBaseTransport):
    """Stripe with a clock that is ahead of ours."""

    def __init__(self, inner: httpx.AsyncBaseTransport, ahead: timedelta) -> None:
        self._inner, self._ahead = inner, ahead

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        answer.headers["Date"] = format_datetime(datetime.now(UTC) + self._ahead, usegmt=True)
        return answer


async def test_a_clock_of_something_else_than_stripe_is_not_compared(shop: Shop) -> None:
    """A simulator's clock may be moved: no finding."""
    shop.world.clock.advance(900)
    assert "clock" not in await found(installed(shop))


async def test_secrets_that_are_left_out_are_named(shop: Shop) -> None:
    """A placeholder beside a good secret is a warning; without it there is none."""
    known = await found(installed(shop, STRIPE_WEBHOOK_SECRET=f"{SECRET},whsec_..."))
    assert (known["settings.stripe"].level, known["webhook.stripe"].level) == ("warning", "ok")
    assert "settings.stripe" not in await found(installed(shop))


async def test_events_of_the_other_mode_are_named(shop: Shop) -> None:
    """A live event under a test key: key and endpoint differ. The next test event ends the alarm."""
    await shop.pay()
    event = shop.world.events[0]
    await shop.receive({**event, "id": "evt_live", "livemode": True})
    assert (await found(installed(shop)))["mode.stripe"].level == "warning"
    await shop.receive(event)
    assert "mode.stripe" not in await found(installed(shop))


@pytest.mark.parametrize(
    ("hosts", "good"),
    [
        ("pay.example,pay.example:8443,[::1]:80,localhost", True),
        ("https://pay.example", False),
        ("*.example", False),
        ("pay.example/", False),
    ],
)
async def test_redirect_hosts_are_checked(shop: Shop, hosts: str, good: bool) -> None:
    """An entry that is no host name allows nothing, and is named."""
    known = await found(installed(shop, PAYMENT_ALLOWED_REDIRECT_HOSTS=hosts))
    assert ("redirect_hosts" not in known) is good


async def test_an_unknown_provider_is_named(shop: Shop) -> None:
    """PAYMENT_PROVIDER names nobody: an error that lists who is there."""
    finding = (await found(installed(shop, PAYMENT_PROVIDER="nobody")))["provider"]
    assert (finding.level, "stripe" in finding.title) == ("error", True)


async def test_our_webhook_is_told_from_anything_else(shop: Shop) -> None:
    """The real service refuses the knock as unsigned, with a secret and without; others are told apart."""
    for secret in (SECRET, ""):
        payments = installed(shop, STRIPE_WEBHOOK_SECRET=secret)
        app = application(cast(FakePayments, payments), FakeHost())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
            assert (await knock(http, URL)).level == "ok"
            other = await knock(http, f"{PUBLIC}/nothing")
            assert (other.level, "HTTP 404" in other.title) == ("warning", True)
        await payments.aclose()


async def test_silence_is_an_error() -> None:
    """Where nobody listens, nothing is delivered."""
    async with httpx.AsyncClient() as http:
        assert (await knock(http, f"http://127.0.0.1:{free_port()}/")).level == "error"


async def test_only_who_asks_from_outside_knocks(shop: Shop) -> None:
    """A page never calls its own server; on a loopback address nobody does."""
    here = installed(shop, OVERSEER_PUBLIC_URL="http://127.0.0.1:1")
    assert "reach" not in {finding.id for finding in await here.doctor(from_outside=True)}
    assert "reach" not in {finding.id for finding in await here.doctor()}
    await here.aclose()


def test_errors_come_first() -> None:
    """The order of levels is that of urgency."""
    assert sorted(ORDER, key=lambda level: ORDER[level]) == ["error", "warning", "ok"]


def test_the_catalogue_is_whole() -> None:
    """Each id in the source is in the catalogue, and each id of the catalogue is in the source."""
    assert {id for path in _sources() for id in _ids(path)} == set(CATALOGUE)


def _sources() -> list[Path]:
    return sorted(Path(str(doctor.__file__)).parent.glob("*.py"))


def _ids(path: Path) -> Iterator[str]:
    """The first argument of every finding that a module makes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ORDER:
            yield from _names(node.args[0])


def _names(argument: ast.expr) -> Iterator[str]:
    if isinstance(argument, ast.Constant):
        yield str(argument.value)
    elif isinstance(argument, ast.JoinedStr):
        first = argument.values[0]
        assert isinstance(first, ast.Constant)
        yield f"{first.value!s}KEY"
    else:  # of the names of the two landing addresses
        yield from ("success_url", "cancel_url")
