"""Payments for any Python admin dashboard. `hookimpl` marks what applications and providers implement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from overseer_payment.hookspecs import hookimpl

__all__ = ["__version__", "hookimpl"]

__version__: str


def __getattr__(name: str) -> Any:
    # Lazy, because every host imports this package for each of its commands.
    if name == "hookimpl":
        from overseer_payment.hookspecs import hookimpl

        return hookimpl
    if name == "__version__":
        from importlib.metadata import version

        return version("overseer-payment")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
