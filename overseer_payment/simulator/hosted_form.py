"""What a payer wrote into a hosted page: read, checked, and shown again with what is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from overseer_payment.simulator.cards import Instrument, find_instrument
from overseer_payment.simulator.resources.checkout_flow import Payer

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")
_EXPIRY = re.compile(r"(\d{1,2})\s*/?\s*(\d{2}|\d{4})\Z")
_CVC = re.compile(r"\d{3,4}\Z")
_FIELDS = ("email", "name", "number", "expiry", "cvc", "country", "postal_code", "account")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One filled-in form. `problems` maps a field's name to a sentence for the payer."""

    kind: str = "card"
    email: str = ""
    name: str = ""
    number: str = ""
    expiry: str = ""
    cvc: str = ""
    country: str = "US"
    postal_code: str = ""
    account: str = ""
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def instrument(self) -> Instrument | None:
        """The test card or account that was written, if it is one."""
        found = find_instrument(self.number if self.kind == "card" else self.account)
        return found if found is not None and found.kind == self.kind else None

    def payer(self) -> Payer:
        """Return who pays with what. Only for an entry without problems."""
        assert self.instrument is not None
        return Payer(
            email=self.email,
            name=self.name,
            instrument=self.instrument,
            country=self.country or None,
            postal_code=self.postal_code or None,
        )


def read_entry(form: Mapping[str, Any], kinds: list[str]) -> Entry:
    """Read a form as it was sent; an unknown payment method counts as the first one offered."""
    values: dict[str, Any] = {name: str(form.get(name, ""))[:_LONGEST].strip() for name in _FIELDS}
    kind = str(form.get("kind", kinds[0]))
    return replace(Entry(**values), kind=kind if kind in kinds else kinds[0])


def filled(entry: Entry, instrument: Instrument, now: int) -> Entry:
    """Return the form ready to send: a test card or account, and a payer wherever nobody was written."""
    entry = replace(
        entry,
        email=entry.email or "ada@example.com",
        name=entry.name or "Ada Example",
        postal_code=entry.postal_code or ("94107" if entry.country == "US" else ""),
    )
    if instrument.kind != "card":
        return replace(entry, kind=instrument.kind, account=instrument.number)
    year = datetime.fromtimestamp(now, UTC).year + 4
    cvc = "1234" if instrument.brand == "amex" else "123"
    return replace(entry, kind="card", number=instrument.spaced, expiry=f"12 / {year % 100:02d}", cvc=cvc)


def checked(entry: Entry, now: int) -> Entry:
    """Return the entry with everything that is wrong with it."""
    problems: dict[str, str] = {}
    if not _EMAIL.match(entry.email):
        problems["email"] = "Enter an e-mail address like you@example.com."
    if not entry.name:
        problems["name"] = "Enter the name of the account or card holder."
    if entry.kind == "card":
        problems |= _card_problems(entry, now)
    elif entry.instrument is None:
        problems["account"] = "This is not a test account. Take one of those listed."
    return replace(entry, problems=problems)


def _card_problems(entry: Entry, now: int) -> dict[str, str]:
    problems: dict[str, str] = {}
    if not entry.number:
        problems["number"] = "Your card number is incomplete."
    elif entry.instrument is None:
        problems["number"] = "Your card number is incorrect. Only test cards work here."
    if problem := _expiry_problem(entry.expiry, datetime.fromtimestamp(now, UTC)):
        problems["expiry"] = problem
    if not _CVC.match(entry.cvc):
        problems["cvc"] = "Your card's security code is incomplete."
    return problems


def _expiry_problem(written: str, today: datetime) -> str | None:
    match = _EXPIRY.match(written)
    if match is None or not 1 <= int(match[1]) <= 12:
        return "Your card's expiration date is incomplete. Write it as MM / YY."
    year = int(match[2]) + (2000 if len(match[2]) == 2 else 0)
    if (year, int(match[1])) < (today.year, today.month):
        return "Your card's expiration date is in the past."
    return None
