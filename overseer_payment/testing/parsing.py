"""Events: `parse` is pure, complete, and never surprised."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from overseer_payment.errors import PayloadInvalid
from overseer_payment.provider import Event, Parsed, Provider, ProviderSpec, Source
from overseer_payment.testing.case import ConformanceCase, SampleEvent, Sign
from overseer_payment.testing.snapshots import check_snapshot

_MOST_DAMAGES = 400
_DAMAGES: tuple[Any, ...] = (None, [], {}, "", -1, True)


class ParsingTests(ConformanceCase):
    """`parse` over the samples, and over what the samples become when they are damaged."""

    async def test_the_samples_cover_both_modes(self, sample_events: Sequence[SampleEvent]) -> None:
        """There are samples of test mode and of live mode: mixing them up is the costliest mistake."""
        assert {sample.livemode for sample in sample_events} == {True, False}

    async def test_parsing_mentions_what_the_event_is_about(
        self,
        provider: Provider,
        sample_events: Sequence[SampleEvent],
        signed_webhook: Sign,
        secrets: list[str],
        now: datetime,
    ) -> None:
        """Each object that the sample names comes back as a snapshot, or as something to fetch."""
        for sample in sample_events:
            parsed = provider.parse(_event(provider, sample.body, signed_webhook, secrets, now))
            mentioned = {snapshot.ref for snapshot in parsed.snapshots} | set(parsed.fetch)
            assert sample.refs <= mentioned
            assert bool(sample.refs) == bool(mentioned)

    async def test_snapshots_are_sound(
        self,
        provider: Provider,
        spec: ProviderSpec,
        sample_events: Sequence[SampleEvent],
        signed_webhook: Sign,
        secrets: list[str],
        now: datetime,
    ) -> None:
        """Money is whole minor units of a known currency, time is UTC, mode and moment are the event's."""
        for sample in sample_events:
            event = _event(provider, sample.body, signed_webhook, secrets, now)
            for snapshot in provider.parse(event).snapshots:
                check_snapshot(snapshot, spec)
                assert snapshot.livemode == event.livemode
                assert snapshot.as_of.source is Source.EVENT
                assert abs(snapshot.as_of.moment - event.occurred_at) < timedelta(seconds=1)

    async def test_parsing_is_pure(
        self,
        provider: Provider,
        sample_events: Sequence[SampleEvent],
        signed_webhook: Sign,
        secrets: list[str],
        now: datetime,
    ) -> None:
        """The same event says the same thing twice, and is left as it was."""
        for sample in sample_events:
            event = _event(provider, sample.body, signed_webhook, secrets, now)
            before = copy.deepcopy(event.payload)
            first = provider.parse(event)
            assert provider.parse(event) == first
            assert event.payload == before

    async def test_an_unknown_event_says_nothing(
        self,
        provider: Provider,
        unknown_event: bytes,
        sample_events: Sequence[SampleEvent],
        signed_webhook: Sign,
        secrets: list[str],
        now: datetime,
    ) -> None:
        """A type that the plugin doesn't know is accepted and empty: providers add types at any time."""
        event = _event(provider, unknown_event, signed_webhook, secrets, now)
        assert provider.parse(event) == Parsed()
        known = _event(provider, sample_events[0].body, signed_webhook, secrets, now)
        assert provider.parse(replace(known, type="conformance.no_such_type")) == Parsed()

    async def test_a_damaged_event_is_told_apart(
        self,
        provider: Provider,
        sample_events: Sequence[SampleEvent],
        signed_webhook: Sign,
        secrets: list[str],
        now: datetime,
    ) -> None:
        """Whatever value is missing or wrong, parsing works or raises PayloadInvalid, nothing else."""
        for sample in sample_events:
            event = _event(provider, sample.body, signed_webhook, secrets, now)
            for where, payload in _damaged(json.loads(sample.body)):
                try:
                    provider.parse(replace(event, payload=payload))
                except PayloadInvalid:
                    continue
                except Exception as error:
                    raise AssertionError(f"{event.type} with another {where}: {error!r}") from error


def _event(provider: Provider, body: bytes, sign: Sign, secrets: list[str], now: datetime) -> Event:
    return provider.verify_webhook(body, sign(body, at=now, secret=secrets[0]), now=now)


def _damaged(payload: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Copies of `payload`, each with one value taken away or replaced; a bounded number of them."""
    count = 0
    for path in _paths(payload):
        for damage in (..., *_DAMAGES):
            count += 1
            if count > _MOST_DAMAGES:
                return
            yield (
                f"{'.'.join(map(str, path))} ({'missing' if damage is ... else damage!r})",
                _with(payload, path, damage),
            )


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, child in children:
        yield from _paths(child, (*path, name))


def _with(payload: dict[str, Any], path: tuple[Any, ...], damage: Any) -> dict[str, Any]:
    changed = copy.deepcopy(payload)
    parent: Any = changed
    for step in path[:-1]:
        parent = parent[step]
    if damage is ...:
        del parent[path[-1]]
    else:
        parent[path[-1]] = damage
    return changed
