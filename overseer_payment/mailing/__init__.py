"""Mail about payments: an application of the listeners, optional, on as soon as PAYMENT_SMTP_URL is set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from overseer_payment.listening import Listener


def listeners(environ: Mapping[str, str]) -> tuple[Listener, ...]:
    """A listener for each sort of letter that is switched on; none without PAYMENT_SMTP_URL.

    Raises ConfigurationError for a setting that can't be used.
    """
    if not environ.get("PAYMENT_SMTP_URL", "").strip():
        return ()
    from overseer_payment.mailing.letters import post_office

    return post_office(environ)
