"""How healing stands, for those who watch: when it last ran, what it mended, what is left."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from overseer_payment.sync.runs import Healing
from overseer_payment.tables import sync as table


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Of several accounts the oldest moments, and sums. None: never completed.

    `recovered_events` had never arrived and were found by the last recoveries; `drift` is what the last
    reconciliations left different, `healed` what they mended.
    """

    last_recovery_at: datetime | None
    recovered_events: int
    last_reconciliation_at: datetime | None
    healed: int
    drift: int


def standing(connection: Connection, account_ids: Sequence[int]) -> Standing:
    """How healing of these accounts stands."""
    columns = (table.c.kind, table.c.finished_at, table.c.counts)
    ran = select(*columns).where(table.c.account_id.in_(account_ids), table.c.finished_at.is_not(None))
    rows = connection.execute(ran).all()
    counts = {kind: [json.loads(row.counts) for row in rows if row.kind == kind] for kind in Healing}
    ended = {kind: min((r.finished_at for r in rows if r.kind == kind), default=None) for kind in Healing}
    return Standing(
        last_recovery_at=ended[Healing.RECOVERY],
        recovered_events=sum(sum(c.get("missed", {}).values()) for c in counts[Healing.RECOVERY]),
        last_reconciliation_at=ended[Healing.RECONCILIATION],
        healed=sum(c.get("healed", 0) for c in counts[Healing.RECONCILIATION]),
        drift=sum(c.get("unhealed", 0) for c in counts[Healing.RECONCILIATION]),
    )
