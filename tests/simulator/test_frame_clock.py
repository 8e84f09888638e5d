"""The clock: when scheduled work runs, and what time it sees."""

from __future__ import annotations

import pytest

from overseer_payment.simulator.clock import Clock

NOON = 1_780_000_000.0


def frozen() -> Clock:
    clock = Clock(NOON)
    clock.freeze()
    return clock


def test_jobs_run_in_order_each_at_its_own_moment() -> None:
    """Advancing runs what falls due, soonest first, and each job sees its own due time."""
    clock, seen = frozen(), list[tuple[str, int]]()
    for delay, label in ((30, "later"), (10, "soon"), (99, "not yet")):
        clock.schedule(int(NOON) + delay, lambda label=label: seen.append((label, clock.now())), label)  # type: ignore[misc]  # a default binds the loop variable
    assert clock.advance(50) == 2
    assert seen == [("soon", int(NOON) + 10), ("later", int(NOON) + 30)]
    assert clock.now() == int(NOON) + 50
    assert clock.scheduled() == [(int(NOON) + 99, "not yet")]


def test_a_job_can_schedule_the_next_one() -> None:
    """Work that repeats itself runs as often as it fits into the advance."""
    clock, runs = frozen(), list[int]()

    def repeat() -> None:
        runs.append(clock.now())
        clock.schedule(clock.now() + 10, repeat, "again")

    clock.schedule(int(NOON) + 10, repeat, "first")
    clock.advance(35)
    assert [run - int(NOON) for run in runs] == [10, 20, 30]


def test_overdue_work_does_not_turn_the_clock_back() -> None:
    """A job scheduled in the past runs at the present moment."""
    clock, seen = frozen(), list[int]()
    clock.schedule(int(NOON) - 100, lambda: seen.append(clock.now()), "overdue")
    assert clock.run_due() == 1
    assert seen == [int(NOON)]


def test_a_failing_job_leaves_the_clock_where_it_was_sent() -> None:
    """An exception reaches the caller; time has passed and later work is still scheduled."""
    clock, ran = frozen(), list[str]()

    def fail() -> None:
        raise RuntimeError("broken job")

    clock.schedule(int(NOON) + 1, fail, "broken")
    clock.schedule(int(NOON) + 2, lambda: ran.append("healthy"), "healthy")
    with pytest.raises(RuntimeError, match="broken job"):
        clock.advance(5)
    assert clock.now() == int(NOON) + 5
    assert clock.run_due() == 1
    assert ran == ["healthy"]


def test_time_only_moves_forward() -> None:
    """A negative advance is refused."""
    with pytest.raises(ValueError, match="forward"):
        frozen().advance(-1)


def test_an_unfrozen_clock_follows_real_time_also_after_an_advance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real seconds count on top of the advanced ones."""
    real = [0.0]
    monkeypatch.setattr("overseer_payment.simulator.clock.time.monotonic", lambda: real[0])
    clock = Clock(NOON)
    real[0] = 5
    clock.advance(100)
    real[0] = 7
    assert clock.now() == int(NOON) + 107
