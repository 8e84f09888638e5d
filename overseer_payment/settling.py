"""What a process of our own does once it has started, before it is asked anything."""

from __future__ import annotations

import gc


def settle() -> None:
    """Leave all that exists by now out of the garbage collector's rounds.

    Modules, tables and statements stay for good; looking through them again and again stops everything for a
    fifth of a second each time, in which deliveries wait. What requests make is looked through more rarely:
    hardly any of it needs the collector. Only for a process in which nothing else runs: an application that
    has payments installed decides this for itself.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
