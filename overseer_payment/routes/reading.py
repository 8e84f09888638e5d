"""Reading requests: bounded, exact, and never echoing what was sent.

JSON is read more strictly than Python's parser does: a name given twice, NaN, a number beyond 64 bits
and a NUL (which PostgreSQL can't store) are refused. `5.0` is 5, as JSON Schema has it; `true` and "5"
are no numbers, because here they would be money.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from overseer_payment.errors import NotFound, PayloadTooLarge, UnsupportedMediaType
from overseer_payment.routes.problem import FieldError, InvalidInput

MAX_JSON = 64 * 1024
MAX_WEBHOOK = 1024 * 1024
MAX_INTEGER = 2**63 - 1  # what a BIGINT column holds
_EXACT = 2**53  # from it on a float is no longer the integer that was written

_ID = re.compile(r"[\x21-\x7e]{1,255}\Z")
_KEY = re.compile(r"[\x20-\x7e]{1,255}\Z")
_MAX_ERRORS = 20
_MEANS_ALL = (("currency", ""),)  # a choice of currency that is left open; other filters need a value

Model = TypeVar("Model", bound=BaseModel)


def path_id(parameters: Mapping[str, Any], name: str | None) -> str:
    """The path's parameter. Raises NotFound for what can't be the id of anything."""
    if name is None:
        return ""
    value = str(parameters[name])
    if not _ID.match(value):
        raise NotFound("Nothing is known under this id.")
    return value


def idempotency_key(request: Request) -> str | None:
    """The `Idempotency-Key` header. Raises InvalidInput unless it comes once, with 1 to 255 printables."""
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    if len(given) > 1 or not _KEY.match(given[0]):
        _refuse(["header", "Idempotency-Key"], "Send it once, with 1 to 255 printable ASCII characters.")
    return given[0]


async def read_body(request: Request, limit: int) -> bytes:
    """The body, chunk by chunk. Raises PayloadTooLarge as soon as it is known to exceed `limit` bytes."""
    return await read_bytes(request.receive, request.headers.get("content-length", ""), limit)


async def read_bytes(receive: Receive, declared: str, limit: int) -> bytes:
    """The same where nobody made a `Request`; `declared` is the content-length."""
    if declared.isascii() and declared.isdecimal() and len(declared) < 20 and int(declared) > limit:
        raise _too_large(limit)
    chunks, size, more = list[bytes](), 0, True
    while more:  # most bodies are one message: a generator for it costs more than reading it
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise _too_large(limit)
        more = message.get("more_body", False)
    return b"".join(chunks)


async def read_json(request: Request, model: type[Model], *, optional: bool, limit: int = MAX_JSON) -> Model:
    """The body as `model`; with `optional` an empty body stands for `{}`.

    Raises PayloadTooLarge, UnsupportedMediaType and InvalidInput.
    """
    raw = await read_body(request, limit)
    if not raw:
        if not optional:
            _refuse(["body"], "A JSON object is required.")
        raw = b"{}"
    else:
        _check_media_type(request)
    text = _exact(raw)
    return _validated(model, "body", lambda: model.model_validate_json(text, strict=True))


def read_query(request: Request, model: type[Model] | None) -> Model | None:
    """The query as `model`. Raises InvalidInput, also for what is unknown or given twice."""
    pairs = request.query_params.multi_items()
    errors = _query_errors(pairs, tuple(model.model_fields) if model else ())
    if errors:
        raise InvalidInput(errors[:_MAX_ERRORS])
    if model is None:
        return None
    given = {name: value for name, value in pairs if (name, value) not in _MEANS_ALL}
    return _validated(model, "query", lambda: _in_utc(model.model_validate(given)))


def _query_errors(pairs: Sequence[tuple[str, str]], known: Sequence[str]) -> list[FieldError]:
    counts = Counter(name for name, _ in pairs)
    errors = [FieldError(loc=["query", n], msg="Given more than once.") for n in known if counts[n] > 1]
    if counts.keys() - set(known):
        errors.append(FieldError(loc=["query"], msg=_unknown("parameter", known)))
    errors += [FieldError(loc=["query", n], msg=_NUL) for n, v in pairs if n in known and "\0" in v]
    return errors


# -- JSON -----------------------------------------------------------------------------------------

_NUL = "Must not contain the character NUL."


class _Unreadable(ValueError):
    """The text is JSON to Python, but not to us."""


def _exact(raw: bytes) -> str:
    """The same JSON, proven unambiguous.

    Text again, because only pydantic's JSON mode is strict and yet reads enums and dates.
    """
    try:
        parsed = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_constant,
        )
        return json.dumps(parsed)
    except _Unreadable as error:
        _refuse(["body"], str(error))
    except RecursionError:
        _refuse(["body"], "Nested too deeply.")
    except ValueError:  # bad UTF-8 and bad JSON; their texts quote the input
        _refuse(["body"], "Not valid JSON in UTF-8.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Unreadable("A name is given more than once in one object.")
    if any("\0" in text for pair in pairs for text in pair if isinstance(text, str)):
        raise _Unreadable(_NUL)
    return found


def _integer(text: str) -> int:
    if len(text) > 20 or abs(int(text)) > MAX_INTEGER:
        raise _Unreadable("A number is too large.")
    return int(text)


def _number(text: str) -> int | float:
    value = float(text)
    if abs(value) >= _EXACT:
        raise _Unreadable("A number is too large.")
    return int(value) if value.is_integer() else value


def _constant(_: str) -> NoReturn:
    raise _Unreadable("NaN and Infinity are no JSON numbers.")


def _check_media_type(request: Request) -> None:
    essence, *parameters = request.headers.get("content-type", "").lower().split(";")
    charsets = {
        value.partition("=")[2].strip(' "') for value in parameters if value.strip().startswith("charset")
    }
    if essence.strip() != "application/json" or not charsets <= {"utf-8"}:
        raise UnsupportedMediaType("Send the body as application/json in UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the body without a content encoding.")


# -- errors ---------------------------------------------------------------------------------------


def _validated(model: type[Model], source: str, build: Callable[[], Model]) -> Model:
    try:
        return build()
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
    raise InvalidInput(
        [_field_error(model, source, e["type"], e["loc"], e["msg"]) for e in found[:_MAX_ERRORS]]
    )


def _field_error(
    model: type[BaseModel], source: str, type: str, loc: Sequence[str | int], msg: str
) -> FieldError:
    """Of `loc` only our own field names are told: other names in it are what the caller sent."""
    if type == "extra_forbidden":
        return FieldError(loc=[source], msg=_unknown("field", model.model_fields))
    way = [part for part in loc[:1] if part in model.model_fields]
    return FieldError(loc=[source, *way], msg=msg.removeprefix("Value error, "))


def _unknown(what: str, known: Iterable[str]) -> str:
    names = ", ".join(known)
    return f"Unknown {what}. Known here: {names}." if names else f"No {what} is known here."


def _in_utc(query: Model) -> Model:
    """Moments without an offset are meant as UTC; the rest is brought there."""
    changed = {}
    for name in type(query).model_fields:
        value = getattr(query, name)
        if isinstance(value, datetime):
            changed[name] = _to_utc(name, value)
    return query.model_copy(update=changed) if changed else query


def _to_utc(name: str, moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        _refuse(["query", name], "Out of range.")


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The body is larger than the {limit // 1024} KiB that are read here.")


def _refuse(loc: list[str | int], msg: str) -> NoReturn:
    raise InvalidInput([FieldError(loc=loc, msg=msg)])
