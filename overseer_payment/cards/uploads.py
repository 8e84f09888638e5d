"""One file from one of our own forms, in bounded memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from overseer_payment.cards.forms import check_origin, read_bounded
from overseer_payment.errors import Invalid

if TYPE_CHECKING:
    from starlette.requests import Request

    from overseer_payment.host_contract import Host

_AROUND = 16 * 1024  # the form's other fields, and the lines between them
_MOST_FIELDS = 10


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as a browser sent it. Neither its name nor its type is believed."""

    name: str
    content: bytes = field(repr=False)


async def read_upload(host: Host, request: Request, *, limit: int) -> tuple[Mapping[str, str], Upload | None]:
    """The fields of a form with a file of at most `limit` bytes, and the file; None where none was chosen.

    Raises PayloadTooLarge, Invalid for another kind of body, Forbidden for a write from elsewhere.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise Invalid("This address takes a form with a file (multipart/form-data).")
    body = await read_bounded(request, limit + _AROUND)
    fields, upload = await _parsed(request, body, limit)
    check_origin(host, request, fields)
    return fields, upload


async def _parsed(request: Request, body: bytes, limit: int) -> tuple[dict[str, str], Upload | None]:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(
        request.headers, stream(), max_files=1, max_fields=_MOST_FIELDS, max_part_size=_AROUND
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError):
        raise Invalid("The form could not be read. Reload the page and try again.") from None
    try:
        upload = None
        for value in form.values():
            if isinstance(value, UploadFile) and value.filename:
                upload = Upload(value.filename, await value.read(limit + 1))
        return {name: value for name, value in form.items() if isinstance(value, str)}, upload
    finally:
        await form.close()
