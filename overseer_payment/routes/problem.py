"""Errors as `application/problem+json` (RFC 9457): the one place that turns an exception into an answer.

What is unexpected is logged with its place in the code and answered without any of its words: an
exception's text may hold a statement, an address or a key, so neither the answer nor the log gets it.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from uuid import uuid4

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from overseer_payment.errors import DatabaseError, Invalid, PaymentError
from overseer_payment.schemas import Row

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:overseer-payment:problem:"

logger = logging.getLogger("overseer_payment.routes")


class FieldError(Row):
    """One thing that is wrong with the request, without the value that was sent."""

    loc: list[str | int] = Field(
        description="`body`, `query`, `header` or `path`, then the way to the field."
    )
    msg: str


class Problem(Row):
    """An error, by RFC 9457."""

    type: str = Field(description="A URN that ends in `code`.")
    title: str = Field(description="The same for every problem of this type.")
    status: int
    detail: str = Field(description="What happened, and what to do next.")
    code: str = Field(description="A stable word for programs.")
    errors: list[FieldError] | None = Field(
        default=None, description="Only with 422: what is wrong, field by field."
    )
    instance: str | None = Field(
        default=None, description="Only with 500: the reference to look for in the log."
    )


class InvalidInput(Invalid):
    """The request doesn't fit the documented shape; `errors` say where."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        where = ", ".join(".".join(map(str, error.loc)) for error in errors[:3])
        super().__init__(f"The request is not valid at {where}; `errors` says what is expected.")
        self.errors = tuple(errors)


def respond(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The problem as a response."""
    body = problem.model_dump_json(exclude_none=True)
    return Response(body, problem.status, headers, media_type=MEDIA_TYPE)


def problem_of(error: PaymentError) -> Problem:
    """What one of our own errors says; its text is fit for everybody by the rule of `errors`."""
    return Problem(
        type=TYPE_PREFIX + error.code,
        title=error.title,
        status=error.status,
        detail=error.detail,
        code=error.code,
        errors=list(error.errors) if isinstance(error, InvalidInput) else None,
    )


def response_to(error: Exception, *, where: str) -> Response:
    """Answer any exception. `where` is the method and the path's pattern, for the log."""
    if isinstance(error, ClientDisconnect):
        return _plain(400, "client_disconnected", "The body ended before it was complete.")
    if isinstance(error, HTTPException):
        return _from_host(error)
    if not isinstance(error, PaymentError):
        return _unexpected(error, where)
    if error.status >= 500:
        logger.warning("%s: %s", where, error.code)
    return respond(problem_of(error), headers_of(error))


def headers_of(error: PaymentError) -> dict[str, str]:
    """The headers that belong to an error's status."""
    headers = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(0, error.retry_after))
    return headers


def _plain(status: int, code: str, detail: str, *, instance: str | None = None) -> Response:
    title = HTTPStatus(status).phrase
    return respond(
        Problem(
            type=TYPE_PREFIX + code, title=title, status=status, detail=detail, code=code, instance=instance
        )
    )


def _from_host(error: HTTPException) -> Response:
    """A host's own refusal keeps its status; its words are the host's and stay there."""
    try:
        status = HTTPStatus(error.status_code)
    except ValueError:
        status = HTTPStatus.INTERNAL_SERVER_ERROR
    if status < 400:
        status = HTTPStatus.UNAUTHORIZED  # a redirect to a login page is no answer to a program
    response = _plain(status, f"http_{status.value}", f"The host answered: {status.phrase}.")
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _unexpected(error: Exception, where: str) -> Response:
    reference = uuid4()
    logger.error("%s failed (reference %s): %s", where, reference, _outline(error))
    if _is_database_error(error):
        down = DatabaseError("The database can't be used at the moment; try again later.")
        return respond(problem_of(down))
    detail = f"Something went wrong on our side; the log has more under the reference {reference}."
    return _plain(500, "internal_error", detail, instance=f"urn:uuid:{reference}")


def _is_database_error(error: Exception) -> bool:
    from sqlalchemy.exc import SQLAlchemyError

    return isinstance(error, SQLAlchemyError)


def _outline(error: BaseException) -> str:
    """Types and places of an exception and its causes; never their texts."""
    parts = []
    for link in _chain(error):
        frames = "".join(traceback.format_tb(link.__traceback__))
        parts.append(f"{type(link).__module__}.{type(link).__qualname__}\n{frames}")
    return "caused by ".join(parts)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__
