"""One flow for every change: state it exactly, do it once, then tell what is true.

A noun's module says how its change is called (`Change`) and how it is done; here it is confirmed, sent
with its key, and answered with the provider's sentence when it was refused. Nothing is shown as done
before it is: after a success the row is read again and tells its state itself (`Told`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from overseer_payment.cards.addresses import Address
from overseer_payment.cards.forms import MAX_BODY, key_of, new_key, read_form
from overseer_payment.cards.frame import frame_of, view
from overseer_payment.cards.render import PRIVATE
from overseer_payment.cards.words import Tone
from overseer_payment.errors import DatabaseError, DatabaseReadOnly, OutcomeUnknown, PaymentError

if TYPE_CHECKING:
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit

AGAIN = "again"
"""A field of forms that send again what has no known outcome yet."""
RowT = TypeVar("RowT")
Fields = Mapping[str, str]
Do = Callable[[Fields, str], Awaitable["str | View"]]
"""Makes the change from the form's fields and its idempotency key; answers where its result is shown.

Or the result itself, where it may not be kept: a link that lets its holder in.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One kind of change of one row: its words, and the addresses around it."""

    title: str
    """The drawer's heading: "Refund"."""
    tab: str
    list_text: str
    row: str
    """Address of the row that is changed."""
    row_text: str
    action: str
    """Where the form is sent."""
    keep: str
    """The way out of the confirmation: "Keep the payment"."""
    nothing: str
    """Said when nothing happened: "Nothing was refunded"."""
    unknown: str
    """Said when it may have happened: "We don't know yet whether it was refunded"."""
    done: str = ""
    """Where what became of it is told, unless that is known only once it is made."""
    again: str = "Try the same again"


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of what is about to happen."""

    label: str
    value: str | Markup
    note: str | Markup = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person is asked before the change: the exact consequence, and the button that means it."""

    text: str
    button: str
    progress: str
    consequence: str
    facts: Sequence[Fact] = ()
    livemode: bool
    moves_money: bool = True
    danger: bool = False
    """Is it something that can't be taken back and takes something away?"""
    fields: Fields
    """What the form carries, beside its key."""
    typed: str = ""
    """A word that has to be typed before it can be sent, as the field `typed`."""


@dataclass(frozen=True, slots=True)
class Told:
    """What has become of a change, as the ledger has it now."""

    tone: Tone
    text: str


@dataclass(frozen=True, slots=True)
class Slip:
    """What is wrong with what was typed: in which form, in which field, and all that was typed."""

    form: str
    text: str
    typed: Fields
    field: str = ""


async def confirm(seen: Visit, change: Change, question: Question) -> View:
    """State the change and what it means. Changes nothing; each look has a key of its own."""
    return view(
        seen,
        "confirm.html",
        title=change.title,
        frame=await frame_of(seen, change.tab),
        change=change,
        question=question,
        key=new_key(),
        csrf=seen.host.csrf_token(seen.request),
    )


async def carry_out(seen: Visit, change: Change, do: Do, *, limit: int = MAX_BODY) -> View | Response:
    """Send the change once and lead to where its true state is told; or say why it was refused.

    A second click carries the same key and so means the same change. Forms hold at most `limit` bytes.
    """
    fields = await read_form(seen.host, seen.request, limit=limit)
    key = key_of(fields)
    try:
        shown = await do(fields, key)
    except PaymentError as error:
        return await _refused(seen, change, error, fields, key)
    return RedirectResponse(shown, 303, PRIVATE) if isinstance(shown, str) else shown


@dataclass(frozen=True, slots=True)
class Deed(Generic[RowT]):
    """One kind of change of one row, whole: it is found, asked about, done, and leads to what became of it.

    `ask` raises Conflict where there is nothing to confirm. `do` answers nothing, or what is shown this once.
    """

    find: Callable[[Visit], Awaitable[RowT]]
    change: Callable[[Visit, RowT], Change]
    ask: Callable[[Visit, RowT], Question]
    do: Callable[[Visit, RowT, Fields, str], Awaitable[View | None]]

    def at(self, path: str, permission: str) -> Address:
        """Its address: a link states it, the form that is sent there does it."""
        return Address(path, self._confirm, permission, self._carry_out)

    async def _confirm(self, seen: Visit) -> View:
        row = await self.find(seen)
        question = self.ask(seen, row)
        return await confirm(seen, self.change(seen, row), question)

    async def _carry_out(self, seen: Visit) -> View | Response:
        row = await self.find(seen)
        change = self.change(seen, row)

        async def do(fields: Fields, key: str) -> str | View:
            return await self.do(seen, row, fields, key) or change.done

        return await carry_out(seen, change, do)


async def _refused(seen: Visit, change: Change, error: PaymentError, fields: Fields, key: str) -> View:
    """What the provider or the ledger said. The same key stays in the form when sending it again is right."""
    # Of a first try a database that takes no writes says that nothing was sent; of another it says nothing.
    stopped = isinstance(error, DatabaseReadOnly) and AGAIN not in fields
    return view(
        seen,
        "refused.html",
        title=change.title,
        http_status=error.status,
        frame=await frame_of(seen, change.tab),
        change=change,
        error=error,
        fields={name: value for name, value in fields.items() if name not in {"key", "csrf_token", AGAIN}},
        again=AGAIN,
        key=key,
        csrf=seen.host.csrf_token(seen.request),
        unknown=isinstance(error, OutcomeUnknown | DatabaseError) and not stopped,
        retry=error.status == 503 or isinstance(error, OutcomeUnknown),
    )
