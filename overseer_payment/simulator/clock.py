"""The simulated account's clock: it owns what time it is and when scheduled work runs."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(order=True, slots=True)
class Job:
    """Work that is due at `at` (epoch seconds); ties run in the order they were scheduled."""

    at: int
    order: int
    label: str = field(compare=False)
    run: Callable[[], None] = field(compare=False)


class Clock:
    """Epoch seconds that follow real time from a chosen start, and can be frozen or advanced."""

    def __init__(self, start: float) -> None:
        self._value = start
        self._anchor: float | None = time.monotonic()
        self._jobs: list[Job] = []
        self._order = itertools.count()

    def now(self) -> int:
        """Return the simulated time in epoch seconds."""
        return int(self._exact())

    def freeze(self) -> None:
        """Stop following real time; from now on only `advance` moves this clock."""
        self._value, self._anchor = self._exact(), None

    def advance(self, seconds: float) -> int:
        """Move forward and run every job that falls due, each at its own moment; return how many ran."""
        if seconds < 0:
            raise ValueError("a clock only moves forward")
        return self._run_until(self._exact() + seconds)

    def run_due(self) -> int:
        """Run the jobs whose moment has come without moving the clock; return how many ran."""
        if not self._jobs or self._jobs[0].at > self.now():
            return 0
        return self._run_until(self._exact())

    def hurry(self, label: str) -> int:
        """Run now every job whose label begins with `label`, without moving the clock; return how many."""
        hurried = sorted(job for job in self._jobs if job.label.startswith(label))
        self._jobs = [job for job in self._jobs if job not in hurried]
        heapq.heapify(self._jobs)
        for job in hurried:
            job.run()
        return len(hurried)

    def schedule(self, at: int, run: Callable[[], None], label: str) -> None:
        """Queue `run` for the moment the clock passes `at`."""
        heapq.heappush(self._jobs, Job(at, next(self._order), label, run))

    def scheduled(self) -> list[tuple[int, str]]:
        """List what is still to come as `(at, label)`, soonest first."""
        return [(job.at, job.label) for job in sorted(self._jobs)]

    def _exact(self) -> float:
        return self._value if self._anchor is None else self._value + time.monotonic() - self._anchor

    def _run_until(self, target: float) -> int:
        follows = self._anchor is not None
        self.freeze()
        ran = 0
        try:
            while self._jobs and self._jobs[0].at <= target:
                job = heapq.heappop(self._jobs)
                # A job sees its own due time, so what it creates carries the right timestamps;
                # overdue jobs (scheduled in the past) must not pull the clock back.
                self._value = max(self._value, float(job.at))
                job.run()
                ran += 1
        finally:
            self._value = max(self._value, target)
            self._anchor = time.monotonic() if follows else None
        return ran
