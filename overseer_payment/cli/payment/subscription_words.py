"""What a subscription, and a change of it, reads like on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.cli.output import Cell, Column, clean, facts, heading, line, table
from overseer_payment.cli.words import cadence, exact, mode, state, sum_cell

if TYPE_CHECKING:
    from datetime import datetime

    from overseer_payment.cli.words import Amounts
    from overseer_payment.schemas import ChangePlanBody, ChangePreview, PauseBody, SubscriptionRow


def write(row: SubscriptionRow, amounts: Amounts) -> None:
    """Everything about one subscription."""
    total = Cell(_price(row, amounts), "bold")
    line(Cell(f"Subscription {row.id}", "bold"), "  ", total, "  ", state(row.status))
    facts(
        (
            ("Plan", row.plan_name),
            ("Customer", _customer(row)),
            ("Provider", row.provider),
            ("Mode", mode(row.livemode)),
            ("Period", _period(row)),
            ("Trial ends", exact(row.trial_end)),
            ("Ends", exact(_planned_end(row))),
            ("Ended", exact(row.ended_at)),
            ("Collection", _collection(row)),
            ("Since", exact(row.occurred_at)),
            ("At provider", row.provider_subscription_id),
        )
    )
    _items(row, amounts)


def _items(row: SubscriptionRow, amounts: Amounts) -> None:
    if not row.items:
        return
    heading("Items")
    columns = (
        Column("Item", shrink=True),
        Column("What", shrink=True, least=10),
        Column("Quantity", right=True),
        Column("Each", right=True),
        Column("Every", rank=1),
        Column("Price", shrink=True, rank=2),
    )
    rows = (
        (
            item.id,
            item.name or "",
            str(item.quantity),
            sum_cell(amounts.price(row.provider, item, row.currency)),
            cadence(item.interval, item.interval_count),
            item.price_id,
        )
        for item in row.items
    )
    table(columns, rows, indent=2)


def cost(told: ChangePreview, provider: str, amounts: Amounts) -> None:
    """What a change would cost, line by line."""
    following = told.next_invoice
    line(Cell("Due now", "bold"), "  ", Cell(amounts.text(provider, told.due_now, told.currency), "bold"))
    if following is None:
        line("No further invoice")
    else:
        total = amounts.text(provider, following.amount_due, following.currency)
        line("Next invoice  ", total, "  ", exact(following.due_at) or "")
    columns = (Column("What", shrink=True, least=20), Column("Amount", right=True))
    rows = ((one.description, amounts.cell(provider, one.amount, told.currency)) for one in told.lines)
    table(columns, rows, indent=2)


# -- what is about to happen ---------------------------------------------------------------------------


def question(row: SubscriptionRow, consequence: str, amounts: Amounts) -> str:
    """What a person is asked before something is changed: what happens, to what, and whether it is real."""
    words = [f"subscription {row.id}", clean(row.plan_name or ""), _price(row, amounts)]
    words += [clean(row.customer_email or ""), "LIVE mode: real money" if row.livemode else "test mode"]
    return f"{consequence} ({', '.join(word for word in words if word)})?"


def ending(row: SubscriptionRow, *, now: bool) -> str:
    """What canceling does."""
    if now:
        return "Cancel now and for good; nothing is given back"
    when = exact(row.current_period_end)
    return f"Let it end with its period{f', {when}' if when else ''}"


def going_on(row: SubscriptionRow) -> str:
    """What resuming does."""
    if row.status == "paused":
        return "Resume: a new period begins now and is billed"
    ended = ["ask for money again"] if row.collection_paused else []
    ended += ["take back its end"] if _planned_end(row) else []
    return f"Resume: {' and '.join(ended)}" if ended else "Resume"


def pausing(body: PauseBody) -> str:
    """What pausing does."""
    if body.kind == "subscription":
        return "Pause: no periods and no invoices until it is resumed"
    fate = {
        "keep_as_draft": "kept as drafts",
        "mark_uncollectible": "written off",
    }.get(body.behavior or "", "void")
    until = exact(body.resumes_at) or "it is resumed"
    return f"Ask for no money until {until}; invoices are {fate} meanwhile"


def changing(body: ChangePlanBody, told: ChangePreview, provider: str, amounts: Amounts) -> str:
    """What a change does, and what it costs now and next time."""
    wanted = [f"to price {body.new_price_id}"] if body.new_price_id else []
    wanted += [f"to quantity {body.quantity}"] if body.quantity else []
    if body.trial_end is not None:
        wanted += ["end the trial now" if body.trial_end == "now" else f"trial until {exact(body.trial_end)}"]
    words = [f"Change {', '.join(wanted)}: due now {amounts.text(provider, told.due_now, told.currency)}"]
    following = told.next_invoice
    if following is not None:
        total = amounts.text(provider, following.amount_due, following.currency)
        words.append(f"next invoice {total} {exact(following.due_at) or ''}".rstrip())
    return "; ".join(words)


def _price(row: SubscriptionRow, amounts: Amounts) -> str:
    total = amounts.recurring(row)
    every = cadence(row.interval, row.interval_count)
    return f"{total} every {every}" if every else total


def _customer(row: SubscriptionRow) -> str | None:
    number = f"(customer {row.customer_id})" if row.customer_id else ""
    return f"{row.customer_email or ''} {number}".strip() or None


def _period(row: SubscriptionRow) -> str | None:
    if row.current_period_start is None or row.current_period_end is None:
        return None
    return f"{exact(row.current_period_start)} – {exact(row.current_period_end)}"


def _planned_end(row: SubscriptionRow) -> datetime | None:
    if row.ended_at is not None:
        return None
    return row.cancel_at or (row.current_period_end if row.cancel_at_period_end else None)


def _collection(row: SubscriptionRow) -> str | None:
    if not row.collection_paused:
        return None
    return f"paused until {exact(row.collection_resumes_at) or 'it is resumed'}"
