"""`payment webhook`: where the provider delivers to, and what to do where it can't."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from overseer_payment.cli.lazy import LazyGroup
from overseer_payment.cli.payment.options import build, command, json_option, key_option

if TYPE_CHECKING:
    from overseer_payment.schemas import EndpointRow

_FAULTS = {
    "disabled": "disabled",
    "missing_events": "lacks event types",
    "api_version": "another API version",
    "other_url": "leads elsewhere",
    "secret_not_set": "its secret is not configured here",
}

provider_option = click.option("--provider", metavar="KEY", help="With this provider, not the default one.")


@click.group(
    cls=LazyGroup,
    lazy={
        "listen": (
            "overseer_payment.cli.payment.listen:listen",
            "Bring events to this machine; no tunnel.",
        )
    },
)
def webhook() -> None:
    """Where the provider delivers events to.

    \b
    On a public server:    payment webhook create
    On your own machine:   payment webhook listen
    """


@webhook.command("list")
@provider_option
@json_option
def list_endpoints(provider: str | None, as_json: bool) -> None:
    """List the account's endpoints, each with what is wrong with it."""
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.cli.words import state
    from overseer_payment.shown import endpoints as shown

    with session() as desk:
        found = desk.run(shown.listing(desk.payments, desk.viewer, provider))
    if as_json:
        output.write_json(found)
        return
    if not found.webhook_endpoints:
        output.note(f"The provider delivers nowhere. Let it deliver here: {command('webhook create')}")
        return
    columns = (
        output.Column("Id"),
        output.Column("URL", shrink=True, least=24),
        output.Column("Status"),
        output.Column("Events", right=True, rank=2),
        output.Column("API version", rank=3),
        output.Column("Wrong", shrink=True, least=16, rank=1),
    )
    output.table(
        columns,
        (
            (
                row.id,
                row.url,
                state(row.status),
                "all" if "*" in row.event_types else str(len(row.event_types)),
                row.api_version or "account's",
                output.Cell(_wrong(row), "yellow", plain=",".join(row.faults)),
            )
            for row in found.webhook_endpoints
        ),
    )


@webhook.command()
@click.option("--url", metavar="URL", help="Default: our own webhook, below OVERSEER_PUBLIC_URL.")
@click.option("--description", metavar="TEXT", default="", help="Shown in the provider's dashboard.")
@provider_option
@key_option
@json_option
def create(
    url: str | None, description: str, provider: str | None, idempotency_key: str | None, as_json: bool
) -> None:
    """Let the provider deliver here, and print the signing secret.

    The secret is shown this once and never again. The endpoint gets exactly the event types that are
    handled, at the API version that is spoken.
    """
    from overseer_payment.asking import endpoints
    from overseer_payment.cli.session import session
    from overseer_payment.schemas import EndpointBody

    body = build(EndpointBody, url=url, description=description, provider=provider)
    with session() as desk:
        row = desk.run(endpoints.create(desk.payments, desk.viewer, body, idempotency_key))
        variable = endpoints.secret_variable(desk.payments.registry.spec(row.provider))
    _show_made(row, as_json, f"The endpoint {row.id} delivers to {row.url}", f"{variable}={row.secret or ''}")


@webhook.command()
@click.argument("id")
@click.option("--finish", is_flag=True, help="End the overlap: delete the endpoint with the old secret.")
@click.option("--force", is_flag=True, help="Finish though the new secret is not configured here.")
@provider_option
@key_option
@json_option
def rotate(
    id: str, finish: bool, force: bool, provider: str | None, idempotency_key: str | None, as_json: bool
) -> None:
    """Replace an endpoint's signing secret without losing an event.

    \b
    1. payment webhook rotate we_123            prints the new secret; both work
    2. put the new one in front of the old one, and restart
    3. payment webhook rotate we_123 --finish   the old one ends
    """
    from overseer_payment.asking import endpoints
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.schemas import RotationBody

    if force and not finish:
        raise click.UsageError("--force needs --finish.")
    body = build(RotationBody, finish=finish, force=force, provider=provider)
    with session() as desk:
        row = desk.run(endpoints.rotate(desk.payments, desk.viewer, id, body, idempotency_key))
        variable = endpoints.secret_variable(desk.payments.registry.spec(row.provider))
    if finish:
        _show_done(row, as_json, f"{row.id} alone delivers to {row.url} now. Take the old secret out.")
        return
    line = f'{variable}="{row.secret or ""},${variable}"'
    _show_made(row, as_json, f"{row.id} delivers to {row.url} as well, with a secret of its own", line)
    if not as_json:
        output.note(f"Then restart, and end the overlap: {command(f'webhook rotate {id} --finish')}")


@webhook.command()
@click.argument("id")
@provider_option
@key_option
@json_option
def update(id: str, provider: str | None, idempotency_key: str | None, as_json: bool) -> None:
    """Enable an endpoint and give it the event types that are handled."""
    from overseer_payment.asking import endpoints
    from overseer_payment.cli.session import session

    with session() as desk:
        row = desk.run(endpoints.update(desk.payments, desk.viewer, id, provider, idempotency_key))
    rest = f" Still: {_wrong(row)}." if row.faults else ""
    _show_done(row, as_json, f"{row.id} is enabled, with {len(row.event_types)} event types.{rest}")


@webhook.command()
@click.argument("id")
@click.option("--yes", "-y", is_flag=True, help="Don't ask.")
@provider_option
@key_option
@json_option
def delete(id: str, yes: bool, provider: str | None, idempotency_key: str | None, as_json: bool) -> None:
    """Delete an endpoint: nothing is delivered to it any more."""
    from overseer_payment.asking import endpoints
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session

    with session() as desk:
        if not yes:
            if not output.can_ask():
                raise click.UsageError("Nobody can be asked here: say --yes.")
            click.confirm(f"Delete the endpoint {id}?", abort=True, err=True)
        gone = desk.run(endpoints.delete(desk.payments, desk.viewer, id, provider, idempotency_key))
    if as_json:
        output.write_json(gone)
    else:
        output.line(f"{gone.id} is deleted.")


def _wrong(row: EndpointRow) -> str:
    return ", ".join(_FAULTS[fault] for fault in row.faults)


def _show_made(row: EndpointRow, as_json: bool, said: str, line: str) -> None:
    from overseer_payment.cli import output

    if as_json:
        output.write_json(row)
    elif row.secret is None:
        output.note(f"{said}. Its secret was told before, and is told once only.")
    else:
        output.note(f"{said}. Its secret is shown this once. Set, and restart:")
        click.echo(line)


def _show_done(row: EndpointRow, as_json: bool, said: str) -> None:
    from overseer_payment.cli import output

    if as_json:
        output.write_json(row)
    else:
        output.line(said)
