"""Loads plugins from entry points so that a broken one is listed with its error and costs only itself.

Used for both pluggy projects: host plugins (`overseer`) and providers (`overseer_payment`).
"""

from __future__ import annotations

import difflib
import inspect
import logging
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

OWN_DISTRIBUTION = "overseer-payment"

log = logging.getLogger("overseer")
log.addHandler(logging.NullHandler())

_ERROR_LIMIT = 300


class PluginState(StrEnum):
    ACTIVE = "active"
    BLOCKED = "blocked"
    FAILED = "failed"


@dataclass(slots=True)
class PluginRecord:
    """One plugin, whatever became of it. `value` is what its entry point names, `error` one sentence."""

    name: str
    distribution: str
    version: str
    value: str
    state: PluginState = PluginState.ACTIVE
    error: str | None = None
    plugin: object | None = field(default=None, repr=False)

    @property
    def active(self) -> bool:
        return self.state is PluginState.ACTIVE

    def fail(self, error: str) -> None:
        """Take this plugin out of every later call, and say why."""
        self.state, self.error = PluginState.FAILED, error
        log.warning("plugin %s (%s %s) is off: %s", self.name, self.distribution, self.version, error)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The plugins of one group. `records` holds all of them, sorted by name and distribution."""

    manager: pluggy.PluginManager
    records: tuple[PluginRecord, ...]

    @property
    def active(self) -> list[PluginRecord]:
        return [record for record in self.records if record.active]


def canonical(distribution: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def describe(error: BaseException) -> str:
    """An exception as one line, short enough for a table. One that speaks to people needs no type."""
    try:
        if isinstance(detail := getattr(error, "detail", None), str):
            return detail
        text = " ".join(str(error).split())
    except KeyboardInterrupt:
        raise
    except BaseException:  # a stranger's exception may fail at telling its own text
        text = ""
    return f"{type(error).__name__}: {text}"[:_ERROR_LIMIT] if text else type(error).__name__


def is_our_end(error: BaseException) -> bool:
    """Is the running task being ended, rather than a plugin at fault that raised the same exception?

    For what was raised while awaiting. Plain calls can't be cancelled: there only Ctrl-C is ours.
    """
    import asyncio  # a third of this module's import time, and no command line needs it

    if isinstance(error, KeyboardInterrupt):
        return True
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return True  # no loop runs any more: the coroutine is being closed
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def load(
    project: str = "overseer",
    group: str = "overseer.plugins",
    *,
    specs: type,
    disabled: Iterable[str] = (),
    safe_mode: bool = False,
    own_distribution: str = OWN_DISTRIBUTION,
) -> Loaded:
    """Load every plugin of `group`, in an order that depends on names only.

    `disabled` names entry points or distributions; safe mode loads nothing but `own_distribution`.
    Never raises for a plugin's fault: see its record.
    """
    blocked = {spelling for name in disabled for spelling in (name, canonical(name))}
    manager = pluggy.PluginManager(project)
    manager.add_hookspecs(specs)
    found = sorted(((_record(point), point) for point in entry_points(group=group)), key=_order)
    records = tuple(record for record, _ in found)
    _block(records, blocked, safe_mode, canonical(own_distribution))
    _refuse_duplicates([record for record in records if record.active], canonical(own_distribution))
    for record, point in found:
        if record.active:
            _load_one(manager, record, point)
    return Loaded(manager, records)


def _record(point: EntryPoint) -> PluginRecord:
    dist = point.dist
    return PluginRecord(point.name, dist.name if dist else "", dist.version if dist else "", point.value)


def _order(found: tuple[PluginRecord, EntryPoint]) -> tuple[str, str, str]:
    record = found[0]
    return record.name, canonical(record.distribution), record.value


def _block(records: Sequence[PluginRecord], disabled: set[str], safe_mode: bool, own: str) -> None:
    for record in records:
        distribution = canonical(record.distribution)
        if record.name in disabled or distribution in disabled:
            record.state, record.error = PluginState.BLOCKED, "Switched off by OVERSEER_DISABLE_PLUGINS."
        elif safe_mode and distribution != own:
            record.state, record.error = PluginState.BLOCKED, "Switched off by OVERSEER_SAFE_MODE."


def _refuse_duplicates(records: Sequence[PluginRecord], own: str) -> None:
    # Neither claimant gets a contested name: whichever sorts first could be a hijacker.
    counts = Counter(record.name for record in records)
    for record in records:
        if counts[record.name] == 1 or canonical(record.distribution) == own:
            continue
        rivals = {other.distribution for other in records if other.name == record.name} - {
            record.distribution
        }
        by = ", ".join(sorted(rivals)) or "the same distribution"
        record.fail(
            f"The name {record.name!r} is also claimed by {by}. "
            "Put the distribution that you don't want into OVERSEER_DISABLE_PLUGINS."
        )


def _load_one(manager: pluggy.PluginManager, record: PluginRecord, point: EntryPoint) -> None:
    try:
        plugin = point.load()
        manager.register(plugin, record.name)
        _validate(manager, plugin)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() or a cancellation in a plugin must not end the host
        # pluggy 1.6 keeps a plugin half registered when its signature is wrong; 1.7 does not.
        if manager.has_plugin(record.name):
            manager.unregister(name=record.name)
        record.fail(describe(error))
    else:
        record.plugin = plugin


def _validate(manager: pluggy.PluginManager, plugin: object) -> None:
    callers = manager.get_hookcallers(plugin) or []
    if not callers:
        raise TypeError(_why_inert(manager, plugin))
    known = [name for name, caller in vars(manager.hook).items() if _is_spec(caller)]
    for caller in callers:
        mine = [impl for impl in caller.get_hookimpls() if impl.plugin is plugin]
        if not caller.has_spec() and not all(impl.optionalhook for impl in mine):
            close = difflib.get_close_matches(caller.name, known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else f" Known hooks: {', '.join(sorted(known))}."
            raise TypeError(f"There is no hook {caller.name!r}.{hint}")


def _is_spec(caller: object) -> bool:
    return isinstance(caller, pluggy.HookCaller) and caller.has_spec()


def _why_inert(manager: pluggy.PluginManager, plugin: object) -> str:
    message = f"It implements no hook of {manager.project_name!r}."
    for name, value in inspect.getmembers(plugin, inspect.isroutine):
        markers = [
            key.removesuffix("_impl") for key in getattr(value, "__dict__", {}) if key.endswith("_impl")
        ]
        if markers:
            return f"{message} Its {name!r} carries the marker of {markers[0]!r}."
        if _is_spec(getattr(manager.hook, name, None)):
            return f"{message} Its {name!r} is not marked with hookimpl."
    return message


def call_each(loaded: Loaded, hook_name: str, **kwargs: Any) -> list[tuple[PluginRecord, Any]]:
    """Call a hook plugin by plugin; a result keeps its owner, a failure takes out its own plugin only.

    Plugins that don't implement the hook, or return None, are left out.
    """
    return [(record, a) for record in loaded.active for a in call_one(loaded, record, hook_name, **kwargs)]


def call_one(loaded: Loaded, record: PluginRecord, hook_name: str, **kwargs: Any) -> list[Any]:
    """Call a hook of one plugin: what it answered, or nothing when it has no such hook or failed."""
    others = [other.plugin for other in loaded.records if other.plugin is not None and other is not record]
    caller = loaded.manager.subset_hook_caller(hook_name, others)
    try:
        answers = caller(**kwargs)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        record.fail(f"{hook_name}: {describe(error)}")
        return []
    return [answer for answer in _as_list(answers) if answer is not None]


async def acall_each(
    loaded: Loaded, hook_name: str, *, timeout: float, **kwargs: Any
) -> list[tuple[PluginRecord, Any]]:
    """The same for hooks that may answer with an awaitable; each has `timeout` seconds."""
    import asyncio

    results: list[tuple[PluginRecord, Any]] = []
    for record, answer in call_each(loaded, hook_name, **kwargs):
        try:
            async with asyncio.timeout(timeout):
                done = await answer if inspect.isawaitable(answer) else answer
        except BaseException as error:
            if is_our_end(error):
                raise
            record.fail(f"{hook_name}: {describe(error)}")
            continue
        results.append((record, done))
    return results


def _as_list(answers: Any) -> list[Any]:
    return answers if isinstance(answers, list) else [answers]
