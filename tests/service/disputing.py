"""Payments that a bank disputes, and what tests of disputes look at."""

from __future__ import annotations

from typing import Literal

import pytest

from overseer_payment.schemas import (
    DisputeQuery,
    DisputeRow,
    EvidenceBody,
    Viewer,
)
from overseer_payment.shown.disputes import disputes as listed
from overseer_payment.simulator import scenario as play
from tests.service.shop import OPERATOR, Shop

WINNING = EvidenceBody(evidence={"uncategorized_text": "winning_evidence"}, submit=True)
LOSING = EvidenceBody(evidence={"uncategorized_text": "losing_evidence"}, submit=True)
# What no database has a say in is proved on one of them.
on_one = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def disputed(
    shop: Shop,
    amount: int = 1000,
    currency: str = "usd",
    *,
    kind: Literal["chargeback", "inquiry"] = "chargeback",
    about: int | None = None,
    within: int | None = 20,
) -> str:
    """A payment that its buyer's bank disputes; the dispute's id at the provider."""
    opened = play.dispute(
        shop.world, await shop.pay(amount, currency), kind=kind, amount=about, answer_within_days=within
    )
    await shop.settle()
    return str(opened["id"])


async def page(shop: Shop, viewer: Viewer = OPERATOR, **asked: str | bool) -> list[DisputeRow]:
    return list((await listed(shop.payments, viewer, DisputeQuery.model_validate(asked))).rows)
