"""Handing one letter to the mail server. Blocking: it is called in a thread."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote

from overseer_payment.errors import ConfigurationError
from overseer_payment.mailing.settings import MailSettings

_PATIENCE = 20.0  # seconds for each answer of the server


def post(letter: EmailMessage, settings: MailSettings) -> None:
    """Send it. Raises OSError and SMTPException as smtplib does, ConfigurationError for a bare password."""
    server = settings.server
    host, secure = server.hostname or "", server.scheme == "smtps"
    context = ssl.create_default_context()
    if secure:
        link: smtplib.SMTP = smtplib.SMTP_SSL(host, server.port or 465, timeout=_PATIENCE, context=context)
    else:
        link = smtplib.SMTP(host, server.port or 587, timeout=_PATIENCE)
    with link:
        link.ehlo_or_helo_if_needed()
        if not secure and link.has_extn("starttls"):
            link.starttls(context=context)
            secure = True
        if server.username:
            if not secure and not settings.is_local:
                raise ConfigurationError("The mail server offers no encryption: no password is sent to it.")
            link.login(unquote(server.username), unquote(server.password or ""))
        link.send_message(letter)
