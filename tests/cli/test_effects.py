"""What applications are told, on the command line."""

from __future__ import annotations

import json
from typing import Any

from overseer_payment.cli.payment.options import EFFECT_STATES
from overseer_payment.listening import News, on
from overseer_payment.schemas import EffectState
from tests.cli.test_real import Shop


def _json(shop: Shop, *words: str) -> dict[str, Any]:
    result = shop.run(*words, "--json")
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def test_words_are_the_real_ones() -> None:
    """What `--status` offers is what the query takes."""
    assert tuple(EffectState) == ("pending", "failed", "done", "lapsed", "dead")
    assert set(EFFECT_STATES) == set(EffectState)


def test_what_could_not_be_told_is_seen_and_told_again(sqlite_url: str) -> None:
    """Listed with why; a replay tells it (exit code 1: it failed again); what was told isn't told twice."""
    broken, heard = [True], []

    @on("payment.succeeded", name="receipt")
    async def receipt(news: News) -> None:
        if broken:
            raise OSError("ada@example.com")
        heard.append(news.transaction.amount)

    shop = Shop(sqlite_url)
    shop.listeners = (receipt,)
    assert "Nobody was told" in shop.run("effects").stderr
    shop.pay("4900", "usd")
    [failed] = _json(shop, "effects", "--failed")["effects"]
    assert (failed["listener"], failed["topic"], failed["status"]) == (
        "receipt",
        "payment.succeeded",
        "failed",
    )
    listed = shop.run("effects", "--listener", "receipt")
    assert "payment.succeeded" in listed.stdout
    assert "ada@" not in listed.stdout
    assert shop.run("effects", "replay", str(failed["id"])).exit_code == 1
    broken.clear()
    assert _json(shop, "effects", "replay", str(failed["id"]))["status"] == "done"
    assert heard == [4900]
    again = shop.run("effects", "replay", str(failed["id"]))
    assert (again.exit_code, "was told this already" in again.stderr) == (1, True)
    assert shop.run("effects", "replay", "999").exit_code == 1
    assert [row["kind"] for row in _json(shop, "operations")["operations"]] == ["effect.replay"] * 2
    assert heard == [4900]
