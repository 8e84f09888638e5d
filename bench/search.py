"""What a search costs in a large ledger, beside the first page of the list in the same one."""

from __future__ import annotations

import asyncio
import sys
import time

from bench.bulk import fill
from bench.common import OPERATOR, databases, kinds, median, parser, say, service
from overseer_payment.schemas import CustomerQuery, TransactionQuery
from overseer_payment.service import Payments

TEXTS = {
    "an id": "pi_4711",
    "an address": "person4711@",
    "a name": "person 4711",
    "a beginning that many share": "person",
    "a word of few descriptions": "wool",
    "a word of nobody": "nobodyatall",
}


def main() -> int:
    made = parser(__doc__)
    made.add_argument("--rows", type=int, help="how many payments there are")
    options = made.parse_args()
    rows = options.rows or (20_000 if options.quick else 200_000)
    with databases(options) as new:
        for kind in kinds(options):
            asyncio.run(_measured(kind, new(kind), rows, options.rounds or 9))
    return 0


async def _measured(kind: str, url: str, rows: int, rounds: int) -> None:
    async with service(url) as payments:
        say(f"{kind}, {rows:,} payments")
        await fill(payments.engine, rows)
        floor = await _took(payments, TransactionQuery(), rounds)
        say(f"  the first page {floor * 1000:6.1f} ms")
        for what, text in TEXTS.items():
            seconds = await _took(payments, TransactionQuery(q=text), rounds)
            found = len((await payments.transactions(OPERATOR, TransactionQuery(q=text))).rows)
            people = await _took(payments, CustomerQuery(q=text), rounds)
            say(f"  {what:28} {seconds * 1000:6.1f} ms ({found} found), customers {people * 1000:6.1f} ms")


async def _took(payments: Payments, query: TransactionQuery | CustomerQuery, rounds: int) -> float:
    took = []
    for _ in range(rounds + 1):
        begun = time.perf_counter()
        if isinstance(query, TransactionQuery):
            await payments.transactions(OPERATOR, query)
        else:
            await payments.customers(OPERATOR, query)
        took.append(time.perf_counter() - begun)
    return median(took[1:])


if __name__ == "__main__":
    sys.exit(main())
