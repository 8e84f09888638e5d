"""`payment checkout`: open a hosted checkout."""

from __future__ import annotations

from datetime import datetime

import click

from overseer_payment.cli.payment.options import CHECKOUT_MODES, build, command, json_option, key_option


def _pairs(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    for value in values:
        if "=" not in value:
            raise click.BadParameter(f"{value!r} is not NAME=VALUE.")
    return dict(value.split("=", 1) for value in values)


@click.command()
@click.option("--price", metavar="ID", help="What to sell: a price's id, as `payment catalog` lists it.")
@click.option("--mode", type=click.Choice(CHECKOUT_MODES), default="payment", show_default=True)
@click.option("--quantity", type=click.IntRange(1, 999_999), default=1, show_default=True)
@click.option("--customer", metavar="ID", help="For this customer, by our id or the provider's.")
@click.option(
    "--trial-days", type=click.IntRange(1, 730), help="Days before the first payment (subscription)."
)
@click.option("--currency", metavar="CODE", help="Needed in setup mode; otherwise one of the price's others.")
@click.option("--email", metavar="ADDRESS", help="Of a buyer without a customer: fills in the page.")
@click.option("--create-customer", is_flag=True, help="Make a customer of a buyer who has none.")
@click.option("--discount", metavar="ID", help="A coupon's id at the provider.")
@click.option("--promotion-code", metavar="ID", help="A promotion code's id at the provider.")
@click.option("--allow-promotion-codes", is_flag=True, help="Let the buyer type a code.")
@click.option("--tax/--no-tax", "tax", default=None, help="Compute tax. Default: PAYMENT_AUTOMATIC_TAX.")
@click.option("--collect-tax-id", is_flag=True, help="Ask businesses for their tax id.")
@click.option(
    "--expires", type=click.DateTime(), metavar="MOMENT", help="When the page closes (UTC). Default: late."
)
@click.option("--allow-second", is_flag=True, help="Also for who has a live subscription to it already.")
@click.option("--success-url", metavar="URL", help="Where the buyer lands after paying.")
@click.option("--cancel-url", metavar="URL", help="Where the buyer lands after giving up.")
@click.option(
    "--metadata", metavar="NAME=VALUE", multiple=True, callback=_pairs, help="Stored with it; repeatable."
)
@click.option("--provider", metavar="KEY", help="With this provider instead of the default one.")
@key_option
@json_option
def checkout(
    price: str | None,
    mode: str,
    quantity: int,
    customer: str | None,
    trial_days: int | None,
    currency: str | None,
    email: str | None,
    create_customer: bool,
    discount: str | None,
    promotion_code: str | None,
    allow_promotion_codes: bool,
    tax: bool | None,
    collect_tax_id: bool,
    expires: datetime | None,
    allow_second: bool,
    success_url: str | None,
    cancel_url: str | None,
    metadata: dict[str, str],
    provider: str | None,
    idempotency_key: str | None,
    as_json: bool,
) -> None:
    """Open a hosted checkout and print the address to send the buyer to.

    \b
    payment checkout --price price_123
    payment checkout --price price_123 --mode subscription --trial-days 14
    payment checkout --price price_123 --currency jpy --allow-promotion-codes
    payment checkout --mode setup --currency eur
    """
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.schemas import CheckoutBody

    _check(price, mode, trial_days, currency)
    body = build(
        CheckoutBody,
        price_id=price,
        mode=mode,
        quantity=quantity,
        customer_id=customer,
        trial_period_days=trial_days,
        currency=currency,
        customer_email=email,
        create_customer=create_customer,
        discount=discount,
        promotion_code=promotion_code,
        allow_promotion_codes=allow_promotion_codes,
        automatic_tax=tax,
        collect_tax_id=collect_tax_id,
        expires_at=expires,
        allow_second=allow_second,
        success_url=success_url,
        cancel_url=cancel_url,
        metadata=metadata,
        provider=provider,
    )
    with session() as desk:
        created = desk.run(desk.payments.create_checkout(desk.viewer, body, idempotency_key=idempotency_key))
    if as_json:
        output.write_json(created)
        return
    output.note(f"Checkout {created.session_id} is open. Send the buyer to:")
    click.echo(created.checkout_url)


@click.command()
@click.argument("session_id")
@key_option
@json_option
def expire(session_id: str, idempotency_key: str | None, as_json: bool) -> None:
    """Close an open checkout, so that nobody pays it any more. SESSION_ID is what `checkout` answered."""
    from overseer_payment.asking import checkouts
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session

    with session() as desk:
        closing = checkouts.expire(desk.payments, desk.viewer, session_id, idempotency_key=idempotency_key)
        row = desk.run(closing)
    if as_json:
        output.write_json(row)
    else:
        output.line(f"Checkout {row.session_id} is {row.status}.")


def _check(price: str | None, mode: str, trial_days: int | None, currency: str | None) -> None:
    if mode == "setup" and not currency:
        raise click.UsageError("--mode setup needs --currency.")
    if mode != "setup" and not price:
        raise click.UsageError(f"--mode {mode} needs --price. List prices: {command('catalog')}")
    if mode != "subscription" and trial_days:
        raise click.UsageError("--trial-days needs --mode subscription.")
