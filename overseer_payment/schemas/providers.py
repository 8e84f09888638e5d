"""Provider plugins, and what `doctor` finds."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from overseer_payment.schemas.base import Row


class ProviderState(StrEnum):
    READY = "ready"
    NOT_CONFIGURED = "not_configured"
    BROKEN = "broken"
    BLOCKED = "blocked"


class ProviderRow(Row):
    """One provider plugin, whatever its state."""

    key: str
    title: str
    state: ProviderState
    error: str | None = None
    distribution: str | None = None
    version: str | None = None
    api_version: str | None = None
    capabilities: list[str] = Field(default_factory=list)


class Finding(Row):
    """Something that `doctor` found, with its cure."""

    id: str
    level: Literal["ok", "warning", "error"]
    title: str
    cure: str | None = None
