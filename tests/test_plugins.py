"""A broken plugin is listed with its error and costs only itself."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import Any

import pluggy
import pytest

from overseer_payment.plugins import Loaded, PluginRecord, PluginState, acall_each, call_each, load
from tests.support.distributions import Install, installer

GROUP = "greenhouse.plugins"
hookspec = pluggy.HookspecMarker("greenhouse")

HEAD = "import pluggy\nhookimpl = pluggy.HookimplMarker('greenhouse')\n"
GOOD = HEAD + "@hookimpl\ndef grow(pot):\n    return f'{__name__} in {pot}'\n"


class Specs:
    @hookspec
    def grow(self, pot: str) -> Any: ...

    @hookspec
    def wither(self) -> Any: ...


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    return installer(tmp_path, monkeypatch, group=GROUP)


def loaded(**options: Any) -> Loaded:
    return load("greenhouse", GROUP, specs=Specs, **options)


def only(found: Loaded, name: str) -> PluginRecord:
    [record] = [record for record in found.records if record.name == name]
    return record


def grown(found: Loaded) -> list[str]:
    return [result for _, result in call_each(found, "grow", pot="clay")]


BROKEN = {
    "import error": ("raise ImportError('no soil')", "ImportError: no soil"),
    "syntax error": ("def (", "SyntaxError"),
    "exit while importing": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "misspelt hook": (HEAD + "@hookimpl\ndef groww(pot): ...", "Did you mean 'grow'?"),
    "hook of another kind": (HEAD + "@hookimpl\ndef prune(): ...", "Known hooks: grow, wither."),
    "other marker": (
        "import pluggy\n@pluggy.HookimplMarker('green-house')\ndef grow(pot): ...",
        "carries the marker of 'green-house'",
    ),
    "no marker": ("def grow(pot): ...", "'grow' is not marked with hookimpl"),
    "nothing at all": ("x = 1", "It implements no hook of 'greenhouse'."),
    "cancellation while importing": (
        "import asyncio; raise asyncio.CancelledError('frost')",
        "CancelledError: frost",
    ),
    "end of a generator": ("raise GeneratorExit", "GeneratorExit"),
    "exception of its own kind": (
        "class Blight(BaseException): ...\nraise Blight('leaves')",
        "Blight: leaves",
    ),
    "exception that can't be told": (
        "class Mute(Exception):\n    def __str__(self): raise SystemExit(1)\nraise Mute",
        "Mute",
    ),
    "unknown argument": (HEAD + "@hookimpl\ndef grow(pot, water): ...", "water"),
}


@pytest.mark.parametrize(("source", "error"), BROKEN.values(), ids=BROKEN)
def test_broken_plugin_costs_only_itself(install: Install, source: str, error: str) -> None:
    """Whatever is wrong with one plugin is told in its record, and its neighbours on both sides work."""
    install("a-fern", GOOD)
    install("b-weed", source)
    install("c-moss", GOOD)

    found = loaded()

    assert grown(found) == ["a_fern in clay", "c_moss in clay"]
    assert PluginState.FAILED is only(found, "b_weed").state
    assert error in str(only(found, "b_weed").error)


def test_half_a_plugin_is_no_plugin(install: Install) -> None:
    """A plugin with one good and one misspelt hook is off altogether: its good hook is not called."""
    install("b-weed", GOOD + "@hookimpl\ndef witherr(): ...\n")

    assert grown(loaded()) == []


def test_bad_signature_takes_the_good_hook_with_it(install: Install) -> None:
    """A plugin whose second hook asks for an unknown argument is off altogether."""
    install("b-weed", GOOD + "@hookimpl\ndef wither(season): ...\n")

    assert grown(loaded()) == []


def test_optional_hook_of_a_newer_host_is_no_mistake(install: Install) -> None:
    """A hook marked `optionalhook=True` may be unknown here."""
    install("a-fern", GOOD + "@hookimpl(optionalhook=True)\ndef bloom(): ...\n")

    assert grown(loaded()) == ["a_fern in clay"]


def test_record_names_where_a_plugin_comes_from(install: Install) -> None:
    """A record holds the entry point's name and value, and the distribution with its version."""
    install("a-fern", GOOD, version="2.3")

    record = only(loaded(), "a_fern")

    assert (
        record.distribution,
        record.version,
        record.value,
        record.error,
    ) == ("a-fern", "2.3", "a_fern", None)


def test_order_depends_on_names_only(install: Install) -> None:
    """Plugins are called by name, in whatever order they were installed."""
    for name in ("c-moss", "a-fern", "b-ivy"):
        install(name, GOOD)

    assert grown(loaded()) == ["a_fern in clay", "b_ivy in clay", "c_moss in clay"]


@pytest.mark.parametrize("disabled", ["b_ivy", "b-ivy", "B.Ivy"])
def test_disabled_plugin_is_never_imported(install: Install, disabled: str) -> None:
    """A plugin can be switched off by its name or by its distribution's, and is not even imported."""
    install("a-fern", GOOD)
    install("b-ivy", GOOD)

    found = loaded(disabled=[disabled])

    assert grown(found) == ["a_fern in clay"]
    assert PluginState.BLOCKED is only(found, "b_ivy").state
    assert "b_ivy" not in sys.modules


def test_safe_mode_loads_only_our_own(install: Install) -> None:
    """Safe mode loads the plugins of our own distribution, however its name is written, and no others."""
    install("green-house", GOOD)
    install("a-fern", GOOD)

    found = loaded(safe_mode=True, own_distribution="Green_House")

    assert grown(found) == ["green_house in clay"]
    assert PluginState.BLOCKED is only(found, "a_fern").state


