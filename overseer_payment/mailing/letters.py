"""Which letter goes to whom, about what. The words are in `texts/`, one file for each topic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import cache
from typing import Any

import jinja2

from overseer_payment.errors import ConfigurationError, PaymentError
from overseer_payment.listening import Listener, News, on
from overseer_payment.mailing.posting import TIMEOUT, post
from overseer_payment.mailing.settings import TO_OPERATOR, MailSettings, is_address
from overseer_payment.money import ISO, CurrencyTable
from overseer_payment.provider import SubscriptionStatus
from overseer_payment.registry import Registry
from overseer_payment.settings import read_settings

_TOO_OLD = timedelta(days=7)
"""Nobody wants a receipt of last month because we were down, or have just begun to listen."""
_GOES_ON = frozenset({SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE})


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

        return on(topic, name=f"mail:{topic}", timeout=TIMEOUT)(mail)

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


@dataclass(frozen=True, slots=True)
class _Words:
    """What templates write sums and dates with: in the words of `words.txt`."""

    texts: jinja2.Environment
    currencies: CurrencyTable

    def sum(self, row: Any) -> str:
        """What a row or its former terms are about."""
        open_ = any(item.total is None for item in getattr(row, "items", ()))
        shown = row.currency and (row.amount or not open_)
        return self._say("sum", self.currencies.format(row.amount, row.currency) if shown else "", open_)

    def every(self, row: Any) -> str:
        """How often that is asked for."""
        return self._say("every", row.interval, row.interval_count) if row.interval else ""

    def day(self, moment: datetime | None) -> str:
        return "" if moment is None else self._say("day", moment)

    def _say(self, macro: str, *values: object) -> str:
        return str(getattr(self.texts.get_template("words.txt").module, macro)(*values)).strip()


def write(
    news: News, settings: MailSettings, texts: jinja2.Environment, currencies: CurrencyTable
) -> EmailMessage | None:
    """The letter about this piece of news; None if there is nobody to write to, or no point in it."""
    row: Any = news.row
    to = settings.operator if news.topic in TO_OPERATOR else getattr(row, "customer_email", None)
    if not to or not is_address(to) or not _is_worth_it(news):
        return None
    words, was = _Words(texts, currencies), news.before
    given: dict[str, Any] = {"sum": words.sum(row), "day": words.day, "every": words.every, "was": was}
    given["was_sum"] = words.sum(was) if was else ""
    text = texts.get_template(f"{news.topic}.txt").render(news=news, row=row, **given)
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


def _is_worth_it(news: News) -> bool:
    """Is it still so, and of these days? A change is written about if it is one of what is paid for."""
    if news.overtaken or datetime.now(UTC) - news.occurred_at > _TOO_OLD:
        return False
    if news.topic != "subscription.changed":
        return True
    row = news.subscription
    now = sorted((item.price_id, item.quantity) for item in row.items)
    return row.status in _GOES_ON and news.before is not None and news.before.prices != now
