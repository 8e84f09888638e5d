"""Writes the generated parts of `docs/`: the command line, REST, errors, permissions, Stripe's events.

    python scripts/reference.py            bring them up to date
    python scripts/reference.py --check    say which are stale; exit code 1 if any is

A page marks such a part with `<!-- generated: NAME -->` and `<!-- end: NAME -->`; what stands around
the marks is written by people.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

DOCS = Path(__file__).resolve().parent.parent / "docs"
WIDTH = 88
COMMAND = "make docs"

_PART = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(<!-- end: (?P=name) -->)", re.DOTALL)

Json = dict[str, Any]


def renewed(page: str) -> str:
    """The text of a page with every generated part as it has to be now."""
    return _PART.sub(lambda found: found[1] + PARTS[found["name"]]().strip() + "\n" + found[3], page)


def stale_pages() -> Iterator[tuple[Path, str]]:
    """Pages whose generated parts are out of date, with the text that they should have."""
    for path in sorted(DOCS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if (fresh := renewed(text)) != text:
            yield path, fresh


# -- the command line ------------------------------------------------------------------------------


def commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every command of ours by its full name, groups before what is in them."""
    from overseer_payment.cli.lazy import LazyGroup
    from overseer_payment.cli.overseer import cli
    from overseer_payment.cli.payment import payment

    # Not `cli` itself: it loads the plugins of whoever runs this, which nobody else has.
    ours = LazyGroup(
        cli.name, lazy=cli.lazy, params=cli.params, help=cli.help, context_settings=cli.context_settings
    )
    ours.add_command(payment)
    yield from _below(ours, "overseer", None)


def _below(
    command: click.Command, name: str, parent: click.Context | None
) -> Iterator[tuple[str, click.Command, click.Context]]:
    context = command.make_context(
        name, [], parent=parent, resilient_parsing=True, terminal_width=WIDTH, max_content_width=WIDTH
    )
    yield context.command_path, command, context
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None and not found.hidden:
                yield from _below(found, child, context)


def cli_reference() -> str:
    """Every command with its help, as the command line itself prints it."""
    found = list(commands())
    contents = [
        f"* [`{path}`](#{path.replace(' ', '-')}): {command.get_short_help_str(200)}"
        for path, command, _ in found
    ]
    sections = [f"### {path}\n\n```text\n{context.get_help()}\n```" for path, _, context in found]
    return "\n".join(contents) + "\n\n" + "\n\n".join(sections)


# -- REST --------------------------------------------------------------------------------------------


def openapi() -> Json:
    """The document that a running host answers."""
    from overseer_payment.routes.api import ALL_OPS
    from overseer_payment.routes.openapi import document

    return document(ALL_OPS, server="")


def rest_reference() -> str:
    """Every operation by tag, then every object that they take and answer."""
    document = openapi()
    parts = []
    for tag in document["tags"]:
        parts.append(f"## {tag['name']}")
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if operation["tags"] == [tag["name"]]:
                    parts.append(_operation(f"{method.upper()} {path}", operation, document))
    parts.append("## Objects")
    for name, schema in sorted(document["components"]["schemas"].items()):
        parts.append(_object(name, schema))
    return "\n\n".join(parts)


def _operation(title: str, operation: Json, document: Json) -> str:
    parts = [f"### {title}", f"{operation['summary']}. {operation['description']}"]
    if not operation["security"]:
        parts[1] += " Public."
    if rows := [_parameter(parameter, document) for parameter in operation["parameters"]]:
        parts.append(_table(("Parameter", "In", "Type", "Meaning"), rows))
    if body := operation.get("requestBody"):
        parts.append(_body(body))
    for media_type, answer in operation["responses"]["200"]["content"].items():
        if media_type == "application/json":
            parts.append(f"Answers 200 with {_type(answer['schema'])}:")
            parts.append(_json(answer["example"]))
        else:
            parts.append(f"Streams 200 as `{media_type}`:")
            # CSV ends its lines as RFC 4180 says; a page of ours does not.
            example = "\n".join(answer["example"].strip().splitlines())
            parts.append(f"```text\n{example}\n```")
    statuses = ", ".join(status for status in operation["responses"] if status != "200")
    parts.append(f"Problems: {statuses}.")
    return "\n\n".join(parts)


