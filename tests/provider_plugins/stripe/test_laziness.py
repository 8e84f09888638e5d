"""What a host pays for having the plugin installed."""

from __future__ import annotations

import subprocess
import sys

from tests.support.environment import clean_environment

_SCRIPT = """
import sys
from importlib.metadata import entry_points

(entry,) = entry_points(group="overseer_payment.providers", name="stripe")
(spec,) = list(entry.load().register_providers())
assert spec.key == "stripe" and spec.currencies.exponent("isk") == 2
early = {"stripe", "httpx", "requests", "sqlalchemy", "anyio"} & set(sys.modules)
assert not early, early

configuration = {"STRIPE_SECRET_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_k3y"}
settings = spec.settings.model_validate(configuration)
assert spec.configured(settings) and not spec.configured(spec.settings())
provider = spec.factory(settings, None)

import hashlib, hmac, json, time
from datetime import datetime, UTC

refund = {"id": "re_1", "object": "refund", "amount": 5, "currency": "usd", "status": "succeeded"}
event = {"id": "evt_1", "type": "refund.created", "created": 9, "data": {"object": refund}}
body, now = json.dumps(event).encode(), int(time.time())
mac = hmac.new(b"whsec_k3y", b"%d." % now + body, hashlib.sha256).hexdigest()
told = provider.verify_webhook(body, {"stripe-signature": f"t={now},v1={mac}"}, now=datetime.now(UTC))
assert provider.parse(told).snapshots[0].amount == 5
assert "stripe" not in sys.modules
"""


def test_the_plugin_receives_and_translates_without_the_sdk() -> None:
    """Loading, building, verifying and parsing import neither the SDK nor an HTTP client."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _SCRIPT],
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment(),
    )
    assert (done.returncode, done.stderr) == (0, "")
