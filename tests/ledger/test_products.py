"""What subscriptions are of: a product's name is one fact, told by one object."""

from __future__ import annotations

from sqlalchemy import Connection

from overseer_payment.provider import SubscriptionItem, SubscriptionStatus
from tests.ledger.telling import Ledger, every_order, product, subscription

ACTIVE = SubscriptionStatus.ACTIVE


def _item(id: str = "si_1", *, of: str | None = "prod_1", name: str | None = None) -> SubscriptionItem:
    return SubscriptionItem(id=id, price="price_1", product=of, name=name, amount=500, interval="month")


def _plan(ledger: Ledger) -> str | None:
    name: str | None = ledger.row("subscription", "sub_1")["plan_name"]
    return name


def test_a_subscription_has_its_products_name_whichever_is_told_first(fresh: Connection) -> None:
    """Created, renamed and subscribed to, in any order: the newest name stands, and nothing is wanted."""
    told = [product(1, name="Team"), product(9, name="Crew"), subscription(5, ACTIVE, items=(_item(),))]
    for ledger in every_order(fresh, told):
        assert _plan(ledger) == "Crew"
        assert "prod_1" not in ledger.wanted


def test_an_unknown_product_is_wanted_once_for_all_who_name_it(ledger: Ledger) -> None:
    """Two subscriptions of one product make one want, which the product's own word ends."""
    ledger.tell(subscription(5, ACTIVE, items=(_item(),)))
    ledger.tell(subscription(6, ACTIVE, "sub_2", items=(_item("si_2"), _item("si_3", of="prod_2"))))
    assert (ledger.wanted["prod_1"], ledger.wanted["prod_2"]) == ("unknown", "unknown")
    assert (_plan(ledger), ledger.has("product", "prod_1")) == (None, False)
    ledger.tell(product(9, read=True))
    assert ledger.wanted.keys() & {"prod_1", "prod_2"} == {"prod_2"}


def test_what_the_item_says_of_itself_stands_in_for_the_product(ledger: Ledger) -> None:
    """A price's own name is shown until the product's is known; a provider without products has no more."""
    ledger.tell(subscription(5, ACTIVE, items=(_item(name="Monthly"), _item("si_2", of=None, name="Seats"))))
    assert _plan(ledger) == "Monthly + Seats"
    ledger.tell(product(6))
    assert _plan(ledger) == "Team + Seats"


def test_a_deleted_product_stays_deleted(fresh: Connection) -> None:
    """A late word of a product that was deleted in the same second doesn't bring it back."""
    for ledger in every_order(fresh, [product(5), product(5, deleted=True, active=False)]):
        row = ledger.row("product", "prod_1")
        assert (row["deleted"], row["active"]) == (True, False)