def test_contested_name_goes_to_nobody(install: Install) -> None:
    """Two distributions that claim one name are both off, and each error names the other."""
    install("a-thief", GOOD, entry="rose")
    install("z-gardener", GOOD, entry="rose")

    found = loaded()

    assert grown(found) == []
    assert [str(r.error).split("claimed by ")[1].split(".")[0] for r in found.records] == [
        "z-gardener",
        "a-thief",
    ]


def test_own_distribution_keeps_a_contested_name(install: Install) -> None:
    """Nobody can take our own plugin's name away from it."""
    install("a-thief", GOOD, entry="rose")
    install("z-ours", GOOD, entry="rose")

    assert grown(loaded(own_distribution="z-ours")) == ["z_ours in clay"]


def test_disabling_one_claimant_settles_a_contest(install: Install) -> None:
    """Switching off one distribution gives the name to the other."""
    install("a-thief", GOOD, entry="rose")
    install("z-gardener", GOOD, entry="rose")

    assert grown(loaded(disabled=["a-thief"])) == ["z_gardener in clay"]


FAULTS = (
    "raise RuntimeError('drought')",
    "raise SystemExit(1)",
    "raise GeneratorExit",
    "import asyncio; raise asyncio.CancelledError",
    "raise type('Blight', (BaseException,), {})",
    "raise type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})",
)


@pytest.mark.parametrize("fault", FAULTS)
def test_failing_call_takes_out_its_plugin_for_good(install: Install, fault: str) -> None:
    """A hook that raises is named in its plugin's record; no other plugin's result is lost, now or later."""
    install("a-fern", GOOD)
    install(
        "b-weed", HEAD + f"@hookimpl\ndef grow(pot):\n    {fault}\n@hookimpl\ndef wither():\n    return 1\n"
    )
    install("c-moss", GOOD)
    found = loaded()

    assert grown(found) == ["a_fern in clay", "c_moss in clay"]
    assert grown(found) == ["a_fern in clay", "c_moss in clay"]
    assert call_each(found, "wither") == []
    assert str(only(found, "b_weed").error).startswith("grow: ")


def test_result_keeps_its_owner(install: Install) -> None:
    """Each result comes with the record of the plugin that gave it; None is no result."""
    install("a-fern", GOOD)
    install("b-ivy", HEAD + "@hookimpl\ndef grow(pot): return None\n")

    [(record, result)] = call_each(loaded(), "grow", pot="tin")

    assert (record.name, result) == ("a_fern", "a_fern in tin")


@pytest.mark.anyio
async def test_awaitable_results_are_awaited_one_by_one(install: Install) -> None:
    """An async hook that fails or hangs costs only its own plugin."""
    install("a-fern", HEAD + "@hookimpl\nasync def grow(pot): return 'tall'\n")
    install("b-weed", HEAD + "@hookimpl\nasync def grow(pot): raise RuntimeError('drought')\n")
    install("c-slow", HEAD + "import asyncio\n@hookimpl\nasync def grow(pot): await asyncio.Event().wait()\n")
    install("d-moss", GOOD)
    found = loaded()

    results = [result for _, result in await acall_each(found, "grow", timeout=0.05, pot="clay")]

    assert results == ["tall", "d_moss in clay"]
    assert [record.name for record in found.records if not record.active] == ["b_weed", "c_slow"]


@pytest.mark.anyio
@pytest.mark.parametrize("fault", FAULTS)
async def test_awaitable_that_raises_anything_costs_only_itself(install: Install, fault: str) -> None:
    """Whatever an async hook raises, the loop goes on and the other plugins' answers are kept."""
    install("a-fern", GOOD)
    install("b-weed", HEAD + f"@hookimpl\nasync def grow(pot):\n    {fault}\n")
    install("c-moss", GOOD)
    found = loaded()

    results = [result for _, result in await acall_each(found, "grow", timeout=1, pot="clay")]

    assert results == ["a_fern in clay", "c_moss in clay"]
    assert PluginState.FAILED is only(found, "b_weed").state


@pytest.mark.anyio
async def test_our_own_cancellation_is_no_plugins_fault(install: Install) -> None:
    """A host that stops while it waits for a plugin stops; the plugin is not blamed."""
    install("a-slow", HEAD + "import asyncio\n@hookimpl\nasync def grow(pot): await asyncio.Event().wait()\n")
    found = loaded()
    task = asyncio.create_task(acall_each(found, "grow", timeout=60, pot="clay"))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert only(found, "a_slow").active


def test_ctrl_c_is_not_swallowed(install: Install) -> None:
    """Ctrl-C while plugins are loaded or called ends the command."""
    install("a-weed", HEAD + "@hookimpl\ndef grow(pot): raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        grown(loaded())

    install("b-weed", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        loaded()


def test_failure_is_logged_with_the_distribution(install: Install, caplog: pytest.LogCaptureFixture) -> None:
    """An operator who reads logs learns which installed distribution is off, and why."""
    install("b-weed", "raise ImportError('no soil')")

    with caplog.at_level(logging.WARNING, "overseer"):
        loaded()

    assert caplog.messages == ["plugin b_weed (b-weed 1.0) is off: ImportError: no soil"]


def test_one_module_under_two_names_is_loaded_once(tmp_path: Path, install: Install) -> None:
    """The same module named by two entry points counts under the first name; the second says why not."""
    install("a-fern", GOOD)
    info = tmp_path / "a_fern-1.0.dist-info"
    (info / "entry_points.txt").write_text(f"[{GROUP}]\na = a_fern\nb = a_fern\n")

    found = loaded()

    assert grown(found) == ["a_fern in clay"]
    assert PluginState.FAILED is only(found, "b").state