def _parameter(parameter: Json, document: Json) -> tuple[str, ...]:
    if "$ref" in parameter:
        parameter = document["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
    schema = parameter["schema"]
    return f"`{parameter['name']}`", parameter["in"], _type(schema), parameter["description"]


def _body(body: Json) -> str:
    if "application/json" not in body["content"]:
        return f"Body: a file, one of {', '.join(f'`{type}`' for type in body['content'])}."
    content = body["content"]["application/json"]
    need = "" if body["required"] else " (may be left out)"
    sentence = f"Body{need}: {_type(content['schema'])}"
    if "example" not in content:
        return sentence + ", by the provider's own schema."
    return f"{sentence}, for example:\n\n{_json(content['example'])}"


def _object(name: str, schema: Json) -> str:
    parts = [f"### {name}"]
    if description := schema.get("description"):
        parts.append(" ".join(description.split()))
    if "enum" in schema:
        parts.append("One of " + ", ".join(f"`{word}`" for word in schema["enum"]) + ".")
    if fields := schema.get("properties"):
        needed = schema.get("required", ())
        rows = [
            (f"`{field}`", _type(its), "yes" if field in needed else "no", _meaning(its))
            for field, its in fields.items()
        ]
        always = "Always there" if schema.get("additionalProperties") is not False else "Required"
        parts.append(_table(("Field", "Type", always, "Meaning"), rows))
    return "\n\n".join(parts)


def _meaning(schema: Json) -> str:
    default = schema.get("default")
    told = [schema.get("description", "")]
    if default not in (None, [], {}):
        told.append(f"Default: `{json.dumps(default)}`.")
    return " ".join(filter(None, told))


def _type(schema: Json) -> str:
    """A JSON Schema in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(kind) for kind in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        return f"list of {_type(schema['items'])}"
    words = {"date-time": "moment", "date": "date"}.get(schema.get("format", ""), kind)
    return words + _bounds(schema)


def _bounds(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None:
        return f" ({low} or more)" if high is None else f" ({low} to {high})"
    longest = schema.get("maxLength")
    return f" (up to {longest} characters)" if longest else ""


def _json(value: Any) -> str:
    return f"```json\n{json.dumps(value, indent=2, ensure_ascii=False)}\n```"


def _table(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [titles, tuple("---" for _ in titles), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


# -- tables --------------------------------------------------------------------------------------------


def problem_codes() -> str:
    """Every kind of error with its status, its `code` and what it means."""
    from overseer_payment import errors

    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.PaymentError) and kind.status != errors.PaymentError.status
    ]
    rows = [
        (str(kind.status), f"`{kind.code}`", kind.title, (kind.__doc__ or "").partition("\n")[0])
        for kind in sorted(kinds, key=lambda kind: (kind.status, kind.code))
    ]
    return _table(("Status", "`code`", "Title", "Meaning"), rows)


def permissions() -> str:
    """The permissions that the host is asked for."""
    from overseer_payment.host_contract import PERMISSIONS

    return _table(("Permission", "Allows to"), [(f"`{name}`", text) for name, text in PERMISSIONS.items()])


def theme() -> str:
    """The CSS properties that a host may set, with what stands in for each."""
    from overseer_payment.cards import assets

    text = assets.source(assets.STYLESHEET)
    found: dict[str, str] = {}
    for name, start in ((m[1], m.end()) for m in re.finditer(r"var\((--overseer-[\w-]+)\s*,", text)):
        found.setdefault(name, _balanced(text[start:]))
    return _table(("Property", "Default"), [(f"`{name}`", f"`{value}`") for name, value in found.items()])


def _balanced(text: str) -> str:
    """`text` up to the parenthesis that closes what was open before it."""
    depth = 1
    for at, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return text[:at].strip()
    raise ValueError("unbalanced parentheses")


def stripe_events() -> str:
    """Every event type that Stripe's SDK knows and our plugin reads."""
    return "```text\n" + "\n".join(handled_stripe_events()) + "\n```"


def handled_stripe_events() -> list[str]:
    """Those event types, sorted: what an endpoint that we make listens to."""
    from overseer_payment.provider_plugins.stripe.endpoints import handled_types

    return sorted(handled_types())


def findings() -> str:
    """Everything that doctor may find, with its cure."""
    from overseer_payment.doctor import CATALOGUE

    rows = [(f"`{id}`", ", ".join(known.levels), known.about, known.cure) for id, known in CATALOGUE.items()]
    return _table(("`id`", "Level", "About", "Cure"), rows)


def topics() -> str:
    """Everything that an application can be told, and of which row."""
    from overseer_payment.listening import TOPICS

    rows = [f"| `{name}` | {topic.subject} | {topic.sentence} |" for name, topic in TOPICS.items()]
    return "\n".join(["| topic | `news.row` | meaning |", "| --- | --- | --- |", *rows])


PARTS: Mapping[str, Callable[[], str]] = {
    "doctor": findings,
    "cli": cli_reference,
    "rest": rest_reference,
    "problems": problem_codes,
    "permissions": permissions,
    "theme": theme,
    "stripe-events": stripe_events,
    "topics": topics,
}


def main(arguments: list[str]) -> int:
    """Renew the pages, or with `--check` only name those that are stale."""
    stale = list(stale_pages())
    for path, fresh in stale:
        if "--check" not in arguments:
            path.write_text(fresh, encoding="utf-8")
    names = ", ".join(f"docs/{path.name}" for path, _ in stale)
    if "--check" in arguments:
        sys.stdout.write(f"Stale: {names}. Run: {COMMAND}\n" if stale else "docs/ is up to date.\n")
        return 1 if stale else 0
    sys.stdout.write(f"Renewed {names}.\n" if stale else "docs/ was up to date.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
