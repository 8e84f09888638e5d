"""Whose a customer is, and their portal: each stated before it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from overseer_payment.asking import customers as asking
from overseer_payment.asking import portal
from overseer_payment.cards.flows import Change, Deed, Fact, Fields, Question, Told
from overseer_payment.cards.frame import frame_of, view
from overseer_payment.cards.offering import MANAGES, offers
from overseer_payment.cards.subscription_offers import ENDED
from overseer_payment.cards.web import web
from overseer_payment.errors import Conflict, Invalid
from overseer_payment.provider import Capability
from overseer_payment.schemas import LinkBody, PortalBody

if TYPE_CHECKING:
    from overseer_payment.cards.frame import Frame
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit
    from overseer_payment.schemas import CustomerDetail

HERE, EVERYWHERE = "here", "everywhere"


@dataclass(frozen=True, slots=True)
class Offer:
    """What this viewer may do with a customer as they stand."""

    link: bool = False
    unlink: bool = False
    portal: bool = False
    erase: tuple[tuple[str, str], ...] = ()
    """(value, words) of where they can be erased."""

    @property
    def any(self) -> bool:
        """Is there anything to be done?"""
        return bool(self.link or self.unlink or self.portal or self.erase)


def offer_of(seen: Visit, frame: Frame, row: CustomerDetail) -> Offer:
    """The ways on that the customer's state, the provider and the viewer's permissions leave open."""
    if not seen.may(MANAGES):
        return Offer()
    gone = row.deleted or row.erased_at is not None
    return Offer(
        link=row.user_id is None and not gone,
        unlink=row.user_id is not None,
        portal=not gone and offers(seen, frame, row.provider, Capability.PORTAL),
        erase=() if row.erased_at else _erasures(seen, frame, row),
    )


def _erasures(seen: Visit, frame: Frame, row: CustomerDetail) -> tuple[tuple[str, str], ...]:
    here = (HERE, "Here only; the provider keeps them")
    if row.deleted or not offers(seen, frame, row.provider, Capability.CUSTOMER_DELETE):
        return (here,)
    return here, (EVERYWHERE, "Here and at the provider, which ends their subscriptions")


async def found(seen: Visit) -> CustomerDetail:
    """The customer that the address names. Raises NotFound."""
    return await seen.payments.customer(seen.viewer, str(seen.request.path_params["id"]))


def told(seen: Visit, row: CustomerDetail) -> Told | None:
    """What became of what was just done, by how the customer stands now."""
    match seen.request.query_params.get("done"):
        case "link" if row.user_id:
            return Told("ok", f"Linked to the user {row.user_id}, who sees these payments now.")
        case "unlink" if row.user_id is None:
            return Told("ok", "Not linked to anybody any more.")
        case "erase" if row.erased_at and row.deleted:
            return Told("ok", "Erased here, and deleted at the provider.")
        case "erase" if row.erased_at:
            return Told("ok", "Erased here. The provider still knows them.")
    return None


def name_of(row: CustomerDetail) -> str:
    """What to call them."""
    return row.name or row.email or f"Customer {row.id}"


def facts(seen: Visit, row: CustomerDetail) -> list[Fact]:
    """Whom it is about, and what depends on them."""
    worth = [seen.fmt.money(value.net, value.currency, row.provider) for value in row.value]
    running = sum(one.status not in ENDED for one in row.subscriptions)
    return [
        Fact("Customer", name_of(row), row.email if row.name and row.email else ""),
        Fact("Lifetime", ", ".join(worth) or "Nothing paid yet"),
        Fact("Running", f"{running} subscription{'' if running == 1 else 's'}"),
    ]


def change_of(what: str, title: str, nothing: str) -> Callable[[Visit, CustomerDetail], Change]:
    """The words around one kind of change of one customer."""

    def change(seen: Visit, row: CustomerDetail) -> Change:
        return Change(
            title=title,
            tab="customers",
            list_text="All customers",
            row=seen.links.customer(row.id),
            row_text="Customer",
            action=seen.links.customer(row.id, what),
            keep="Leave it as it is",
            nothing=nothing,
            unknown="We don’t know yet whether it was done",
            done=seen.links.customer(row.id, done=what),
        )

    return change


# -- whose it is --------------------------------------------------------------------------------------


def _linking(seen: Visit, row: CustomerDetail) -> Question:
    """Who would see what. Raises Invalid for an id that can't be one, Conflict where it is taken."""
    user = _user(seen.request.query_params.get("user_id", ""))
    if row.user_id not in (None, user):
        raise Conflict("This customer is linked to another user. Unlink it first.")
    return Question(
        text=f"Link them to the user {user}?",
        button="Link them",
        progress="Linking…",
        consequence=f"The user {user} of this application sees this customer’s payments, subscriptions and "
        "invoices from now on, and pays as this customer.",
        facts=facts(seen, row),
        livemode=row.livemode,
        moves_money=False,
        fields={"user_id": user},
    )


def _user(typed: str) -> str:
    try:
        return LinkBody(user_id=typed.strip()).user_id
    except ValidationError:
        raise Invalid("Type the user’s id, as this application knows it.") from None


async def _link(seen: Visit, row: CustomerDetail, fields: Fields, key: str) -> None:
    user = _user(fields.get("user_id", ""))
    await asking.link(seen.payments, seen.viewer, str(row.id), user, idempotency_key=key)


def _unlinking(seen: Visit, row: CustomerDetail) -> Question:
    """What the user loses. Raises Conflict where nobody is linked."""
    if row.user_id is None:
        raise Conflict("This customer is not linked to anybody.")
    return Question(
        text=f"Take them from the user {row.user_id}?",
        button="Unlink them",
        progress="Unlinking…",
        consequence=f"The user {row.user_id} does not see these payments any more, and is a new customer at "
        "the next checkout. Nothing changes at the provider.",
        facts=facts(seen, row),
        livemode=row.livemode,
        moves_money=False,
        fields={},
    )


async def _unlink(seen: Visit, row: CustomerDetail, _: Fields, key: str) -> None:
    await asking.unlink(seen.payments, seen.viewer, str(row.id), idempotency_key=key)


# -- their portal -------------------------------------------------------------------------------------


def _opening(seen: Visit, row: CustomerDetail) -> Question:
    """What whoever has the link can do."""
    return Question(
        text="Make a link to their portal?",
        button="Make the link",
        progress="Making it…",
        consequence="Whoever has the link acts as this customer until it runs out: sees invoices, changes "
        "cards, ends subscriptions. Hand it to nobody else. That you made it is written down, not the link.",
        facts=facts(seen, row),
        livemode=row.livemode,
        moves_money=False,
        fields={},
    )


async def _open(seen: Visit, row: CustomerDetail, _: Fields, __: str) -> View:
    """Make the link and show it, once."""
    made = await portal.open_portal(seen.payments, seen.viewer, str(row.id), PortalBody())
    change, frame = PORTAL.change(seen, row), await frame_of(seen, "customers")
    return view(
        seen, "portal.html", title=change.title, frame=frame, change=change, row=row, url=web(made.url)
    )


LINK = Deed(found, change_of("link", "Link to a user", "Nobody was linked"), _linking, _link)
UNLINK = Deed(found, change_of("unlink", "Unlink", "Nobody was unlinked"), _unlinking, _unlink)
PORTAL = Deed(found, change_of("portal", "Portal link", "No link was made"), _opening, _open)
PAGES = (
    LINK.at("/payment/customers/{id}/link", MANAGES),
    UNLINK.at("/payment/customers/{id}/unlink", MANAGES),
    PORTAL.at("/payment/customers/{id}/portal", MANAGES),
)
