"""The properties can fail: ledgers that are broken on purpose are told from the true one."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, func

from overseer_payment.ledger import aftermath, book, derive, merge, objects, totals, wants
from overseer_payment.ledger.merge import Rank
from overseer_payment.provider import Ref
from tests.ledger import properties
from tests.ledger.world import World

Patch = pytest.MonkeyPatch
_HISTORIES = 8

_true_upsert, _true_rank = objects._upsert, merge.rank


def _unguarded(connection: Connection) -> Any:
    """The same statement without its WHERE: whoever comes last is written."""
    statement = _true_upsert(connection)
    statement._post_values_clause.update_whereclause = func.coalesce(1, 1) == 1
    return statement


def older_wins(patch: Patch) -> None:
    patch.setattr(merge, "rank", lambda *told: _backwards(_true_rank(*told)))
    patch.setattr(objects, "_upsert", _unguarded)


def last_to_come_wins(patch: Patch) -> None:
    patch.setattr(objects, "_known", _ranked(lambda _: Rank(-1, 0, "")))
    patch.setattr(objects, "_upsert", _unguarded)


def _backwards(rank: Rank) -> Rank:
    return rank._replace(version=-rank.version)


def _ranked(turn: Callable[[Rank], Rank]) -> Any:
    true = objects._known

    def known(*args: Any) -> dict[Ref, Any]:
        return {ref: objects._Known(turn(one.rank), one.names) for ref, one in true(*args).items()}

    return known


def ties_ignored(patch: Patch) -> None:
    patch.setattr(merge, "tie", lambda *_: "")


def terminal_regresses(patch: Patch) -> None:
    """What has come to its end is overwritten by any older word of the same stage."""
    ended = _ranked(lambda rank: rank._replace(version=rank.version * (rank.stage < 1)))
    patch.setattr(objects, "_known", ended)
    patch.setattr(objects, "_upsert", _unguarded)


def lags_believed(patch: Patch) -> None:
    """A read that takes a step back is not asked again."""
    patch.setattr(merge, "_LAG", 0)


def untold_refunds_counted_twice(patch: Patch) -> None:
    patch.setattr(aftermath, "_untold", lambda charge, _: charge.amount_refunded)


def refunds_forgotten(patch: Patch) -> None:
    patch.setattr(derive, "settle", lambda *_: None)


def stand_in_not_folded(patch: Patch) -> None:
    patch.setattr(book.Book, "_fold", lambda *_: None)


def stand_in_beside_its_payment(patch: Patch) -> None:
    patch.setattr(derive, "stand_ins", lambda component: set(component.invoices))


def only_what_was_told_is_looked_at(patch: Patch) -> None:
    def alone(connection: Connection, account_id: int, seeds: Any, names: Any = ()) -> Any:
        return {snapshot.ref: snapshot for snapshot in seeds}

    patch.setattr(objects, "component_of", alone)


def totals_forgotten(patch: Patch) -> None:
    patch.setattr(totals, "apply", lambda *_: None)


def totals_only_grow(patch: Patch) -> None:
    true = totals.apply

    def apply(connection: Connection, changes: Any) -> None:
        true(connection, [type(c)(c.table, c.id, None, c.after) for c in changes if c.after])

    patch.setattr(totals, "apply", apply)


def customers_uncounted(patch: Patch) -> None:
    patch.setattr(totals, "_count_customers", lambda *_: None)


def wants_never_struck(patch: Patch) -> None:
    patch.setattr(wants, "_strike", lambda *_: None)


def nothing_wanted(patch: Patch) -> None:
    patch.setattr(wants, "_needs", lambda *_: {})
    patch.setattr(wants, "_unknown", lambda *_: {})


BROKEN: dict[Callable[[Patch], None], str] = {
    older_wins: "truth",
    last_to_come_wins: "order",
    ties_ignored: "order",
    terminal_regresses: "truth",
    lags_believed: "lag",
    untold_refunds_counted_twice: "truth",
    refunds_forgotten: "truth",
    stand_in_not_folded: "truth",
    stand_in_beside_its_payment: "truth",
    only_what_was_told_is_looked_at: "order",
    totals_forgotten: "totals",
    totals_only_grow: "totals",
    customers_uncounted: "totals",
    wants_never_struck: "truth",
    nothing_wanted: "truth",
}
# So broken that they can't tell how they stand: no property gets as far as looking.
STUMBLES: dict[Callable[[Patch], None], type[Exception]] = {
    stand_in_beside_its_payment: ValueError,
    only_what_was_told_is_looked_at: KeyError,
}


def _first_failure(database: Connection, property: str, caught: type[Exception]) -> int | None:
    for seed in range(_HISTORIES):
        world, order = properties.made_up(seed), random.Random(seed)
        try:
            properties.PROPERTIES[property](database, world, order)
        except caught:
            return seed
    return None


@pytest.mark.parametrize("breaking", BROKEN, ids=lambda breaking: breaking.__name__)
def test_a_broken_ledger_is_caught(
    database: Connection, monkeypatch: Patch, breaking: Callable[[Patch], None]
) -> None:
    """Each way to break the merge makes a property fail within a few made-up histories."""
    breaking(monkeypatch)
    caught = STUMBLES.get(breaking, AssertionError)
    assert _first_failure(database, BROKEN[breaking], caught) is not None


@pytest.mark.parametrize("property", sorted(set(BROKEN.values())))
def test_the_true_ledger_passes_the_same_histories(database: Connection, property: str) -> None:
    """The same histories and orders don't fail when nothing is broken."""
    assert _first_failure(database, property, AssertionError) is None


def test_the_histories_hold_what_they_are_to_prove() -> None:
    """Refunds that failed, lost and won disputes, renewals, delayed methods and ties occur in them."""
    seen: set[str] = set()
    for seed in range(_HISTORIES):
        world: World = properties.made_up(seed)
        seen |= {f"{ref.kind} {getattr(obj, 'status', '')}" for ref, obj in world.objects.items()}
        seconds = [(snapshot.ref, snapshot.as_of.moment) for snapshot in world.told]
        seen |= {"tie"} if len(set(seconds)) < len(seconds) else set()
    expected = {"refund failed", "refund pending", "refund succeeded", "dispute lost", "dispute won"}
    expected |= {"charge failed", "charge pending", "subscription canceled", "invoice paid", "tie"}
    assert expected <= seen
