"""Disputes on the command line, over the real service and database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from overseer_payment.cli import output
from overseer_payment.cli.payment import payment
from overseer_payment.cli.payment.options import DISPUTE_KINDS, DISPUTE_STATES
from overseer_payment.cli.session import Opener
from overseer_payment.provider import DisputeKind
from overseer_payment.schemas import DisputeFilter
from overseer_payment.simulator import scenario as play
from tests.cli.test_real import Shop

PDF = b"%PDF-1.7\n" + b"." * 40
# What no database has a say in is proved on one of them.
on_one = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def shop(database_url: str) -> Shop:
    return Shop(database_url)


def _json(shop: Shop, *words: str) -> dict[str, Any]:
    result = shop.run(*words, "--json")
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def _disputed(shop: Shop, amount: str = "4900", currency: str = "usd", **more: Any) -> str:
    return str(play.dispute(shop.world, shop.pay(amount, currency)["id"], **more)["id"])


def test_words_are_the_real_ones() -> None:
    """What `--status` and `--kind` offer is what the query takes."""
    assert tuple(DisputeFilter) == DISPUTE_STATES
    assert tuple(DisputeKind) == DISPUTE_KINDS


def test_disputes_are_listed_and_shown(shop: Shop) -> None:
    """Open ones by deadline; one with its deadline, what was taken, and the fields of evidence."""
    late = _disputed(shop, answer_within_days=18)
    soon = _disputed(shop, "1200", "jpy", answer_within_days=3)
    play.warn_of_fraud(shop.world, shop.pay("12340", "kwd")["id"])
    rows = _json(shop, "disputes", "--status", "open")["disputes"]
    assert [row["provider_dispute_id"] for row in rows[:2]] == [soon, late]
    assert [row["kind"] for row in rows] == ["chargeback", "chargeback", "fraud_warning"]
    assert [row["id"] for row in _json(shop, "disputes", "--due-soon")["disputes"]] == [rows[0]["id"]]
    assert _json(shop, "disputes", "-s", "lost")["disputes"] == []
    listed = shop.run("disputes").stdout
    assert all(part in listed for part in ("1,200 JPY", "49.00 USD", "12.340 KWD", "refund", "fraudulent"))
    more = shop.run("disputes", "-s", "open", "-n", "1")
    assert "--cursor" in more.stderr
    shown = shop.run("dispute", "show", soon, "--fields").stdout
    assert all(
        part in shown for part in ("Chargeback", "1,200 JPY", "Deadline", "shipping_carrier", "receipt")
    )
    assert shop.run("dispute", "show", "du_absent").exit_code == 1
    assert shop.run("disputes", "--status", "wrong").exit_code == 2


def test_evidence_is_staged_and_submitted(shop: Shop, tmp_path: Path) -> None:
    """From options, a file to upload and a JSON file; then all of it is handed to the bank."""
    id = _disputed(shop)
    (tmp_path / "receipt.pdf").write_bytes(PDF)
    told = tmp_path / "told.json"
    told.write_text(json.dumps({"customer_name": "Ada", "shipping_carrier": "Pigeon"}), encoding="utf-8")
    staged = _json(
        shop, "dispute", "evidence", id,
        "--from", str(told), "--field", "shipping_carrier=UPS",
        "--file", f"receipt={tmp_path / 'receipt.pdf'}",
    )  # fmt: skip
    (file,) = shop.world.find("file")
    assert staged["evidence"] == {"customer_name": "Ada", "shipping_carrier": "UPS", "receipt": file["id"]}
    assert (staged["status"], file["filename"]) == ("needs_response", "receipt.pdf")
    said = shop.run("dispute", "evidence", id, "--field", "uncategorized_text=winning_evidence")
    assert "not submitted" in said.stdout
    assert "--submit" in said.stderr
    shop.run("dispute", "evidence", id, "--submit")
    assert _json(shop, "dispute", "show", id)["status"] == "won"
    assert "Evidence submitted by cli:" in shop.run("dispute", "show", id).stdout
    again = shop.run("dispute", "evidence", id, "--submit")
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr.startswith("error: ")


@on_one
def test_typing_errors_are_told_before_anything_is_sent(shop: Shop, tmp_path: Path) -> None:
    """Wrong usage exits with 2, a refusal with 1, each with one line."""
    id = _disputed(shop)
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    (tmp_path / "page.html").write_text("<html>", encoding="utf-8")
    wrong = (
        (("--field", "customer_name"), 2),
        (("--file", f"receipt={tmp_path / 'absent.pdf'}"), 2),
        (("--from", str(tmp_path / "list.json")), 2),
        (("--file", f"receipt={tmp_path / 'page.html'}"), 1),
        (("--field", "customer_nam=Ada"), 1),
        ((), 1),
    )
    for words, code in wrong:
        result = shop.run("dispute", "evidence", id, *words)
        assert (result.exit_code, result.stdout) == (code, ""), words
    assert shop.world.get("dispute", id)["evidence_details"]["has_evidence"] is False


@on_one
def test_what_is_final_is_asked_first(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal with the exact sum; "no" sends nothing, a script and --yes are not asked."""
    monkeypatch.setattr(output, "can_ask", lambda: True)
    id = _disputed(shop, "1200", "jpy")
    shop.run("dispute", "evidence", id, "--field", "customer_name=Ada")

    def answered(reply: str, *words: str) -> Result:
        return CliRunner().invoke(
            payment, words, prog_name="overseer payment", obj=Opener(shop._open), input=reply
        )

    refused = answered("n\n", "dispute", "accept", id)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "1,200 JPY" in refused.stderr
    assert "for good" in refused.stderr
    assert answered("n\n", "dispute", "evidence", id, "--submit").exit_code == 1
    assert shop.world.get("dispute", id)["status"] == "needs_response"
    assert answered("", "dispute", "accept", id, "--yes").exit_code == 0
    assert shop.world.get("dispute", id)["status"] == "lost"
    # What is over is not asked about: it is refused with the reason.
    over = answered("", "dispute", "accept", id)
    assert (over.exit_code, over.stderr.startswith("error: ")) == (1, True)


@on_one
def test_one_key_accepts_once_and_inquiries_are_refunded(shop: Shop) -> None:
    """The same key answers the same outcome; an inquiry is not accepted but ended by a refund."""
    id = _disputed(shop)
    words = ("dispute", "accept", id, "--idempotency-key", "once")
    assert _json(shop, *words)["status"] == _json(shop, *words)["status"] == "lost"
    inquiry = _disputed(shop, "700", kind="inquiry")
    refused = shop.run("dispute", "accept", inquiry)
    assert (refused.exit_code, "refund the payment" in refused.stderr) == (1, True)
    row = _json(shop, "dispute", "show", inquiry)
    assert shop.run("refund", str(row["transaction_id"])).exit_code == 0
    assert _json(shop, "dispute", "show", inquiry)["status"] == "closed"
