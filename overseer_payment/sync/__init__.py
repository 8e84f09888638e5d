"""Healing: what a webhook missed is asked for, what history holds is read, what differs is found and mended.

* `recover`: missed events, by the provider's list of events
* `backfill`: objects, by its lists of objects; resumable
* `reconcile`: compares objects with the ledger, reports, heals
* `catch_up`: recovery, and a back-fill where events are told no more
* `Schedule`: all of it in the background; `last_runs` says how it stands

Each takes a `Source` (`sources(payments.registry, payments.homes())`) and funnels into the same inbox and
the same ledger as a webhook.
"""

from __future__ import annotations

from overseer_payment.sync.backfilling import Backfilled, backfill
from overseer_payment.sync.catchup import CaughtUp, catch_up
from overseer_payment.sync.drift import Difference, Drift, What
from overseer_payment.sync.patience import Patience
from overseer_payment.sync.reconciliation import Reconciled, reconcile
from overseer_payment.sync.recovery import Recovered, recover
from overseer_payment.sync.runs import Healing, LastRun, RunState, last_runs
from overseer_payment.sync.schedule import WINDOW, Schedule
from overseer_payment.sync.source import Source, sources
from overseer_payment.sync.standing import Standing, standing

__all__ = [
    "WINDOW",
    "Backfilled",
    "CaughtUp",
    "Difference",
    "Drift",
    "Healing",
    "LastRun",
    "Patience",
    "Reconciled",
    "Recovered",
    "RunState",
    "Schedule",
    "Source",
    "Standing",
    "What",
    "backfill",
    "catch_up",
    "last_runs",
    "reconcile",
    "recover",
    "sources",
    "standing",
]
