"""Accepted events a second, and how long the slowest wait, beside the least that may answer 200.

The floor checks the signature and stores one durable row for each event, many rows a commit, behind the same
server on the same database. `applying` is ours while it also applies what comes in, in the same process.
"""

from __future__ import annotations

import asyncio
import sys

from bench.common import databases, kinds, median, parser, say, verdict
from bench.events import Signed, signed
from bench.load import Load, deliver, server

CONNECTIONS = (16, 64)
_FIRST = 400
SIDES = ("floor", "ours", "applying")


def main() -> int:
    options = parser(__doc__).parse_args()
    count = _FIRST + (600 if options.quick else 6000)
    rounds = options.rounds or (1 if options.quick else 5)
    good = True
    with databases(options) as new:
        for kind in kinds(options):
            for connections in CONNECTIONS:
                found: dict[str, list[Load]] = {side: [] for side in SIDES}
                for number in range(rounds):
                    events = signed(count, start=number * 10**6)
                    # Alternating: what else the machine does hits all sides.
                    for side in SIDES if number % 2 else SIDES[::-1]:
                        found[side].append(asyncio.run(_measured(side, new(kind), events, connections)))
                good &= _told(kind, connections, found)
    return 0 if good else 1


async def _measured(side: str, url: str, events: list[Signed], connections: int) -> Load:
    async with server(side, url) as (port, _):
        # What a process does once (opening connections, writing statements) is not counted on either side.
        await deliver(port, events[:_FIRST], connections)
        return await deliver(port, events[_FIRST:], connections)


def _told(kind: str, connections: int, found: dict[str, list[Load]]) -> bool:
    say(f"{kind}, {connections} connections")
    for side, loads in found.items():
        rate, p99 = median([one.rate for one in loads]), median([one.p99 for one in loads])
        say(f"  {side:9} {rate:8,.0f}/s   p99 {p99:7.1f} ms")
    pairs = list(zip(found["ours"], found["floor"], strict=True))
    rate = median([ours.rate / floor.rate for ours, floor in pairs])
    p99 = median([ours.p99 / floor.p99 for ours, floor in pairs])
    fast = verdict("rate, ours to the floor's", rate, 0.6, least=True)
    return verdict("p99, ours to the floor's", p99, 2.0, least=False) and fast


if __name__ == "__main__":
    sys.exit(main())
