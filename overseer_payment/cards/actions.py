"""The Actions tab: open a checkout for a price of the catalogue, in two clicks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from overseer_payment.cards.addresses import Address
from overseer_payment.cards.forms import key_of, new_key, read_form
from overseer_payment.cards.frame import frame_of, view
from overseer_payment.cards.web import web
from overseer_payment.errors import Invalid, PaymentError
from overseer_payment.provider import Capability, CheckoutMode
from overseer_payment.schemas import CheckoutBody

if TYPE_CHECKING:
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit
    from overseer_payment.schemas import Catalog, PriceRow

_NEEDS = {
    CheckoutMode.PAYMENT: Capability.CHECKOUT_PAYMENT,
    CheckoutMode.SUBSCRIPTION: Capability.CHECKOUT_SUBSCRIPTION,
}

_PATIENCE = 5.0  # seconds that the page waits for the provider

SIMULATIONS = (
    ("decline", "Decline a card", "A buyer's bank refuses the payment."),
    ("dispute", "Dispute a payment", "A bank takes the latest payment back until you answer."),
    ("settle", "Settle bank debits", "Pending debits arrive or fail now instead of in three days."),
    ("month", "Let a month pass", "Subscriptions renew, end or fail to pay, and deadlines run out, now."),
)
"""What a demo can let happen: key, button, consequence."""


@dataclass(frozen=True, slots=True)
class Product:
    """One product with the prices that this provider can open a checkout for."""

    name: str
    prices: list[PriceRow]


async def actions(seen: Visit) -> View:
    """The catalogue with a button for each price. A failing catalogue is a sentence, not a failing page."""
    return await _actions(seen)


async def simulate(seen: Visit) -> View:
    """In a demo: let a decline, a dispute or the banks' answer happen, and tell what did."""
    from overseer_payment import demo

    await read_form(seen.host, seen.request)
    return await _actions(seen, told=await demo.simulate(seen.host, str(seen.request.path_params["what"])))


async def _actions(seen: Visit, *, told: str | None = None) -> View:
    from overseer_payment import demo

    frame = await frame_of(seen, "actions")
    well = frame.status is not None and frame.status.healthy
    # Of a provider that is known not to answer, what was read before is shown at once.
    catalog, problem = await _catalog(seen, patience=_PATIENCE if well else 0.0)
    return view(
        seen,
        "actions.html",
        told=told,
        simulations=SIMULATIONS if demo.is_demo(seen.host) else (),
        title="Actions",
        frame=frame,
        catalog=catalog,
        products=_products(seen, catalog),
        problem=problem,
        key=new_key(),
        csrf=seen.host.csrf_token(seen.request),
    )


async def open_checkout(seen: Visit) -> View:
    """Create the checkout, then lead to the provider's page by a link.

    Not by a redirect: `form-action 'self'` makes browsers refuse one that leaves the site.
    """
    fields = await read_form(seen.host, seen.request)
    key, catalog = key_of(fields), await seen.payments.catalog(seen.viewer)
    price = next((price for price in catalog.prices if price.id == fields.get("price_id")), None)
    if price is None:
        raise Invalid("The catalogue has no such price any more. Open the Actions tab again.")
    body = CheckoutBody(price_id=price.id, mode=_mode(price), provider=catalog.provider)
    # One shown page has one key and many buttons: the price makes it the key of this button.
    made = await seen.payments.create_checkout(seen.viewer, body, idempotency_key=f"{key}-{price.id}"[:255])
    return view(
        seen,
        "checkout.html",
        title="Checkout",
        frame=await frame_of(seen, "actions"),
        price=price,
        provider=catalog.provider,
        url=web(made.checkout_url),
        session_id=made.session_id,
    )


async def _catalog(seen: Visit, *, patience: float) -> tuple[Catalog | None, PaymentError | None]:
    try:
        return await seen.payments.catalog(seen.viewer, patience=patience), None
    except PaymentError as error:
        return None, error


def _products(seen: Visit, catalog: Catalog | None) -> list[Product]:
    grouped: dict[str, Product] = {}
    for price in catalog.prices if catalog else ():
        if catalog and seen.can(catalog.provider, _NEEDS[_mode(price)]):
            grouped.setdefault(price.product_id, Product(price.product_name, [])).prices.append(price)
    return list(grouped.values())


def _mode(price: PriceRow) -> CheckoutMode:
    return CheckoutMode.SUBSCRIPTION if price.interval else CheckoutMode.PAYMENT


PAGES = (
    Address("/payment/modal/actions", actions, "payment.manage"),
    Address("/payment/actions/simulate/{what}", None, "payment.manage", simulate),
    Address("/payment/actions/checkout", None, "payment.manage", open_checkout),
)
