"""Whether a browser sent a request from one of our own pages: the first line against CSRF.

`Sec-Fetch-Site` can't be set by a page and decides alone where a browser sends it (https and
localhost); `Origin` covers plain http. A request with neither tells nothing here.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

_OURS = frozenset({"same-origin", "none"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_cross_site(request: Request, public_url: str | None = None) -> bool:
    """Did a page of another origin make the browser send this?"""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in _OURS
    origin = request.headers.get("origin")
    if origin is None:
        return False
    # Schemes are not compared: behind a proxy that ends TLS we see http where the browser sees https.
    ours = {request.headers.get("host"), urlsplit(public_url).netloc if public_url else None}
    return urlsplit(origin).netloc not in ours


def local_path(target: str | None) -> str:
    """`target` if it is a path on this site, else `/`: an open redirect would lend our name to others."""
    if not target or not target.startswith("/") or target.startswith("//"):
        return "/"
    # Browsers read a backslash as a slash and drop tabs and line ends, so `/\\evil` is another host.
    if "\\" in target or not target.isprintable():
        return "/"
    return target
