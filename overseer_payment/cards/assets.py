"""The stylesheet and the script: put together from their parts, served under content-hashed addresses."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

STYLESHEET = "overseer-payment.css"
SCRIPT = "overseer-payment.js"

_FOLDER = Path(__file__).parent / "static"
_STYLES = (
    *("base", "card", "frame", "overview", "lists", "details"),
    *("disputes", "people", "events", "setup", "landing"),
)
_SCRIPTS = ("layers", "morph", "loading", "acting", "live")
_TYPES = {STYLESHEET: "text/css; charset=utf-8", SCRIPT: "text/javascript; charset=utf-8"}

_CLOSURE = """// Shows the dashboard's views in dialogs and keeps them fresh. Everything works without it.
(() => {
'use strict';
const root = document.documentElement;
if (root.dataset.opReady) return; // a host that loads us twice
root.dataset.opReady = '1';

%s
})();
"""
"""The parts of the script share one closure; other scripts of the page see nothing of it."""


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    zipped: bytes
    digest: str


def source(name: str) -> str:
    """The whole of an asset, as it is served."""
    if name == STYLESHEET:
        return "\n".join((_FOLDER / "css" / f"{part}.css").read_text() for part in _STYLES)
    return _CLOSURE % "\n".join((_FOLDER / "js" / f"{part}.js").read_text() for part in _SCRIPTS)


@cache
def _asset(name: str) -> _Asset:
    content = source(name).encode()
    return _Asset(content, gzip.compress(content, mtime=0), sha256(content).hexdigest()[:16])


def asset_path(name: str) -> str:
    """The public path of an asset; another content has another path."""
    return f"/payment/static/{_asset(name).digest}/{name}"


async def serve(request: Request) -> Response:
    """One of our two assets, cacheable for ever under its own hash, and with questions under another.

    During a rolling deployment a page of one version may ask a process of another: it gets what
    there is, but must not keep it under the foreign hash.
    """
    name = str(request.path_params["name"])
    if name not in _TYPES:
        return Response("There is no such file.", 404, media_type="text/plain")
    asset = _asset(name)
    own = request.path_params["digest"] == asset.digest
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if own else "no-cache",
        "ETag": f'W/"{asset.digest}"',
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    headers["Content-Type"] = _TYPES[name]
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.zipped, headers={**headers, "Content-Encoding": "gzip"})
    return Response(asset.content, headers=headers)
