"""How a figure compares with the period before, in words that stay true for zero and negative sums."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Direction = Literal["up", "down", "flat", "none"]


class Trend(BaseModel):
    """A change. `text` goes beside an arrow, `words` says the same to those who don't see it."""

    model_config = ConfigDict(frozen=True)

    direction: Direction
    text: str
    words: str
    previous: int | None = None


NOTHING = Trend(direction="none", text="", words="no earlier period to compare with")


def trend(now: int, before: int | None) -> Trend:
    """Compare two sums or counts. A ratio is given only where a ratio means something."""
    if before is None:
        return NOTHING
    if now == before:
        return Trend(direction="flat", text="no change", words="no change", previous=before)
    up = now > before
    arrow: Direction = "up" if up else "down"
    if before <= 0 or now < 0:
        # From nothing, or across zero: a percentage would be infinite or backwards.
        text = "none before" if before == 0 else "was negative" if before < 0 else "now negative"
        return Trend(direction=arrow, text=text, words=f"{'up' if up else 'down'}, {text}", previous=before)
    text = _ratio(now, before)
    return Trend(direction=arrow, text=text, words=f"{'up' if up else 'down'} {text}", previous=before)


def _ratio(now: int, before: int) -> str:
    if now >= 10 * before:
        return f"\u00d7{now // before:,}"
    tenths = (abs(now - before) * 2000 + before) // (2 * before)  # exact rounding, no float
    if tenths == 0:
        return "under 0.1\u2009%"
    return f"{tenths // 10}.{tenths % 10}\u2009%" if tenths < 1000 else f"{(tenths + 5) // 10}\u2009%"


def points(now: float | None, before: float | None) -> Trend:
    """Compare two shares (0 to 1): a share of a share would be read wrongly, so the distance is told."""
    if now is None or before is None:
        return NOTHING
    tenths = round((now - before) * 1000)
    if tenths == 0:
        return Trend(direction="flat", text="no change", words="no change")
    up = tenths > 0
    size = f"{abs(tenths) // 10}.{abs(tenths) % 10}"
    return Trend(
        direction="up" if up else "down",
        text=f"{size}\u2009pp",
        words=f"{'up' if up else 'down'} {size} percentage points",
    )
