"""Bringing the provider's events to an address that the provider itself can't reach.

The list of events is asked for again and again, and each event is signed and posted as its delivery
would be. No endpoint and no tunnel is needed, only the API key.
"""

from __future__ import annotations

from overseer_payment.forwarding.delivering import Forwarded
from overseer_payment.forwarding.forwarder import Forwarder, Told
from overseer_payment.forwarding.target import is_loopback

__all__ = ["Forwarded", "Forwarder", "Told", "is_loopback"]
