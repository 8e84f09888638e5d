"""Verified deliveries, what they say, and pages of what the provider lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from overseer_payment.provider.naming import Ref
from overseer_payment.provider.snapshots import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One verified webhook delivery, as far as the inbox needs to know it.

    `account` is None for the account that the API key belongs to, else the connected account's id.
    """

    id: str
    type: str
    occurred_at: datetime
    livemode: bool
    api_version: str | None
    account: str | None
    payload: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What an event says: `snapshots` to record, and `fetch`: objects whose payload can't be used as it is.

    Both empty: the event says nothing about money; it ends as *ignored*.
    """

    snapshots: tuple[Snapshot, ...] = ()
    fetch: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Some of the provider's past events. `next_cursor` asks for those that follow, None: there are no more.

    `as_of` is the provider's time when this read began: an event made later may be missing. Of events
    before `kept_since` the provider tells no more; None: it keeps them for good.
    """

    events: tuple[Event, ...]
    next_cursor: str | None
    as_of: datetime
    kept_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotPage:
    """Some of the provider's objects, read at `as_of` by its clock, each with what it links to.

    `unreadable` names objects that are there but whose JSON can't be used: one of them must not hide the
    others.
    """

    snapshots: tuple[Snapshot, ...]
    next_cursor: str | None
    as_of: datetime
    unreadable: tuple[Ref, ...] = ()
