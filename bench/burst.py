"""A burst: the most memory that the server takes, how far applying falls behind, and that nothing is lost."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from bench.common import counted, databases, kinds, parser, say, service, verdict
from bench.events import Signed, signed
from bench.load import Load, deliver, server
from overseer_payment.service import Payments

_PATIENCE = 900.0


def main() -> int:
    made = parser(__doc__)
    made.add_argument("--events", type=int, help="how many")
    options = made.parse_args()
    count = options.events or (1000 if options.quick else 20000)
    good = True
    with databases(options) as new:
        for kind in kinds(options):
            good &= asyncio.run(_burst(kind, new(kind), signed(count + 64)))
    return 0 if good else 1


async def _burst(kind: str, url: str, events: list[Signed]) -> bool:
    count = len(events) - 64
    async with server("applying", url) as (port, process), service(url) as payments:
        await deliver(port, events[:64], 8)  # what is imported and compiled once is no burst
        before = _memory(process.pid)
        memory: list[int] = []
        watch = asyncio.create_task(_watch(process.pid, memory))
        begun = time.perf_counter()
        load = await deliver(port, events[64:], 64)
        stored = time.perf_counter() - begun
        behind = await counted(payments.engine, "pending")
        await _drained(payments, begun + _PATIENCE)
        seconds = time.perf_counter() - begun
        watch.cancel()
        wrong = {state: await counted(payments.engine, state) for state in ("pending", "failed", "dead")}
    _tell(kind, count, load, stored, behind, seconds)
    say(f"  memory {before / 1024:,.0f} MiB before, {max(memory) / 1024:,.0f} MiB at most")
    say("  ok   all applied" if not any(wrong.values()) else f"  MISS left: {wrong}")
    return verdict("memory, most to before", max(memory) / before, 2.0, least=False) and not any(
        wrong.values()
    )


async def _drained(payments: Payments, deadline: float) -> None:
    for _ in range(100_000):
        if time.perf_counter() > deadline or not await counted(payments.engine, "pending"):
            return
        await asyncio.sleep(0.2)


def _tell(kind: str, count: int, load: Load, stored: float, behind: int, seconds: float) -> None:
    say(
        f"{kind}: {count:,} events stored in {stored:.1f} s ({load.rate:,.0f}/s, p99 {load.p99:.0f} ms), "
        f"then {behind:,} behind; all applied after {seconds:.1f} s ({count / seconds:,.0f}/s)"
    )


async def _watch(pid: int, memory: list[int]) -> None:
    while True:
        memory.append(_memory(pid))
        await asyncio.sleep(0.1)


def _memory(pid: int) -> int:
    """Resident memory in KiB (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


if __name__ == "__main__":
    sys.exit(main())
