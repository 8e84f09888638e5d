"""Which letter goes to whom, about what. The words are in `texts/`, one file for each topic."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import cache
from typing import Any

import jinja2

from overseer_payment.errors import ConfigurationError, PaymentError
from overseer_payment.listening import Listener, News, on
from overseer_payment.mailing.posting import post
from overseer_payment.mailing.settings import TO_OPERATOR, MailSettings, is_address
from overseer_payment.money import ISO, CurrencyTable
from overseer_payment.registry import Registry
from overseer_payment.settings import read_settings

_TOO_OLD = timedelta(days=7)
"""Nobody wants a receipt of last month because we were down, or have just begun to listen."""


def post_office(environ: Mapping[str, str]) -> tuple[Listener, ...]:
    """A listener for each letter, so that one that can't be sent holds up no other."""
    settings = read_settings(MailSettings, environ)
    if settings.sender is None:
        raise ConfigurationError("PAYMENT_SMTP_URL needs PAYMENT_MAIL_FROM: whom do letters come from?")
    texts = _texts(settings)

    @cache
    def currencies(provider: str) -> CurrencyTable:
        try:
            return Registry(environ).spec(provider).currencies
        except PaymentError:
            return ISO

    def listener(topic: str) -> Listener:
        def mail(news: News) -> None:
            letter = write(news, settings, texts, currencies(news.provider))
            if letter is not None:
                post(letter, settings)

        return on(topic, name=f"mail:{topic}", timeout=60)(mail)

    return tuple(listener(topic) for topic in dict.fromkeys(settings.events) if _has_reader(topic, settings))


def _texts(settings: MailSettings) -> jinja2.Environment:
    ours = jinja2.PackageLoader("overseer_payment.mailing", "texts")
    loaders = [ours] if settings.texts is None else [jinja2.FileSystemLoader(settings.texts), ours]
    return jinja2.Environment(
        loader=jinja2.ChoiceLoader(loaders),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  (plain text: there is nothing to escape)
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _has_reader(topic: str, settings: MailSettings) -> bool:
    return topic not in TO_OPERATOR or settings.operator is not None


def _sum(row: Any, currencies: CurrencyTable) -> str:
    """What the row is about, in words of which only the bill tells the sum."""
    fixed = currencies.format(row.amount, row.currency) if row.currency else ""
    if all(item.total is not None for item in getattr(row, "items", ())):
        return fixed
    return f"{fixed} and what you use" if row.amount else "what you use"


def write(
    news: News, settings: MailSettings, texts: jinja2.Environment, currencies: CurrencyTable
) -> EmailMessage | None:
    """The letter about this piece of news; None if there is nobody to write to, or no point in it."""
    row: Any = news.row
    to = settings.operator if news.topic in TO_OPERATOR else getattr(row, "customer_email", None)
    if not to or not is_address(to) or news.overtaken or datetime.now(UTC) - news.occurred_at > _TOO_OLD:
        return None
    sum_ = _sum(row, currencies)
    text = texts.get_template(f"{news.topic}.txt").render(news=news, row=row, sum=sum_, day=_day)
    subject, _, body = text.partition("\n")
    letter = EmailMessage()
    # Names of plans may hold line ends of whatever sort, which no header can carry.
    letter["Subject"] = " ".join(subject.removeprefix("Subject:").split())
    letter["From"], letter["To"] = settings.sender, to
    letter["Date"] = format_datetime(datetime.now(UTC))
    # The same at each retry: a mailbox that knows it shows it once.
    domain = parseaddr(settings.sender or "")[1].rpartition("@")[2]
    letter["Message-ID"] = f"<{news.effect_id}@{domain}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(body.strip() + "\n")
    return letter


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%-d %B %Y}"
