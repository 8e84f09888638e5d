"""The hosted pages: checkout and its bank step. Plain HTML forms, no script, for people and for tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from overseer_payment.simulator.cards import INSTRUMENTS, Instrument, find_instrument
from overseer_payment.simulator.errors import SimError
from overseer_payment.simulator.hosted_form import Entry, checked, filled, read_entry
from overseer_payment.simulator.hosted_more import MorePages
from overseer_payment.simulator.hosted_render import HERE, page, per, see_other
from overseer_payment.simulator.resources import checkout_flow
from overseer_payment.simulator.resources.amounts import money
from overseer_payment.simulator.resources.checkout_flow import plan_of_session
from overseer_payment.simulator.resources.shapes import DAY, Json
from overseer_payment.simulator.world import World

View = Callable[[Request], Awaitable[Response]]

# What the page offers at the press of a button; every other test number can be typed.
_OFFERED = (
    "4242424242424242", "4000000000000002", "4000000000009995", "4000002500003155", "4000000000000259",
    "4000000000000341", "4000000000005126", "4000000000007726",
)  # fmt: skip


def routes(world: World) -> list[BaseRoute]:
    """Return the routes of all hosted pages, relative to `world.public_url`."""
    checkout, more = _Checkout(world), MorePages(world)
    return [
        _both("/c/pay/{id}", world, checkout.show, checkout.submit),
        _both("/c/pay/{id}/3ds", world, checkout.show_challenge, checkout.answer_challenge),
        _both("/3ds/{id}", world, more.show_challenge, more.answer_challenge),
        _both("/i/{id}", world, more.show_invoice, more.pay_invoice),
        _both("/p/session/{id}", world, more.show_portal, more.act_in_portal),
        Route("/i/{id}/pdf", _guarded(world, more.show_invoice)),
        Route("/receipts/{id}", _guarded(world, more.show_receipt)),
        Mount("/hosted", StaticFiles(directory=HERE / "static")),
    ]


def _both(path: str, world: World, show: View, act: View) -> Route:
    async def view(request: Request) -> Response:
        return await (act if request.method == "POST" else show)(request)

    return Route(path, _guarded(world, view), methods=["GET", "POST"])


def _guarded(world: World, view: View) -> View:
    """Show a page for what does not exist, and let due work happen before anything is shown."""

    async def guarded(request: Request) -> Response:
        with world.lock:
            world.clock.run_due()
        try:
            return await view(request)
        except SimError as error:
            return page(
                world, request, "notice.html", status=error.status,
                title="There is nothing here", text="This link is wrong, or what it led to is gone.",
                back=None, back_text="",
            )  # fmt: skip

    return guarded


class _Checkout:
    """The checkout page of one session, and the page on which the payer's bank asks back."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def show(self, request: Request) -> Response:
        session = self._session(request)
        if session["status"] != "open":
            return self._closed(request, session)
        if self._awaits_bank(session):
            return see_other(f"{_path(request)}/3ds")
        email = session["customer_email"] or self._customer_email(session)
        return self._form(request, session, Entry(kind=session["payment_method_types"][0], email=email))

    async def submit(self, request: Request) -> Response:
        session = self._session(request)
        if session["status"] != "open":
            return self._closed(request, session)
        form = await request.form()
        entry = read_entry(
            {k: v for k, v in form.items() if isinstance(v, str)}, session["payment_method_types"]
        )
        if instrument := find_instrument(str(form.get("use", ""))):
            return self._form(request, session, filled(entry, instrument, self._world.now()))
        entry = checked(entry, self._world.now())
        if entry.problems:
            return self._form(request, session, entry)
        with self._changing():
            answer = checkout_flow.submit(self._world, session, entry.payer())
        if answer.kind == "declined":
            return self._form(request, session, entry, declined=answer.message)
        if answer.kind == "authenticate":
            return see_other(f"{_path(request)}/3ds")
        return see_other(_success_url(session))

    async def show_challenge(self, request: Request) -> Response:
        session = self._session(request)
        if not self._awaits_bank(session):
            return see_other(_path(request).removesuffix("/3ds"))
        return page(
            self._world, request, "challenge.html", leads_to=(session["success_url"], session["cancel_url"]),
            amount=session["amount_total"], currency=session["currency"],
        )  # fmt: skip

    async def answer_challenge(self, request: Request) -> Response:
        session = self._session(request)
        form = await request.form()
        if session["status"] != "open":
            return self._closed(request, session)
        with self._changing():
            answer = checkout_flow.authenticate(
                self._world, session, passed=form.get("outcome") == "complete"
            )
        if answer.kind == "done":
            return see_other(_success_url(session))
        payer = self._world.get("sim.payer", session["id"])["details"]
        entry = Entry(email=payer["email"], name=payer["name"])
        return self._form(request, session, entry, declined=answer.message)

    # -- helpers ---------------------------------------------------------------------------------------

    def _session(self, request: Request) -> Json:
        return self._world.get("checkout.session", request.path_params["id"])

    def _changing(self) -> AbstractContextManager[object]:
        return self._world.lock

    def _awaits_bank(self, session: Json) -> bool:
        intent_id = (self._world.peek("sim.intent_of_session", session["id"]) or {}).get("intent")
        if session["status"] != "open" or intent_id is None:
            return False
        return bool(self._world.get("payment_intent", intent_id)["status"] == "requires_action")

    def _customer_email(self, session: Json) -> str:
        customer = self._world.peek("customer", session["customer"] or "")
        return (customer or {}).get("email") or ""

    def _form(
        self, request: Request, session: Json, entry: Entry, *, declined: str | None = None
    ) -> Response:
        root = request.scope.get("root_path", "")
        return page(
            self._world, request, "checkout.html",
            leads_to=(session["success_url"], session["cancel_url"]),
            action=f"{root}/c/pay/{session['id']}", session=session, entry=entry, declined=declined,
            offered=_offered(session["payment_method_types"]), **self._summary(session),
        )  # fmt: skip

    def _summary(self, session: Json) -> Json:
        plan = plan_of_session(self._world, session)
        lines = [_line(item, trial=plan["trial"]) for item in plan["line_items"]]
        recurring = [item for item in plan["line_items"] if item["price"]["type"] == "recurring"]
        first, days = (recurring[0] if recurring else None), _trial_days(plan, self._world.now())
        later = (
            f"{money(_sum(recurring), first['currency'])} per {per(first['price']['recurring'])}"
            if first
            else ""
        )
        verb = {"payment": "Pay", "subscription": "Subscribe", "setup": "Save"}[session["mode"]]
        if days:
            verb = "Start trial"
        amount = (
            "" if session["mode"] == "setup" or days else money(session["amount_total"], session["currency"])
        )
        return {"lines": lines, "later": later, "trial_days": days, "verb": verb, "amount": amount}

    def _closed(self, request: Request, session: Json) -> Response:
        if session["status"] == "complete":
            title, text = "This checkout is complete", "Nothing more will be charged here."
            back, back_text = _success_url(session), "See your order"
        else:
            title, text = "This checkout has expired", "Nothing was charged. Go back to start again."
            back, back_text = session["cancel_url"], "Back to the shop"
        return page(
            self._world, request, "notice.html", title=title, text=text, back=back, back_text=back_text
        )


