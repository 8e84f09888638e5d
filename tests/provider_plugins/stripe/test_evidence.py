"""Evidence as Stripe takes it: the form follows the SDK's types, and so do the parameters."""

from __future__ import annotations

import inspect
import sys
from typing import Any

import pytest
import stripe
from stripe.params import DisputeModifyParamsEvidence

from overseer_payment.errors import Invalid, NotSupported
from overseer_payment.provider import EvidenceFile
from overseer_payment.provider_plugins.stripe import evidence
from overseer_payment.provider_plugins.stripe.disputes import _check, _require_dispute

FORM = evidence.form()
PLAIN = {field.name for field in FORM.fields if not field.appeal}


def test_the_form_has_every_field_of_the_sdk() -> None:
    """None more and none less; what is left out is named, and appeals have their own two."""
    known = set(DisputeModifyParamsEvidence.__annotations__)
    assert known - evidence.LEFT_OUT - {"appeal"} == PLAIN
    assert known >= evidence.LEFT_OUT
    card = {name for name in stripe.Dispute.Evidence.Appeal.Card.__annotations__ if name[0] != "_"}
    assert {field.name for field in FORM.fields if field.appeal} == {f"appeal.card.{name}" for name in card}


def test_files_are_told_from_texts() -> None:
    """A field is a file where Stripe's own description says that it takes the id of one."""
    source = inspect.getsource(sys.modules[DisputeModifyParamsEvidence.__module__])
    for field in FORM.fields:
        if field.appeal:
            continue
        after = source.partition(f"    {field.name}: NotRequired")[2].partition('"""')[2]
        assert (field.kind == "file") == after.strip().startswith("(ID of a [file upload]"), field.name
    kinds = {field.name: field.kind for field in FORM.fields if field.appeal}
    assert kinds == {"appeal.card.reason_for_filing": "text", "appeal.card.supporting_files": "files"}


def test_limits_are_the_documented_ones() -> None:
    """20,000 characters for each text, 150,000 together, files of 5 MB."""
    assert {field.longest for field in FORM.fields if field.kind == "text"} == {20_000}
    assert (FORM.longest_together, FORM.largest_file) == (150_000, 5 * 1024 * 1024)
    assert FORM.file_types == ("application/pdf", "image/png", "image/jpeg")


def test_parameters_have_the_sdk_s_shape() -> None:
    """`submit` is always said: left out, Stripe takes it for true."""
    told = dict.fromkeys(PLAIN, "x")
    appeal = {"appeal.card.reason_for_filing": "Unfair", "appeal.card.supporting_files": ["file_1", "file_2"]}
    params: Any = evidence.parameters({**told, **appeal}, submit=False)
    assert params["submit"] is False
    assert params["evidence"]["appeal"]["card"]["supporting_files"] == ["file_1", "file_2"]
    one: Any = evidence.parameters({"appeal.card.supporting_files": "file_1"}, submit=True)
    assert one["evidence"] == {"appeal": {"card": {"supporting_files": ["file_1"]}}}
    assert evidence.parameters({}, submit=True) == {"submit": True}
    with pytest.raises(Invalid, match="no evidence called"):
        evidence.parameters({"enhanced_evidence": "x"}, submit=False)


def test_what_is_staged_is_read_back() -> None:
    """Texts, ids of files also where the file itself stands, appeals; nothing else, whatever comes."""
    card = {"reason_for_filing": "Unfair", "supporting_files": ["file_2", 7]}
    raw = {
        "evidence": {
            "customer_name": "Ada",
            "receipt": {"id": "file_1", "object": "file"},
            "refund_policy": "file_3",
            "uncategorized_text": "",
            "shipping_date": 5,
            "enhanced_evidence": {},
            "appeal": {"card": card},
        }
    }
    assert evidence.staged(raw) == {
        "customer_name": "Ada",
        "receipt": "file_1",
        "refund_policy": "file_3",
        "appeal.card.reason_for_filing": "Unfair",
        "appeal.card.supporting_files": ["file_2"],
    }
    nothings: list[dict[str, Any]] = [
        {},
        {"evidence": None},
        {"evidence": {"appeal": None}},
        {"evidence": []},
    ]
    for nothing in nothings:
        assert evidence.staged(nothing) == {}


@pytest.mark.parametrize(
    ("media_type", "size"), [("text/html", 10), ("application/pdf", 0), ("image/png", 5 * 1024 * 1024 + 1)]
)
def test_files_are_checked_before_they_are_sent(media_type: str, size: int) -> None:
    """Type and size, as Stripe's page on files says."""
    with pytest.raises(Invalid):
        _check(EvidenceFile(name="x", media_type=media_type, content=b"x" * size), FORM)


def test_a_warning_is_no_dispute() -> None:
    """Its id never reaches the dispute's addresses."""
    with pytest.raises(NotSupported, match="refund"):
        _require_dispute("issfr_1")
