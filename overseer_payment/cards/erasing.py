"""Taking a person out of the books: what goes and what stays is stated, and a word has to be typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.asking import customers as asking
from overseer_payment.cards.flows import Deed, Fields, Question
from overseer_payment.cards.offering import MANAGES
from overseer_payment.cards.people import EVERYWHERE, HERE, change_of, facts, found, name_of
from overseer_payment.cards.subscription_offers import ENDED
from overseer_payment.errors import Conflict, Invalid
from overseer_payment.schemas import EraseBody

if TYPE_CHECKING:
    from overseer_payment.cards.visit import Visit
    from overseer_payment.schemas import CustomerDetail

_WORD = "erase"


def _erasing(seen: Visit, row: CustomerDetail) -> Question:
    """What goes and what stays; the button works only with the word typed."""
    if row.erased_at is not None:
        raise Conflict("This customer is erased already.")
    everywhere = _everywhere(seen.request.query_params.get("where", HERE))
    return Question(
        text=f"Erase {name_of(row)} for good?",
        button="Erase this person",
        progress="Erasing…",
        consequence="Name, e-mail, user, free texts, card digits and the provider’s raw data are taken out "
        "of every row, stored event and request here. Sums, moments and ids stay: the books read as before. "
        f"There is no way back.{_there(row) if everywhere else ' The provider still knows them.'}",
        facts=facts(seen, row),
        livemode=row.livemode,
        moves_money=False,
        danger=True,
        fields={"where": EVERYWHERE if everywhere else HERE},
        typed=_WORD,
    )


def _everywhere(where: str) -> bool:
    if where not in {HERE, EVERYWHERE}:
        raise Invalid("Choose where they are to be erased.")
    return where == EVERYWHERE


def _there(row: CustomerDetail) -> str:
    running = sum(one.status not in ENDED for one in row.subscriptions)
    if not running:
        return " They are deleted at the provider as well."
    many = "a running subscription ends" if running == 1 else f"{running} running subscriptions end"
    return f" They are deleted at the provider as well, and {many} there at once."


async def _erase(seen: Visit, row: CustomerDetail, fields: Fields, key: str) -> None:
    if fields.get("typed", "").strip().lower() != _WORD:
        raise Invalid(f"Nobody was erased: the word “{_WORD}” was not typed.")
    body = EraseBody(at_provider=_everywhere(fields.get("where", "")))
    await asking.erase(seen.payments, seen.viewer, str(row.id), body, idempotency_key=key)


ERASE = Deed(found, change_of("erase", "Erase", "The request was not carried out"), _erasing, _erase)
PAGES = (ERASE.at("/payment/customers/{id}/erase", MANAGES),)
