"""One operation of the REST interface, as data: routing, validation and the OpenAPI document read it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from pydantic import BaseModel

from overseer_payment.host_contract import Host
from overseer_payment.schemas import JsonObject, Viewer
from overseer_payment.service import Payments

PREFIX = "/api/v1/payment"
"""Where the interface lives, relative to the place where the host mounts our routes."""

QueryT = TypeVar("QueryT", bound=BaseModel | None)
BodyT = TypeVar("BodyT", bound=BaseModel | None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[QueryT, BodyT]):
    """One validated request. `id` is the path's only parameter, or empty."""

    viewer: Viewer
    payments_for: Callable[[], Payments]
    id: str
    query: QueryT
    body: BodyT
    raw: bytes
    """The untouched body of an operation with `raw_body` or `uploads`, else empty."""
    headers: Mapping[str, str]
    """Header names in lower case."""
    idempotency_key: str | None
    root_path: str

    @property
    def payments(self) -> Payments:
        """The façade, made only when it is used. Raises ConfigurationError."""
        return self.payments_for()


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer that is sent as it comes into being. An error in `chunks` breaks the connection off."""

    chunks: AsyncIterator[str]
    media_type: str
    filename: str


Answer: TypeAlias = BaseModel | JsonObject | Streamed
Handler: TypeAlias = Callable[[Call[Any, Any]], Awaitable[Answer]]
PaymentsFor: TypeAlias = Callable[[Host], Payments]


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """What one method on one path takes, does and answers.

    `needs` is the permission without which the body isn't even read; None leaves it to the façade
    which rows the viewer may know. `sight` raises NotFound for a row that the viewer may not know:
    asked before a missing permission is told, so that a refusal doesn't tell that a row exists.
    """

    method: Literal["GET", "POST"]
    path: str
    """Below `PREFIX`, with at most one parameter."""
    name: str
    """The `operationId`."""
    tag: str
    summary: str
    description: str
    handler: Handler
    answer: type[BaseModel] | None
    """None: some JSON object."""
    example: JsonObject
    path_help: str = ""
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    body_optional: bool = False
    body_example: JsonObject | None = None
    raw_body: bool = False
    uploads: tuple[str, ...] = ()
    """Media types of the file that is the body, where it is one; the handler finds it as `raw`."""
    max_body: int | None = None
    """Bytes; None: `reading.MAX_JSON`."""
    streams: Mapping[str, str] = field(default_factory=dict)
    """Of an answer that is streamed: an example for each of its media types; then `answer` is None."""
    public: bool = False
    needs: str | None = None
    sight: Handler | None = None
    limited: bool = False
    """Costs enough to be counted for each caller who is not staff."""
    errors: tuple[int, ...] = ()
    """Statuses besides those that follow from the fields above."""

    @property
    def parameter(self) -> str | None:
        """The name of the path's parameter."""
        _, brace, rest = self.path.partition("{")
        return rest.partition("}")[0] if brace else None

    @property
    def statuses(self) -> tuple[int, ...]:
        """Every status of a problem that this operation may answer."""
        found = {500, 503, *self.errors}
        if not self.public:
            found |= {401, 403, 422}
            if self.method == "POST":
                found.add(409)  # its Idempotency-Key came with something else
        if self.limited:
            found.add(429)
        if self.parameter:
            found.add(404)
        if self.body or self.raw_body or self.uploads:
            found.add(413)
        if self.body or self.uploads:
            found.add(415)
        return tuple(sorted(found))
