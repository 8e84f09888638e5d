"""Handing one letter to the mail server. Blocking: it is called in a thread.

Mail knows no transactions: between the server's "taken" and our noting it there is a moment in which whoever
dies has the letter sent again. So nothing waits in that moment, and nothing fails after it.
"""

from __future__ import annotations

import smtplib
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from urllib.parse import unquote

from overseer_payment.errors import ConfigurationError
from overseer_payment.mailing.settings import MailSettings

TIMEOUT = 60.0
"""Seconds after which a letter is given up for this time."""
_PATIENCE = 20.0  # seconds for each answer of the server
_IN_ALL = 50.0
# A thread can't be ended: one that went on after it was given up would send what is already tried again.


def post(letter: EmailMessage, settings: MailSettings) -> None:
    """Send it; returns as soon as the server has taken it.

    Raises OSError and SMTPException as smtplib does, ConfigurationError for a bare password. Then it was not
    sent, unless the connection broke while the server was taking it.
    """
    end = time.monotonic() + _IN_ALL
    with _linked(settings) as link:
        _greet(link, settings, end)
        _wait_until(link, end, answers=4)
        link.send_message(letter)


@contextmanager
def _linked(settings: MailSettings) -> Iterator[smtplib.SMTP]:
    server, context = settings.server, ssl.create_default_context()
    host = server.hostname or ""
    if server.scheme == "smtps":
        link: smtplib.SMTP = smtplib.SMTP_SSL(host, server.port or 465, timeout=_PATIENCE, context=context)
    else:
        link = smtplib.SMTP(host, server.port or 587, timeout=_PATIENCE)
    try:
        yield link
        # What the server says to our leave changes nothing any more.
        with suppress(OSError, smtplib.SMTPException):
            link.putcmd("quit")
    finally:
        link.close()


def _greet(link: smtplib.SMTP, settings: MailSettings, end: float) -> None:
    server, secure = settings.server, settings.server.scheme == "smtps"
    _wait_until(link, end)
    link.ehlo_or_helo_if_needed()
    if not secure and link.has_extn("starttls"):
        _wait_until(link, end)
        link.starttls(context=ssl.create_default_context())
        secure = True
    if server.username:
        if not secure and not settings.is_local:
            raise ConfigurationError("The mail server offers no encryption: no password is sent to it.")
        _wait_until(link, end)
        link.login(unquote(server.username), unquote(server.password or ""))


def _wait_until(link: smtplib.SMTP, end: float, *, answers: int = 1) -> None:
    """Have so many answers come in time. Raises TimeoutError when there is none left."""
    left = end - time.monotonic()
    if left <= 0 or link.sock is None:
        raise TimeoutError("The mail server takes too long.")
    link.sock.settimeout(min(_PATIENCE, left / answers))
