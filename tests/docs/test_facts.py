"""What the pages say of the code is so: signatures, options, states, headers, codes."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from overseer_payment import database, errors, operations, tables
from overseer_payment.hookspecs import ListenerHooks, ProviderHooks
from overseer_payment.host import install
from overseer_payment.host.middleware import SECURITY_HEADERS
from overseer_payment.host.specs import HostHooks
from overseer_payment.host_contract import Host
from overseer_payment.provider_plugins.stripe.settings import API_VERSION
from scripts.reference import handled_stripe_events
from tests.docs.pages import DOCS, ROOT, blocks, page


def hooks() -> list[tuple[str, Callable[..., Any]]]:
    return [
        (name, hook)
        for specs in (HostHooks, ListenerHooks, ProviderHooks)
        for name, hook in vars(specs).items()
        if not name.startswith("_")
    ]


def signature_of(name: str, hook: Callable[..., Any]) -> str:
    """A hook's signature as a person writes it: without `self` and quotes."""
    found = inspect.signature(hook)
    shown = found.replace(parameters=[its for key, its in found.parameters.items() if key != "self"])
    return f"{name}{shown}".replace("'", "")


@pytest.mark.parametrize(("name", "hook"), hooks(), ids=[name for name, _ in hooks()])
def test_hook_is_documented(name: str, hook: Callable[..., Any]) -> None:
    """A hook has a heading, its exact signature, a sentence, and an example that implements it."""
    section = page("hooks.md").partition(f"\n### {name}\n")[2].partition("\n### ")[0]
    assert f"\n`{signature_of(name, hook)}`\n\n" in section
    after = section.partition(f"`{signature_of(name, hook)}`\n\n")[2]
    assert re.match(r"[A-Z][^\n]+", after)
    assert re.search(rf"@hookimpl\n(?:async )?def {name}\(", section)


def test_no_other_hook_is_documented() -> None:
    """Each heading that looks like a hook's is one."""
    shown = set(re.findall(r"^### (\w+)$", page("hooks.md"), re.MULTILINE))
    assert shown == {name for name, _ in hooks()}


def test_install_options_are_documented() -> None:
    """The table of `install` has exactly its options."""
    section = page("host-integration.md").partition("### Every option")[2].partition("\n### ")[0]
    shown = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert shown == list(inspect.signature(install).parameters)[1:]


def test_host_members_are_documented() -> None:
    """The table of what a host promises has exactly the protocol's members."""
    section = page("host-integration.md").partition("## A host of your own")[2]
    shown = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    assert shown == {name for name in vars(Host) if not name.startswith("_")}


def test_security_headers_are_the_real_ones() -> None:
    """security.md shows the headers that are sent, word for word."""
    [shown] = [block.code for block in blocks(DOCS / "security.md", "text")]
    assert dict(line.split(": ", 1) for line in shown.splitlines()) == dict(SECURITY_HEADERS)


def test_api_version_is_the_pinned_one() -> None:
    """The API version to choose for the webhook endpoint is the one that is spoken."""
    assert f"API version: `{API_VERSION}`" in page("going-live-with-stripe.md")


def test_stripe_events_are_found() -> None:
    """The list of events is not empty by a change of the SDK's layout, and every kind of object is in it."""
    found = handled_stripe_events()
    for wanted in ("charge.refunded", "checkout.session.completed", "invoice.paid", "refund.failed"):
        assert wanted in found
    assert "coupon.created" not in found


def statuses_in(title: str) -> set[str]:
    section = page("operations.md").partition(f"## {title}")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))


def test_operation_states_are_documented() -> None:
    """The states of an operation are those that the code gives one."""
    names = ("SENDING", "SUCCEEDED", "WAITING", "FAILED", "UNKNOWN")
    assert statuses_in("What becomes of a write") == {getattr(operations, name) for name in names}


def test_event_states_are_documented() -> None:
    """The states of an event are those that the code gives one."""
    from overseer_payment import inbox

    names = ("PENDING", "APPLIED", "IGNORED", "FAILED", "DEAD")
    assert statuses_in("What becomes of an event") == {getattr(inbox, name) for name in names}


def test_tables_that_are_named_exist() -> None:
    """Each `payment_…` table between backticks, and in SQL, is one of ours."""
    for path in DOCS.glob("*.md"):
        named = set(re.findall(r"`(payment_[a-z_]+)`", page(path.name)))
        named |= {name for block in blocks(path, "sql") for name in re.findall(r"payment_\w+", block.code)}
        words = {"payment_intent", "payment_state"}  # Stripe's, and a column
        assert named - words <= set(tables.metadata.tables), path.name


def refusals() -> Iterator[tuple[str, int]]:
    """Codes that are finer than their error's own, with its status, from wherever one is raised."""
    for source in (ROOT / "overseer_payment").rglob("*.py"):
        if {"simulator", "testing", "provider_plugins", "cards"}.intersection(source.parts):
            continue
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            kind = getattr(errors, node.func.id, None)
            codes = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
            if kind and codes and isinstance(codes[0], ast.Constant):
                yield str(codes[0].value), kind.status


def test_finer_codes_are_documented() -> None:
    """Each finer code stands in rest.md with its status; one that only stops the start, elsewhere."""
    only_at_start = {"live_key_on_demo"}
    found = set(refusals())
    assert len(found) > 5
    for code, status in found:
        if code in only_at_start:
            assert f"`{code}`" in page("going-live-with-stripe.md")
        else:
            assert f"| `{code}` | {status} |" in page("rest.md")


def test_no_unknown_code_is_documented() -> None:
    """Each code of that table is raised somewhere."""
    section = page("rest.md").partition("Finer codes of our own:")[2].partition("<!--")[0]
    shown = re.findall(r"^\| `(\w+)` \| (\d+) \|", section, re.MULTILINE)
    assert {(code, int(status)) for code, status in shown} <= set(refusals())


SQL = [block for path in sorted(DOCS.glob("*.md")) for block in blocks(path, "sql")]


@pytest.mark.anyio
@pytest.mark.parametrize("block", SQL, ids=lambda block: block.place)
async def test_sql_runs(block: Any, database_url: str) -> None:
    """Each statement that is shown runs on both databases."""
    engine = database.create_engine(database_url)
    try:
        async with database.write(engine) as connection:
            await connection.execute(text(block.code))
    finally:
        await engine.dispose()
