"""The outbox over REST: who may see it, and what can be told again."""

from __future__ import annotations

from typing import cast

import httpx
import pytest

from overseer_payment import tables
from tests.routes.fake_payments import TOKEN, FakeHost, FakePayments, application
from tests.service.application import Ears, Open

pytestmark = pytest.mark.anyio


async def test_effects_are_listed_and_replayed(opened: Open, ears: Ears) -> None:
    """Pages and filters; what could not be told is told again, by staff with the permission for it only."""
    async with opened(ears("payment.succeeded", "checkout.paid")) as shop:
        ears.failures = 1
        await shop.buy(900)
        await shop.settle()
        host = FakeHost(granted={"staff": frozenset({"payment.view"})})
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(application(cast(FakePayments, shop.payments), host)),
            base_url="http://app.test/api/v1/payment",
            headers={"Authorization": f"Bearer {TOKEN}"},
        ) as rest:
            first = (await rest.get("/effects?limit=1")).json()
            second = (await rest.get("/effects", params={"limit": 1, "cursor": first["next_cursor"]})).json()
            assert {row["topic"] for page in (first, second) for row in page["effects"]} == {
                "payment.succeeded",
                "checkout.paid",
            }
            [failed] = (await rest.get("/effects?failed=true&listener=ears")).json()["effects"]
            [done] = (await rest.get("/effects?status=done")).json()["effects"]
            assert done["due_at"] is None
            refused = await rest.post(f"/effects/{done['id']}/replay")
            assert (refused.status_code, refused.json()["code"]) == (409, "effect_done")
            assert (await rest.post("/effects/0/replay")).status_code == 404
            assert (await rest.get("/effects?status=lost")).status_code == 422
            rest.headers["Authorization"] = "Bearer user-staff"
            assert (await rest.post(f"/effects/{failed['id']}/replay")).status_code == 403
            assert (await rest.get("/effects")).status_code == 200
            rest.headers["Authorization"] = "Bearer user-buyer"
            assert (await rest.get("/effects")).status_code == 403
            rest.headers["Authorization"] = f"Bearer {TOKEN}"
            path, key = f"/effects/{failed['id']}/replay", {"Idempotency-Key": "once"}
            again = (await rest.post(path, headers=key)).json()
            assert (again["status"], again["attempts"]) == ("pending", 0)
            await shop.drain()
            # What was asked under a key is not asked again: how it stands by now.
            assert (await rest.post(path, headers=key)).json()["status"] == "done"
            assert (await rest.post(path)).status_code == 409
            other = await rest.post(f"/effects/{done['id']}/replay", headers=key)
            assert other.json()["code"] == "idempotency_conflict"
        assert await shop.count(tables.operation, kind="effect.replay") == 1
        assert sorted(ears.topics) == ["checkout.paid", "payment.succeeded"]
        assert await shop.count(tables.effect, status="done") == 2
