"""What may be said about an unexpected error: to a person a sentence, to the log the place."""

from __future__ import annotations

import traceback

from overseer_payment.errors import PaymentError


def describe(error: BaseException) -> str:
    """A sentence that is safe to show: ours as it is, of anybody else's error only the type."""
    if isinstance(error, PaymentError):
        return f"{error.title}: {error.detail}"
    return f"Unexpected {type(error).__name__}. The server's log names the place."


def place(error: BaseException) -> str:
    """Type and innermost place, for the log. Never the text: drivers and SDKs put parameters into it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "overseer_payment" in frame.filename] or frames
    where = f"{own[-1].filename}:{own[-1].lineno} in {own[-1].name}" if own else "nowhere known"
    return f"{type(error).__name__} at {where}"
