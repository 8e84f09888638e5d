"""Weighs what is said now against what was said before: of objects that are older than our knowledge.

Of all others everything is news, so only what an older business brings along costs anything here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from overseer_payment.ledger.objects import chunks
from overseer_payment.listening import TOPICS
from overseer_payment.provider import ChargeSnapshot, Kind, Ref, Snapshot
from overseer_payment.tables import heard as heard_table
from overseer_payment.tables import news as news_table
from overseer_payment.telling import outbox
from overseer_payment.telling.facts import Fact
from overseer_payment.telling.history import Key, Said, Testimony, said_by, testimony

SUBJECTS = {
    Kind.PAYMENT: "payment",
    Kind.CHARGE: "payment",
    Kind.REFUND: "refund",
    Kind.CHECKOUT: "checkout",
    Kind.INVOICE: "invoice",
    Kind.SUBSCRIPTION: "subscription",
    Kind.DISPUTE: "dispute",
}
"""How the topics begin that tell of each kind of object. Of other kinds nothing is told."""


def weighed(
    connection: Connection, account_id: int, words: Sequence[Snapshot], began: datetime
) -> list[Said]:
    """What these words say has happened, and what they make news of that was taken for history.

    `began`: since when we know the account. Called under the locks of the objects that `words` are about.
    """
    found = {said.fact.key: said for said in said_by(words, began)}
    old = [word for word in words if word.occurred_at < began and _is_subject(word)]
    if not old:
        return list(found.values())
    ids = {word.id for word in old}
    first, cases = _first_heard(connection, account_id, ids), _cases(connection, account_id, ids)
    altered = []
    for key, own in _own(old, found, cases).items():
        case = cases.get(key)
        every = _before(case, first.get(own[0].ref)) & testimony(key, own)
        if key in found or every.is_proof:
            found[key] = (found.get(key) or _noted(cases[key])).after(every)
        if case is not None and every != Testimony(case.denied_at, case.affirmed_at):
            altered.append({"row": case.id, "denied": every.denied_at, "affirmed": every.affirmed_at})
    _remember(connection, account_id, old, first)
    if altered:
        connection.execute(_KEEP, altered)
    return list(found.values())


def _is_subject(word: Snapshot) -> bool:
    """Does it tell of itself? An attempt that belongs to a payment tells of that, and when."""
    return word.kind in SUBJECTS and not (isinstance(word, ChargeSnapshot) and word.payment is not None)


def _own(
    old: Sequence[Snapshot], found: Mapping[Key, Said], cases: Mapping[Key, Row[Any]]
) -> dict[Key, list[Snapshot]]:
    """Of each fact that may be history, the words on the very object that it happened to."""
    about = defaultdict(list)
    for word in old:
        about[word.id, SUBJECTS[word.kind]].append(word)
    open_ = {key for key, said in found.items() if not said.news} | (cases.keys() - found.keys())
    every = {key: about.get((key[0], key[1].partition(".")[0]), []) for key in sorted(open_)}
    return {key: own for key, own in every.items() if own and not TOPICS[key[1]].state}


def _before(case: Row[Any] | None, first: datetime | None) -> Testimony:
    """What was said before. Until it was said, all that was heard denied it, from the first word on."""
    if case is None or case.affirmed_at is None:
        return Testimony(denied_at=first)
    return Testimony(case.denied_at, case.affirmed_at)


def _noted(case: Row[Any]) -> Said:
    return Said(Fact(case.topic, case.provider_id, case.mark, None), case.occurred_at, news=False)


def _cases(connection: Connection, account_id: int, ids: Iterable[str]) -> dict[Key, Row[Any]]:
    """What is noted as history of these objects."""
    found: dict[Key, Row[Any]] = {}
    for some in chunks(ids):
        query = select(news_table).where(
            news_table.c.account_id == account_id,
            news_table.c.provider_id.in_(some),
            news_table.c.history.is_(True),
        )
        found |= {(row.provider_id, row.topic, row.mark): row for row in connection.execute(query)}
    return found


def _first_heard(connection: Connection, account_id: int, ids: Iterable[str]) -> dict[Ref, datetime]:
    found: dict[Ref, datetime] = {}
    table = heard_table.c
    for some in chunks(ids):
        query = select(table.kind, table.provider_id, table.first_at).where(
            table.account_id == account_id, table.provider_id.in_(some)
        )
        found |= {Ref(Kind(kind), id): at for kind, id, at in connection.execute(query)}
    return found


def _remember(
    connection: Connection, account_id: int, words: Sequence[Snapshot], first: Mapping[Ref, datetime]
) -> None:
    """As of when each object was first heard of."""
    earliest: dict[Ref, datetime] = {}
    for word in words:
        earliest[word.ref] = min(word.as_of.moment, earliest.get(word.ref, word.as_of.moment))
    values = [
        {"account_id": account_id, "kind": ref.kind.value, "provider_id": ref.id, "first_at": at}
        for ref, at in sorted(earliest.items())
        if ref not in first or at < first[ref]
    ]
    if values:
        statement = outbox.insert_into(connection, heard_table)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["account_id", "kind", "provider_id"],
                set_={"first_at": statement.excluded.first_at},
            ),
            values,
        )


_KEEP = (
    update(news_table)
    .where(news_table.c.id == bindparam("row"))
    .values(denied_at=bindparam("denied"), affirmed_at=bindparam("affirmed"))
)
