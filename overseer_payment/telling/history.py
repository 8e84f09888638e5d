"""What is news, and what is history: the decision this module owns.

It depends on what was said, and on since when this ledger knows the account; never on who said it first.
So each piece of evidence is looked for among all words, those that were heard before and those that come
later, and one is enough:

1. It happened since we know the account, or no more than a month before somebody said so.
2. Its object did not say so yet as of one moment, and did as of a later one.

What is left had been so for longer than anybody knows: history. No evidence takes another's away, so what
is news stays news.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from overseer_payment.provider import Snapshot, Source
from overseer_payment.telling.facts import Fact, facts

Key: TypeAlias = tuple[str, str, str]

HISTORY = timedelta(days=30)
"""As long as providers remember their events: what an outage made us miss is told, what an older business
brings along is not."""


@dataclass(frozen=True, slots=True)
class Testimony:
    """What the words on an object say of one fact about it."""

    denied_at: datetime | None = None
    """As of when it was first not so."""
    affirmed_at: datetime | None = None
    """As of when it was last so."""

    @property
    def is_proof(self) -> bool:
        """Did it come about while somebody looked?"""
        return (
            self.denied_at is not None and self.affirmed_at is not None and self.denied_at < self.affirmed_at
        )

    def __and__(self, other: Testimony) -> Testimony:
        denied = [at for at in (self.denied_at, other.denied_at) if at is not None]
        affirmed = [at for at in (self.affirmed_at, other.affirmed_at) if at is not None]
        return Testimony(min(denied, default=None), max(affirmed, default=None))


@dataclass(frozen=True, slots=True)
class Said:
    """A fact, and what is known of when it happened."""

    fact: Fact
    at: datetime
    """When; where nobody tells: before then it can't have been."""
    news: bool
    testimony: Testimony = field(default_factory=Testimony)
    """Where it may be history."""

    def after(self, testimony: Testimony) -> Said:
        """The same, once the words on its object are weighed."""
        if not testimony.is_proof:
            return replace(self, testimony=testimony)
        at = max(self.at, testimony.denied_at or self.at)
        return replace(self, at=at, news=True, testimony=testimony)


def testimony(key: Key, words: Iterable[Snapshot]) -> Testimony:
    """What these words on one object say of a fact about it."""
    found = Testimony()
    for word in words:
        so, moment = any(fact.key == key for fact in facts(word)), word.as_of.moment
        found &= Testimony(affirmed_at=moment) if so else Testimony(denied_at=moment)
    return found


def is_recent(word: Snapshot, at: datetime, began: datetime) -> bool:
    """Did what this word dates to `at` happen in our time?"""
    return at >= began or word.as_of.moment - at <= HISTORY


def said_by(words: Iterable[Snapshot], began: datetime) -> list[Said]:
    """What these words say has happened, each fact once, earlier words first."""
    found: dict[Key, Said] = {}
    for word in sorted(words, key=lambda s: (s.as_of.moment, s.kind, s.id)):
        for fact in facts(word):
            at = _when(fact, word)
            said = Said(fact, at, is_recent(word, at, began))
            other = found.setdefault(fact.key, said)
            if said.news and not other.news:
                found[fact.key] = said
    return list(found.values())


def _when(fact: Fact, word: Snapshot) -> datetime:
    if fact.at is not None:
        return fact.at
    if word.as_of.source is Source.EVENT:  # it tells of its own moment
        return word.as_of.moment
    # A read may tell of anything since the object was made.
    return fact.since or word.occurred_at
