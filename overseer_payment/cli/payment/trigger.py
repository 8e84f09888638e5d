"""`payment trigger`: make an event happen, to see what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping

import click

from overseer_payment.cli.payment.options import command, json_option
from overseer_payment.cli.payment.webhook import provider_option


@click.command()
@click.argument("type", required=False)
@click.option("--list", "listing", is_flag=True, help="List the events that can be made.")
@provider_option
@json_option
def trigger(type: str | None, listing: bool, provider: str | None, as_json: bool) -> None:
    """Make an event happen, in test mode only, and clean up what was made.

    Customers and subscriptions are deleted again, products archived; a payment can't be deleted. The
    event comes as any other does: by the webhook, by `payment webhook listen` or by `payment sync`.

    \b
    payment trigger --list
    payment trigger payment_intent.succeeded
    """
    from overseer_payment.asking import triggers
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.shown import triggers as shown

    if listing == (type is not None):
        raise click.UsageError(f"Name an event type. Those that can be made: {command('trigger --list')}")
    with session() as desk:
        if type is None:
            _show_types(desk.run(shown.types(desk.payments, provider)), as_json)
            return
        done = desk.run(triggers.trigger(desk.payments, desk.viewer, type, provider))
    if as_json:
        output.write_json({"type": done.type, "made": list(done.made), "removed": list(done.removed)})
        return
    output.line(f"{done.type} happened.")
    left = [id for id in done.made if id not in done.removed]
    output.facts([("Made", ", ".join(done.made)), ("Stays", ", ".join(left) or None)])


def _show_types(types: Mapping[str, str], as_json: bool) -> None:
    from overseer_payment.cli import output

    if as_json:
        output.write_json({"types": [{"type": type, "how": how} for type, how in types.items()]})
        return
    columns = (output.Column("Type"), output.Column("How", shrink=True, least=20))
    output.table(columns, types.items())
