"""The socket, before anything else: a port in use is one clear line, not a traceback half way up."""

from __future__ import annotations

import socket
from ipaddress import ip_address

from overseer_payment.errors import ConfigurationError


def listen(bind: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises ConfigurationError when it can't be had."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((bind, port))
        sock.listen(2048)
    except (OSError, OverflowError) as error:
        sock.close()
        why = getattr(error, "strerror", None) or "not a valid address"
        raise ConfigurationError(f"Can't listen on {bind}:{port} ({why}). Choose another --port.") from None
    return sock


def url_of(sock: socket.socket) -> str:
    """How this machine reaches the socket."""
    host, port = sock.getsockname()[:2]
    if ip_address(host).is_unspecified:
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_exposed(bind: str, public_url: str) -> bool:
    """Can other machines reach us without encryption?"""
    try:
        local = ip_address(bind).is_loopback
    except ValueError:
        local = bind == "localhost"
    return not local and not public_url.startswith("https:")
