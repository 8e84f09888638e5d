"""Broken on purpose: fails at import, as a plugin does after its dependency was removed."""

from __future__ import annotations

# Nobody uses it and nobody has it: that it can't be imported is the example.
import no_such_payment_sdk  # noqa: F401  # pyright: ignore[reportMissingImports]
