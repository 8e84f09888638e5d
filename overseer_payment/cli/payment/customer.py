"""`payment customer …` and `payment portal`: one customer, and what can be done about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from overseer_payment.cli.payment.options import build, json_option, key_option

if TYPE_CHECKING:
    from overseer_payment.cli.output import Cell
    from overseer_payment.cli.words import Amounts
    from overseer_payment.schemas import CustomerDetail


class _ShownByDefault(click.Group):
    """`payment customer 17` is `payment customer show 17`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = args[0] in self.commands or args[0].startswith("-")
        return super().resolve_command(ctx, args if known else ["show", *args])


@click.group(cls=_ShownByDefault, context_settings={"help_option_names": ["-h", "--help"]})
def customer() -> None:
    """One customer. `payment customer ID` shows it; ID is ours or the provider's (cus_…)."""


@customer.command()
@click.argument("id")
@json_option
def show(id: str, as_json: bool) -> None:
    """Show one customer with lifetime value and subscriptions."""
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.cli.words import Amounts

    with session() as desk:
        detail = desk.run(desk.payments.customer(desk.viewer, id))
        amounts = Amounts(desk.payments, [detail.provider])
    if as_json:
        output.write_json(detail)
    else:
        _show(detail, amounts)


def _show(detail: CustomerDetail, amounts: Amounts) -> None:
    from overseer_payment.cli.output import Cell, facts, heading, line
    from overseer_payment.cli.payment.subscriptions import show as show_subscriptions
    from overseer_payment.cli.words import exact, mode, person

    line(Cell(f"Customer {detail.id}", "bold"), "  ", person(detail.name, detail.email))
    facts(
        (
            ("Since", exact(detail.occurred_at or detail.created_at)),
            ("User", detail.user_id),
            ("At provider", detail.provider_customer_id),
            ("Provider", detail.provider),
            ("Mode", mode(detail.livemode)),
            ("Deleted", "yes, at the provider" if detail.deleted else None),
            ("Erased", exact(detail.erased_at)),
        )
    )
    _value(detail, amounts)
    if detail.subscriptions:
        heading("Subscriptions")
        show_subscriptions(detail.subscriptions, amounts, indent=2)


def _value(detail: CustomerDetail, amounts: Amounts) -> None:
    from overseer_payment.cli.output import Column, heading, table

    if not detail.value:
        return
    heading("Lifetime value")
    titles = ("Payments", "Gross", "Refunded", "Disputed", "Net")
    columns = [Column(title, right=True) for title in titles]
    rows: list[list[Cell | str]] = []
    for value in detail.value:
        sums = (value.gross, -value.refunded, -value.disputed)
        shown = [amounts.cell(detail.provider, amount, value.currency) for amount in sums]
        net = amounts.cell(detail.provider, value.net, value.currency, "bold")
        rows.append([str(value.payments), *shown, net])
    table(columns, rows, indent=2)


@customer.command()
@click.argument("id")
@click.argument("user_id")
@key_option
@json_option
def link(id: str, user_id: str, idempotency_key: str | None, as_json: bool) -> None:
    """Say that a customer is this user of the host, who then sees its payments and pays as it."""
    from overseer_payment.asking import customers
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.schemas import LinkBody

    user_id = build(LinkBody, user_id=user_id).user_id
    with session() as desk:
        linked = customers.link(desk.payments, desk.viewer, id, user_id, idempotency_key=idempotency_key)
        row = desk.run(linked)
    if as_json:
        output.write_json(row)
    else:
        output.line(f"Customer {row.id} is the user {row.user_id}.")


@customer.command()
@click.argument("id")
@key_option
@json_option
def unlink(id: str, idempotency_key: str | None, as_json: bool) -> None:
    """Take a customer from its user, who gets a new one at the next checkout."""
    from overseer_payment.asking import customers
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session

    with session() as desk:
        row = desk.run(customers.unlink(desk.payments, desk.viewer, id, idempotency_key=idempotency_key))
    if as_json:
        output.write_json(row)
    else:
        output.line(f"Customer {row.id} is nobody's.")


@customer.command()
@click.argument("id")
@click.option("--at-provider", is_flag=True, help="Delete the customer there, too: ends subscriptions.")
@click.option("--yes", "-y", is_flag=True, help="Don't ask.")
@key_option
@json_option
def erase(id: str, at_provider: bool, yes: bool, idempotency_key: str | None, as_json: bool) -> None:
    """Erase whom a customer is about, and keep the books. There is no way back.

    Names, addresses, free texts and raw JSON go, from rows, objects and stored deliveries; sums stay.
    """
    from overseer_payment.asking import customers
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.schemas import EraseBody

    body = EraseBody(at_provider=at_provider)
    with session() as desk:
        found = desk.run(desk.payments.customer(desk.viewer, id))
        if not yes and output.can_ask() and not click.confirm(_question(found, at_provider), err=True):
            click.echo("Nobody was erased.", err=True)
            raise click.exceptions.Exit(1)
        erasing = customers.erase(
            desk.payments, desk.viewer, str(found.id), body, idempotency_key=idempotency_key
        )
        done = desk.run(erasing)
    if as_json:
        output.write_json(done)
        return
    output.line(f"Customer {done.customer.id} is erased, and was taken out of {done.events} deliveries.")
    if not done.deleted_at_provider:
        output.note("The provider still knows them. With --at-provider they are deleted there as well.")


def _question(found: CustomerDetail, at_provider: bool) -> str:
    from overseer_payment.cli.output import clean
    from overseer_payment.cli.words import person

    who = clean(person(found.name, found.email)) or found.provider_customer_id
    there = f", and delete them at {found.provider}" if at_provider else ""
    mode = "LIVE mode" if found.livemode else "test mode"
    return f"Erase customer {found.id} ({who}, {mode}){there}? There is no way back."


@click.command()
@click.argument("customer_id")
@click.option("--return-url", metavar="URL", help="Where the customer comes back to. Default: our own page.")
@json_option
def portal(customer_id: str, return_url: str | None, as_json: bool) -> None:
    """Open the provider's page on which a customer looks after subscriptions, cards and invoices.

    Prints a short-lived link. Who has it acts as the customer: hand it to nobody else.
    """
    from overseer_payment.asking.portal import open_portal
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.schemas import PortalBody

    body = build(PortalBody, return_url=return_url)
    with session() as desk:
        opened = desk.run(open_portal(desk.payments, desk.viewer, customer_id, body))
    if as_json:
        output.write_json(opened)
    else:
        click.echo(opened.url)


customer.add_command(portal)
