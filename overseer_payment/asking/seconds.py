"""The guard against a second subscription by mistake: one that a customer has already is not sold again."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, or_, select

from overseer_payment import tables
from overseer_payment.committing import queried
from overseer_payment.errors import Conflict, PaymentError
from overseer_payment.faults import describe
from overseer_payment.ledger import accounts
from overseer_payment.ledger.accounts import Account
from overseer_payment.provider import Kind, PriceSnapshot, Ref, SubscriptionStatus

if TYPE_CHECKING:
    from overseer_payment.service import Payments

log = logging.getLogger("overseer_payment.checkouts")

OFF, PRODUCT, ANY = "off", "product", "any"
"""What PAYMENT_ONE_SUBSCRIPTION may say."""

_PATIENCE = 5.0
_LIVE = tuple(
    status.value
    for status in (
        SubscriptionStatus.TRIALING,
        SubscriptionStatus.ACTIVE,
        SubscriptionStatus.PAST_DUE,
        SubscriptionStatus.UNPAID,
        SubscriptionStatus.PAUSED,
    )
)
_price, _subscription, _customer = tables.price.c, tables.subscription.c, tables.customer.c


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer is about to subscribe to. `product` is None where nobody knows it."""

    customer: str
    price: str
    product: str | None
    any_at_all: bool


async def wish(payments: Payments, account: Account, customer: str, price: str) -> Wish | None:
    """What has to be compared; None where the operator wants no guard. May ask the provider."""
    rule = payments.settings.one_subscription
    if rule == OFF:
        return None
    product = None if rule == ANY else await _product(payments, account, price)
    return Wish(customer, price, product, rule == ANY)


async def _product(payments: Payments, account: Account, price: str) -> str | None:
    """The product of a price: as we know it, else as the provider tells."""
    known = await queried(payments.engine, _known, account, price)
    if known is not None:
        return known
    try:
        async with asyncio.timeout(_PATIENCE):
            found = await payments.registry.get(account.provider).fetch(Ref(Kind.PRICE, price))
    except (TimeoutError, PaymentError) as error:
        # Then the price itself is compared; what is wrong with it the checkout will tell.
        log.info("the product of %s is not known: %s", price, describe(error))
        return None
    return next((one.product for one in found if isinstance(one, PriceSnapshot)), None)


def _known(connection: Connection, account: Account, price: str) -> str | None:
    query = select(_price.product_ref).where(
        _price.account_id == accounts.known(connection).get(account), _price.provider_price_id == price
    )
    return connection.execute(query).scalar_one_or_none()


def require_first(connection: Connection, account_id: int, wish: Wish) -> None:
    """Raises Conflict `already_subscribed` for what the customer, or their user, subscribes to already."""
    for id, items in connection.execute(_living(account_id, wish.customer)):
        if wish.any_at_all or any(_is_same(item, wish) for item in json.loads(items)):
            raise Conflict(
                f"This customer has a live subscription to it already ({id}). "
                "To sell another one on purpose, send allow_second.",
                code="already_subscribed",
            )


def _living(account_id: int, customer: str) -> Select[Any]:
    """Live subscriptions of the customer, and of every other customer of the same user."""
    mine = (_customer.account_id == account_id) & (_customer.provider_customer_id == customer)
    user = select(_customer.user_id).where(mine, _customer.user_id.is_not(None)).scalar_subquery()
    theirs = select(_customer.id).where(
        _customer.account_id == account_id,
        or_(_customer.provider_customer_id == customer, _customer.user_id == user),
    )
    return select(_subscription.provider_subscription_id, _subscription["items"]).where(
        _subscription.customer_id.in_(theirs), _subscription.status.in_(_LIVE)
    )


def _is_same(item: dict[str, str], wish: Wish) -> bool:
    if wish.product is not None:
        return item.get("product_id") == wish.product
    return item.get("price_id") == wish.price
