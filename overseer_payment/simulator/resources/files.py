"""Uploaded files. Only what is known of a file is kept, not its content."""

from __future__ import annotations

from overseer_payment.simulator.api import Call, endpoint, paged
from overseer_payment.simulator.forms import Upload
from overseer_payment.simulator.resources.shapes import DAY, Json, listed, refuse

# Page "File upload guide": what purpose `dispute_evidence` takes.
_PURPOSE = "dispute_evidence"
_LARGEST = 5 * 1024 * 1024
_EXPIRES_AFTER = 270 * DAY
_BEGINNINGS = {b"%PDF-": "pdf", b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg"}


@endpoint("POST", "/v1/files")
def upload_file(call: Call) -> Json:
    """Take a file of evidence: PDF, PNG or JPEG, up to 5 MB."""
    upload, purpose = call.params["file"], call.params["purpose"]
    if purpose != _PURPOSE:
        raise refuse(f"Invalid purpose: {purpose}. The simulator takes {_PURPOSE} only.", param="purpose")
    if not isinstance(upload, Upload):
        raise refuse("Invalid file: upload one as multipart/form-data.", param="file")
    type = next((type for head, type in _BEGINNINGS.items() if upload.content.startswith(head)), None)
    if type is None:
        raise refuse("The file must be a PDF, JPEG or PNG.", code="file_type_invalid", param="file")
    if len(upload.content) > _LARGEST:
        raise refuse("The file exceeds the maximum size of 5 MB.", code="file_too_large", param="file")
    world = call.world
    id = world.new_id("file_")
    return world.put(
        {
            "id": id,
            "object": "file",
            "created": world.clock.now(),
            "expires_at": world.clock.now() + _EXPIRES_AFTER,
            "filename": upload.filename,
            "links": listed(f"/v1/file_links?file={id}"),
            "purpose": purpose,
            "size": len(upload.content),
            "title": None,
            "type": type,
            "url": f"https://files.stripe.com/v1/files/{id}/contents",
        }
    )


@endpoint("GET", "/v1/files")
def list_files(call: Call) -> Json:
    """List files; filter `purpose`."""
    equal = {name: call.params[name] for name in ("purpose",) if name in call.params}
    return paged(call, call.world.find("file", **equal))


@endpoint("GET", "/v1/files/{file}")
def retrieve_file(call: Call) -> Json:
    """Return one file."""
    return call.world.get("file", call.ids["file"])
