"""The other hosted pages: a bank's question for payments made by the API, invoices, receipts, the portal."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from overseer_payment.simulator.api import changed
from overseer_payment.simulator.cards import find_instrument, types_for
from overseer_payment.simulator.hosted_form import Entry, checked, filled, read_entry
from overseer_payment.simulator.hosted_render import page, per, see_other
from overseer_payment.simulator.resources import intent_flow, invoice_flow
from overseer_payment.simulator.resources.aftermath import aftermath
from overseer_payment.simulator.resources.amounts import money
from overseer_payment.simulator.resources.payment_methods import billing_details, new_method
from overseer_payment.simulator.resources.shapes import Json
from overseer_payment.simulator.resources.subscription_changes import set_cancellation
from overseer_payment.simulator.resources.subscription_shapes import amount_of, current_period, items_of
from overseer_payment.simulator.world import World

_STATUS_WORDS = {
    "draft": "is being prepared",
    "open": "is due",
    "paid": "is paid",
    "void": "is void: nothing is owed",
    "uncollectible": "was given up",
}
_CAN_END = ("active", "trialing", "past_due")


class MorePages:
    """Pages about one payment intent, invoice, charge or portal session."""

    def __init__(self, world: World) -> None:
        self._world = world

    # -- the bank's question ---------------------------------------------------------------------------

    async def show_challenge(self, request: Request) -> Response:
        intent = self._world.get("payment_intent", request.path_params["id"])
        if intent["status"] != "requires_action":
            return self._notice(
                request, "There is nothing to confirm", "This payment needs no confirmation any more."
            )
        return page(
            self._world, request, "challenge.html", leads_to=(self._return_url(intent),),
            amount=intent["amount"], currency=intent["currency"],
        )  # fmt: skip

    async def answer_challenge(self, request: Request) -> Response:
        intent = self._world.get("payment_intent", request.path_params["id"])
        passed = (await request.form()).get("outcome") == "complete"
        if intent["status"] == "requires_action":
            with self._world.lock:
                self._decide(intent, passed=passed)
        back = self._return_url(intent)
        if back is not None:
            mark = "&" if "?" in back else "?"
            return see_other(f"{back}{mark}payment_intent={intent['id']}")
        title = "Payment confirmed" if intent["status"] == "succeeded" else "Payment not confirmed"
        return self._notice(request, title, "You can close this page.")

    def _decide(self, intent: Json, *, passed: bool) -> None:
        if not passed:
            intent_flow.fail_authentication(self._world, intent)
            return
        method = self._world.get("payment_method", intent["payment_method"])
        intent_flow.attempt(self._world, intent, method, authenticated=True)
        aftermath(self._world, intent)

    def _return_url(self, intent: Json) -> str | None:
        found = self._world.peek("sim.return_url", intent["id"])
        return str(found["url"]) if found else None

    # -- invoices and receipts -------------------------------------------------------------------------

    async def show_invoice(self, request: Request) -> Response:
        invoice = self._world.get("invoice", request.path_params["id"])
        kinds = types_for(invoice["currency"])
        entry = Entry(
            email=invoice["customer_email"] or "", name=invoice["customer_name"] or "", kind=kinds[0]
        )
        return self._invoice(request, invoice, entry)

    async def pay_invoice(self, request: Request) -> Response:
        invoice, form = self._world.get("invoice", request.path_params["id"]), await request.form()
        if invoice["status"] not in ("open", "uncollectible"):
            return see_other(invoice["hosted_invoice_url"])
        values = {name: value for name, value in form.items() if isinstance(value, str)}
        entry = read_entry(values, types_for(invoice["currency"]))
        if instrument := find_instrument(str(form.get("use", ""))):
            return self._invoice(request, invoice, filled(entry, instrument, self._world.now()))
        entry = checked(entry, self._world.now())
        if entry.problems or entry.instrument is None:
            return self._invoice(request, invoice, entry)
        with self._world.lock:
            details = billing_details(email=entry.email, name=entry.name)
            method = new_method(self._world, entry.instrument, details=details)
            result = invoice_flow.collect(self._world, invoice, method["id"], off_session=False)
        intent = invoice_flow.intent_of(self._world, invoice) or {}
        if result == "requires_action":
            self._world.put(
                {"object": "sim.return_url", "id": intent["id"], "url": invoice["hosted_invoice_url"]}
            )
            return see_other(intent["next_action"]["redirect_to_url"]["url"])
        if result == "declined":
            message = (intent.get("last_payment_error") or {}).get("message")
            return self._invoice(request, invoice, entry, declined=message)
        return see_other(invoice["hosted_invoice_url"])

    def _invoice(
        self, request: Request, invoice: Json, entry: Entry, *, declined: str | None = None
    ) -> Response:
        intent = invoice_flow.intent_of(self._world, invoice)
        processing = intent is not None and intent["status"] == "processing"
        kinds = types_for(invoice["currency"])
        return page(
            self._world, request, "invoice.html", invoice=invoice, entry=entry,
            declined=declined, kinds=kinds, leads_to=(self._world.public_url,), processing=processing,
            words="is being paid" if processing else _STATUS_WORDS[invoice["status"]],
            payable=invoice["status"] in ("open", "uncollectible") and not processing,
        )  # fmt: skip

    async def show_receipt(self, request: Request) -> Response:
        charge = self._world.get("charge", request.path_params["id"])
        return page(self._world, request, "receipt.html", charge=charge)

    # -- the customer portal ---------------------------------------------------------------------------

    async def show_portal(self, request: Request) -> Response:
        session = self._world.get("billing_portal.session", request.path_params["id"])
        customer = self._world.get("customer", session["customer"])
        found = self._world.find("subscription", customer=customer["id"])
        return page(
            self._world, request, "portal.html", session=session, customer=customer,
            leads_to=(session["return_url"],),
            subscriptions=[self._described(s) for s in found if s["status"] != "incomplete_expired"],
            invoices=self._world.find("invoice", customer=customer["id"])[:12],
        )  # fmt: skip

    async def act_in_portal(self, request: Request) -> Response:
        session, form = (
            self._world.get("billing_portal.session", request.path_params["id"]),
            await request.form(),
        )
        subscription = self._world.get("subscription", str(form.get("subscription")))
        owned = subscription["customer"] == session["customer"]
        if owned and subscription["status"] in _CAN_END:
            wish = {"cancel_at_period_end": form.get("action") == "cancel"}
            with self._world.lock:
                values = set_cancellation(self._world, subscription, wish)
                changed(self._world, subscription, "customer.subscription.updated", **values)
        return see_other(str(request.url.path))

    def _described(self, subscription: Json) -> Json:
        items = items_of(subscription)
        first = items[0]["price"]
        each = money(amount_of(self._world, items), subscription["currency"])
        ends = subscription["cancel_at_period_end"] or subscription["status"] == "canceled"
        return {
            "id": subscription["id"],
            "name": self._world.get("product", first["product"])["name"],
            "price": f"{each} per {per(first['recurring'])}",
            "status": subscription["status"].replace("_", " "),
            "until": subscription["ended_at"] or current_period(subscription)[1],
            "ends": ends,
            "over": subscription["status"] == "canceled",
            "can_end": subscription["status"] in _CAN_END,
        }

    def _notice(self, request: Request, title: str, text: str) -> Response:
        return page(self._world, request, "notice.html", title=title, text=text, back=None, back_text="")