def _path(request: Request) -> str:
    return str(request.url.path)


def _success_url(session: Json) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _sum(items: list[Json]) -> int:
    return sum(item["amount_total"] for item in items)


def _trial_days(plan: Json, now: int) -> int:
    data = plan["subscription_data"]
    if "trial_period_days" in data:
        return int(data["trial_period_days"])
    return round((data["trial_end"] - now) / DAY) if "trial_end" in data else 0


def _line(item: Json, *, trial: bool) -> Json:
    price, quantity = item["price"], item["quantity"]
    each = money(Decimal(price["unit_amount_decimal"]), item["currency"])
    recurring = price["recurring"]
    return {
        "name": item["description"],
        "quantity": quantity,
        "each": f"{each} each" if quantity > 1 else "",
        "amount": money(item["amount_total"], item["currency"]),
        "per": f"per {per(recurring)}" if recurring else "",
        "free_now": trial and recurring is not None,
    }


def _offered(kinds: list[str]) -> list[Instrument]:
    """Return what has a button: cards that show each outcome, and the bank accounts that can pay here."""
    cards = [INSTRUMENTS[number] for number in _OFFERED]
    banks = [one for one in INSTRUMENTS.values() if one.kind != "card"]
    return [one for one in (*cards, *banks) if one.kind in kinds]
