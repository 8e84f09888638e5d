"""Payments for any Python admin dashboard. `hookimpl`, `on` and `inside` mark what applications bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from overseer_payment.hookspecs import hookimpl
    from overseer_payment.listening import News, inside, on

__all__ = ["News", "__version__", "hookimpl", "inside", "on"]

__version__: str


def __getattr__(name: str) -> Any:
    # Lazy, because every host imports this package for each of its commands.
    if name == "hookimpl":
        from overseer_payment.hookspecs import hookimpl

        return hookimpl
    if name in {"News", "inside", "on"}:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.listening"), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("overseer-payment")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
