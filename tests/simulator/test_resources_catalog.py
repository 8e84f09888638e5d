"""Products, prices and customers: stored, changed, listed and refused as Stripe does."""

from __future__ import annotations

import pytest
import stripe

from overseer_payment.simulator import World
from overseer_payment.simulator.scenario import offer
from tests.simulator.resources_kit import logged, refusal

pytestmark = pytest.mark.anyio


async def test_a_product_comes_with_its_default_price(world: World, sdk: stripe.StripeClient) -> None:
    """`default_price_data` makes a price of the product and names it there."""
    with logged(world) as log:
        product = await sdk.v1.products.create_async(
            {
                "name": "Pro",
                "default_price_data": {
                    "currency": "usd",
                    "unit_amount": 2000,
                    "recurring": {"interval": "month"},
                },
                "expand": ["default_price"],
            }
        )
    price = product.default_price
    assert isinstance(price, stripe.Price)
    assert (price.unit_amount, price.type, price.product) == (2000, "recurring", product.id)
    assert log == ["product.created", "price.created"]


async def test_an_update_tells_only_what_changed(world: World, sdk: stripe.StripeClient) -> None:
    """`previous_attributes` holds the old values of the changed fields and nothing else."""
    product = await sdk.v1.products.create_async({"name": "Pro", "metadata": {"a": "1", "b": "2"}})
    world.clock.advance(60)
    await sdk.v1.products.update_async(product.id, {"name": "Plus", "metadata": {"a": "", "c": "3"}})
    event = world.events[-1]
    assert event["type"] == "product.updated"
    assert event["data"]["object"]["metadata"] == {"b": "2", "c": "3"}
    previous = event["data"]["previous_attributes"]
    assert previous["name"] == "Pro"
    assert set(previous) == {"name", "metadata", "updated"}


async def test_a_product_with_prices_stays(world: World, sdk: stripe.StripeClient) -> None:
    """Deleting a product that has a price is refused; one without any goes and leaves a note."""
    price = offer(world, "Poster", 2400)
    with pytest.raises(stripe.InvalidRequestError):
        await sdk.v1.products.delete_async(price["product"])
    bare = await sdk.v1.products.create_async({"name": "Bare"})
    assert (await sdk.v1.products.delete_async(bare.id)).deleted is True


async def test_a_lookup_key_belongs_to_one_price(world: World, sdk: stripe.StripeClient) -> None:
    """A second price with the same key is refused unless the key is transferred."""
    first = offer(world, "Poster", 2400)
    await sdk.v1.prices.update_async(first["id"], {"lookup_key": "poster"})
    again: stripe.params.PriceCreateParams = {
        "product": first["product"],
        "currency": "usd",
        "unit_amount": 2600,
        "lookup_key": "poster",
    }
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.prices.create_async(again)
    assert refusal(caught) == ("resource_already_exists", "lookup_key")
    moved = await sdk.v1.prices.create_async({**again, "transfer_lookup_key": True})
    found = await sdk.v1.prices.list_async({"lookup_keys": ["poster"]})
    assert [price.id for price in found.data] == [moved.id]


async def test_prices_are_found_by_what_they_are(world: World, sdk: stripe.StripeClient) -> None:
    """Lists filter by currency, type, activity and interval."""
    poster = offer(world, "Poster", 2400)
    monthly = offer(world, "Pro", 2000, interval="month")
    offer(world, "Sticker", 900, "jpy")
    await sdk.v1.prices.update_async(poster["id"], {"active": False})
    active = await sdk.v1.prices.list_async({"active": True, "currency": "usd"})
    assert [price.id for price in active.data] == [monthly["id"]]
    recurring = await sdk.v1.prices.list_async({"recurring": {"interval": "month"}})
    assert [price.id for price in recurring.data] == [monthly["id"]]


@pytest.mark.parametrize("currency", ["xyz", "us"])
async def test_an_unknown_currency_is_refused(world: World, sdk: stripe.StripeClient, currency: str) -> None:
    """A currency that Stripe does not list is an error about that parameter."""
    product = offer(world, "Poster", 2400)["product"]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.prices.create_async({"product": product, "currency": currency, "unit_amount": 1})
    assert "Invalid currency" in str(caught.value)


async def test_customers_are_found_by_email_and_gone_when_deleted(
    world: World, sdk: stripe.StripeClient
) -> None:
    """The filter is exact; a deleted customer leaves lists, is marked where it is read, and can't be used."""
    kept = await sdk.v1.customers.create_async({"email": "ada@example.com"})
    gone = await sdk.v1.customers.create_async({"email": "ada@example.com"})
    await sdk.v1.customers.delete_async(gone.id)
    found = await sdk.v1.customers.list_async({"email": "ada@example.com"})
    assert [customer.id for customer in found.data] == [kept.id]
    assert (await sdk.v1.customers.retrieve_async(gone.id)).deleted is True
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.customers.update_async(gone.id, {"name": "Ada"})
    assert refusal(caught)[0] == "resource_missing"


async def test_a_test_method_that_is_also_the_default_is_one_method(
    world: World, sdk: stripe.StripeClient
) -> None:
    """`pm_card_visa` as payment method and as default names one and the same new card."""
    customer = await sdk.v1.customers.create_async(
        {
            "email": "ada@example.com",
            "payment_method": "pm_card_visa",
            "invoice_settings": {"default_payment_method": "pm_card_visa"},
        }
    )
    methods = await sdk.v1.payment_methods.list_async({"customer": customer.id})
    assert [method.id for method in methods.data] == [customer.invoice_settings.default_payment_method]  # type: ignore[union-attr]  # it was just set
    assert methods.data[0].card is not None
    assert methods.data[0].card.last4 == "4242"


async def test_deleting_a_customer_ends_its_subscriptions(world: World, sdk: stripe.StripeClient) -> None:
    """The subscription is canceled first, then the customer is deleted."""
    from overseer_payment.simulator.scenario import subscribe

    subscription = subscribe(world, offer(world, "Pro", 2000, interval="month"))
    with logged(world) as log:
        await sdk.v1.customers.delete_async(subscription["customer"])
    assert log[-2:] == ["customer.subscription.deleted", "customer.deleted"]
    assert subscription["status"] == "canceled"


async def test_the_account_says_who_it_is(world: World, sdk: stripe.StripeClient) -> None:
    """`GET /v1/account` answers the account of the key, with the merchant's name."""
    world.settings["merchant"] = "Poster Shop"
    account = await sdk.v1.accounts.retrieve_current_async()
    assert (account.id, account.charges_enabled) == (world.account, True)
    assert account.business_profile is not None
    assert account.business_profile.name == "Poster Shop"
