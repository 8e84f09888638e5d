"""`payment checkout`: open a hosted checkout."""

from __future__ import annotations

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
@click.option("--currency", metavar="CODE", help="Needed in setup mode; otherwise the price's own.")
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


def _check(price: str | None, mode: str, trial_days: int | None, currency: str | None) -> None:
    if mode == "setup" and not currency:
        raise click.UsageError("--mode setup needs --currency.")
    if mode != "setup" and not price:
        raise click.UsageError(f"--mode {mode} needs --price. List prices: {command('catalog')}")
    if mode != "subscription" and trial_days:
        raise click.UsageError("--trial-days needs --mode subscription.")
