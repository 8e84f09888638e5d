"""Two hosts: the embedded one (`create_app`), and any FastAPI or Starlette application (`install`)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from overseer_payment.host.adapters import install
    from overseer_payment.host.app import create_app
    from overseer_payment.host.specs import hookimpl

__all__ = ["create_app", "hookimpl", "install"]

_HOME = {"create_app": "app", "hookimpl": "specs", "install": "adapters"}


def __getattr__(name: str) -> Any:
    # Lazy: `overseer --help` imports this package for its hookspecs, and must not pay for Starlette.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
