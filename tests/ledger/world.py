"""A small provider in memory: a script of actions makes a consistent history of snapshots, and the truth.

It tells events as a provider does (whole seconds, several in one) and answers reads (the moment they
began, with what was true when they ended). Nothing here knows how the ledger works.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from overseer_payment.provider import (
    AsOf,
    ChargeSnapshot,
    CheckoutMode,
    CheckoutPaymentState,
    CheckoutSnapshot,
    CheckoutStatus,
    CustomerSnapshot,
    DisputeKind,
    DisputeSnapshot,
    DisputeStatus,
    InvoicePaymentSnapshot,
    InvoiceSnapshot,
    InvoiceStatus,
    Kind,
    PaymentSnapshot,
    Ref,
    RefundSnapshot,
    Snapshot,
    Source,
    SubscriptionItem,
    SubscriptionSnapshot,
    SubscriptionStatus,
    TransactionStatus,
)

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
CURRENCIES = ("usd", "eur", "jpy")
PENDING, SUCCEEDED, FAILED, CANCELED = (
    TransactionStatus.PENDING,
    TransactionStatus.SUCCEEDED,
    TransactionStatus.FAILED,
    TransactionStatus.CANCELED,
)

Action = tuple[str, int, int]
"""A verb and two numbers that it reads as it likes: which one, how much, how it ends."""


@dataclass(slots=True)
class Purchase:
    """One payment as it really is."""

    intent: str | None
    amount: int
    currency: str
    customer: str | None
    checkout: str | None = None
    invoice: str | None = None
    subscription: str | None = None
    charge: str | None = None
    refunds: list[str] = field(default_factory=list)
    disputes: list[str] = field(default_factory=list)
    status: TransactionStatus = PENDING

    @property
    def root(self) -> str | None:
        return self.intent or self.charge


class World:
    """The provider. `told` are the events so far; `run(script)` makes some."""

    def __init__(self, *, links_told: bool = True, intents_told: bool = True) -> None:
        self.now = START
        self.objects: dict[Ref, Any] = {}
        self.told: list[Snapshot] = []
        self.purchases: list[Purchase] = []
        self._links_told, self._intents_told = links_told, intents_told
        self._counts: dict[str, int] = defaultdict(int)
        self._reading: tuple[Ref, datetime] | None = None

    # -- the history ------------------------------------------------------------------------------

    def run(self, script: Iterable[Action]) -> World:
        for verb, which, how in script:
            getattr(self, f"_{verb}")(which, how)
        self._end_read()
        return self

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def _tick(self, which: int, how: int) -> None:
        self.wait((0.2, 0.5, 1, 3, 86_400 * (how + 1))[which % 5])

    def _next(self, prefix: str) -> str:
        self._counts[prefix] += 1
        return f"{prefix}_{self._counts[prefix]}"

    def _make(self, cls: Any, id: str, **told: Any) -> None:
        self.objects[Ref(cls.kind, id)] = cls(
            id=id,
            as_of=AsOf(self._second(), Source.EVENT),
            livemode=False,
            occurred_at=self._second(),
            **told,
        )

    def _set(self, kind: Kind, id: str | None, *, tell: bool = True, **told: Any) -> None:
        if id is not None:
            ref = Ref(kind, id)
            self.objects[ref] = replace(self.objects[ref], **told)
            if tell:
                self._tell(ref)

    def _tell(self, ref: Ref, **only_here: Any) -> None:
        """An event. `only_here` is what its type tells and no read of the object can."""
        if ref.kind is Kind.INVOICE_PAYMENT and not self._links_told:
            return
        if ref.kind is Kind.PAYMENT and not self._intents_told:
            return
        as_of = AsOf(self._second(), Source.EVENT)
        self.told.append(replace(self.objects[ref], as_of=as_of, **only_here))

    def _second(self) -> datetime:
        return self.now.replace(microsecond=0)

    # -- reading ----------------------------------------------------------------------------------

    def read(self, ref: Ref, *, began: datetime | None = None) -> list[Snapshot]:
        """The present state of an object and of what it links to."""
        if ref not in self.objects:
            return []
        refs = [ref]
        for other, snapshot in self.objects.items():
            of_charge = ref.kind is Kind.CHARGE and getattr(snapshot, "charge", None) == ref.id
            of_invoice = ref.kind is Kind.INVOICE and getattr(snapshot, "invoice", None) == ref.id
            if (of_charge and other.kind is Kind.REFUND) or (
                of_invoice and other.kind is Kind.INVOICE_PAYMENT
            ):
                refs.append(other)
        as_of = AsOf(began or self.now, Source.READ)
        return [replace(self.objects[one], as_of=as_of) for one in refs]

    def _peek(self, which: int, how: int) -> None:
        """A read of something that begins now and ends after some more has happened."""
        self._end_read()
        if self.objects:
            ref = sorted(self.objects)[which % len(self.objects)]
            self._reading = (ref, self.now)
            if how % 2:
                self._end_read()

    def _end_read(self) -> None:
        if self._reading is not None:
            ref, began = self._reading
            self.told += self.read(ref, began=began)
            self._reading = None

    # -- customers --------------------------------------------------------------------------------

    def _customer(self, which: int) -> str | None:
        """One of two customers, made when first needed, or a guest."""
        if which % 3 == 2:
            return None
        id = f"cus_{which % 3}"
        if Ref(Kind.CUSTOMER, id) not in self.objects:
            self._make(CustomerSnapshot, id, email=f"{id}@example.com", name="Ann")
            self._tell(Ref(Kind.CUSTOMER, id))
        return id

    def _rename(self, which: int, how: int) -> None:
        customers = [ref.id for ref in self.objects if ref.kind is Kind.CUSTOMER]
        if customers:
            self._set(Kind.CUSTOMER, customers[which % len(customers)], name=f"Ann {how}")

    # -- buying -----------------------------------------------------------------------------------

    def _buy(self, which: int, how: int) -> None:
        """Half of them are paid at once, the rest waits for an attempt."""
        via = ("intent", "charge", "checkout", "invoice")[how % 4]
        amount, currency = 1000 + which, CURRENCIES[which % 3]
        purchase = self._start(via, amount, currency, self._customer(which))
        if how >= 4:
            self._try(purchase, SUCCEEDED)

    def _start(
        self, via: str, amount: int, currency: str, customer: str | None, subscription: str | None = None
    ) -> Purchase:
        intent = None if via == "charge" else self._next("pi")
        purchase = Purchase(intent, amount, currency, customer, subscription=subscription)
        self.purchases.append(purchase)
        if intent is not None:
            self._make(
                PaymentSnapshot,
                intent,
                status=PENDING,
                amount=amount,
                amount_received=0,
                currency=currency,
                customer=customer,
            )
            self._tell(Ref(Kind.PAYMENT, intent))
        if via == "invoice":
            self._bill(purchase)
        if via == "checkout":
            purchase.checkout = self._next("cs")
            self._make(
                CheckoutSnapshot,
                purchase.checkout,
                mode=CheckoutMode.PAYMENT,
                status=CheckoutStatus.OPEN,
                payment_state=CheckoutPaymentState.UNPAID,
                amount_total=amount,
                currency=currency,
                customer=customer,
                email="guest@example.com",
            )
        return purchase

    def _bill(self, purchase: Purchase) -> None:
        purchase.invoice = self._next("in")
        self._make(
            InvoiceSnapshot,
            purchase.invoice,
            status=InvoiceStatus.OPEN,
            currency=purchase.currency,
            total=purchase.amount,
            amount_due=purchase.amount,
            amount_paid=0,
            amount_remaining=purchase.amount,
            customer=purchase.customer,
            subscription=purchase.subscription,
        )
        self._tell(Ref(Kind.INVOICE, purchase.invoice))
        link = f"inpay_{purchase.invoice}"
        self._make(
            InvoicePaymentSnapshot,
            link,
            invoice=purchase.invoice,
            payment=purchase.intent,
            currency=purchase.currency,
        )
        if purchase.amount % 2:
            self._tell(Ref(Kind.INVOICE_PAYMENT, link))

    def _attempt(self, which: int, how: int) -> None:
        open_ = [p for p in self.purchases if p.status in {PENDING, FAILED} and not self._under_way(p)]
        if open_:
            purchase = open_[which % len(open_)]
            if purchase.intent is None and purchase.charge is not None:
                return  # a charge without an intent is one attempt and no more
            self._try(purchase, (SUCCEEDED, FAILED, PENDING)[how % 3])

    def _under_way(self, purchase: Purchase) -> bool:
        if purchase.charge is None:
            return False
        return self.objects[Ref(Kind.CHARGE, purchase.charge)].status is PENDING

    def _try(self, purchase: Purchase, outcome: TransactionStatus) -> None:
        charge = self._next("ch")
        if purchase.intent is None or outcome is not FAILED or purchase.charge is None:
            purchase.charge = charge
        self._make(
            ChargeSnapshot,
            charge,
            status=outcome,
            amount=purchase.amount,
            amount_refunded=0,
            currency=purchase.currency,
            payment=purchase.intent,
            customer=purchase.customer,
            method="visa •••• 4242",
            **({"failure_code": f"declined_{charge}"} if outcome is FAILED else {}),
        )
        self._tell(Ref(Kind.CHARGE, charge))
        self._ended(purchase, charge, outcome)

    def _ended(self, purchase: Purchase, charge: str, outcome: TransactionStatus) -> None:
        purchase.status = outcome
        failure = f"declined_{charge}" if outcome is FAILED else None
        received = purchase.amount if outcome is SUCCEEDED else 0
        self._set(
            Kind.PAYMENT,
            purchase.intent,
            status=outcome,
            latest_charge=charge,
            amount_received=received,
            failure_code=failure,
        )
        self._after_invoice(purchase, outcome)
        self._after_checkout(purchase, outcome)

    def _after_invoice(self, purchase: Purchase, outcome: TransactionStatus) -> None:
        if purchase.invoice is None:
            return
        ref = Ref(Kind.INVOICE, purchase.invoice)
        tried = self.objects[ref].attempt_count + 1
        if outcome is SUCCEEDED:
            link: dict[str, Any] = {"status": "paid", "amount_paid": purchase.amount}
            self._set(Kind.INVOICE_PAYMENT, f"inpay_{purchase.invoice}", **link)
            paid: dict[str, Any] = {
                "amount_paid": purchase.amount,
                "amount_remaining": 0,
                "paid_at": self._second(),
            }
            self._set(
                Kind.INVOICE,
                purchase.invoice,
                status=InvoiceStatus.PAID,
                attempt_count=tried,
                attempt_failed=False,
                **paid,
            )
            self._activate(purchase.subscription)
        elif outcome is FAILED:
            self._set(Kind.INVOICE, purchase.invoice, attempt_count=tried, attempt_failed=True)

    def _after_checkout(self, purchase: Purchase, outcome: TransactionStatus) -> None:
        if purchase.checkout is None:
            return
        ref = Ref(Kind.CHECKOUT, purchase.checkout)
        complete = self.objects[ref].status is CheckoutStatus.COMPLETE
        if outcome is FAILED:
            if complete:
                self._tell(ref, payment_state=CheckoutPaymentState.FAILED)
            return
        state = CheckoutPaymentState.PAID if outcome is SUCCEEDED else CheckoutPaymentState.UNPAID
        named: dict[str, Any] = {"payment": purchase.intent}
        if purchase.subscription is not None:
            named = {"invoice": purchase.invoice, "subscription": purchase.subscription}
        self._set(
            Kind.CHECKOUT, purchase.checkout, status=CheckoutStatus.COMPLETE, payment_state=state, **named
        )

    def _settle(self, which: int, how: int) -> None:
        """A bank debit that was under way comes to its end."""
        waiting = [p for p in self.purchases if p.status is PENDING and self._under_way(p)]
        if not waiting:
            return
        purchase = waiting[which % len(waiting)]
        assert purchase.charge is not None
        outcome = FAILED if how % 3 == 0 else SUCCEEDED
        failure = f"declined_{purchase.charge}" if outcome is FAILED else None
        self._set(Kind.CHARGE, purchase.charge, status=outcome, failure_code=failure)
        self._ended(purchase, purchase.charge, outcome)

    def _cancel(self, which: int, how: int) -> None:
        idle = [p for p in self.purchases if p.intent and p.status in {PENDING, FAILED}]
        idle = [p for p in idle if not self._under_way(p) and p.invoice is None and p.checkout is None]
        # Where events of intents are not subscribed to, nothing would tell of it.
        if idle and how % 2 and self._intents_told:
            purchase = idle[which % len(idle)]
            purchase.status = CANCELED
            self._set(Kind.PAYMENT, purchase.intent, status=CANCELED)

    # -- subscriptions ----------------------------------------------------------------------------

    def _subscribe(self, which: int, how: int) -> None:
        customer = self._customer(which % 2)
        id = self._next("sub")
        item = SubscriptionItem(id=f"si_{id}", price="price_1", name="Pro", amount=2000, interval="month")
        self._make(
            SubscriptionSnapshot,
            id,
            status=SubscriptionStatus.INCOMPLETE,
            customer=customer,
            currency="usd",
            items=(item,),
        )
        self._tell(Ref(Kind.SUBSCRIPTION, id))
        purchase = self._start("checkout" if how % 2 else "intent", 2000 + how % 2, "usd", customer, id)
        self._bill(purchase)
        if how % 4 < 3:
            self._try(purchase, SUCCEEDED)

    def _activate(self, id: str | None) -> None:
        if id is not None and self.objects[Ref(Kind.SUBSCRIPTION, id)].ended_at is None:
            self._set(Kind.SUBSCRIPTION, id, status=SubscriptionStatus.ACTIVE)

    def _renew(self, which: int, how: int) -> None:
        active = [r.id for r, s in self.objects.items() if getattr(s, "status", None) == "active"]
        if active:
            id = active[which % len(active)]
            customer = self.objects[Ref(Kind.SUBSCRIPTION, id)].customer
            purchase = self._start("intent", 2000 + which % 2, "usd", customer, id)
            self._bill(purchase)
            self._try(purchase, (SUCCEEDED, SUCCEEDED, FAILED)[how % 3])

    def _change(self, which: int, how: int) -> None:
        """Another plan, or the end; now or when the period ends."""
        alive = [r.id for r, s in self.objects.items() if r.kind is Kind.SUBSCRIPTION and not s.ended_at]
        if not alive:
            return
        id = alive[which % len(alive)]
        if how % 3 == 0:
            ended: dict[str, Any] = {"ended_at": self._second(), "canceled_at": self._second()}
            self._set(Kind.SUBSCRIPTION, id, status=SubscriptionStatus.CANCELED, **ended)
        elif how % 3 == 1:
            self._set(Kind.SUBSCRIPTION, id, cancel_at_period_end=bool(which % 2))
        else:
            item = SubscriptionItem(
                id=f"si_{id}", price=f"price_{which}", name=f"Plan {which}", amount=1000 * which
            )
            self._set(Kind.SUBSCRIPTION, id, items=(item,))

    # -- refunds and disputes -----------------------------------------------------------------------

    def _paid(self) -> list[Purchase]:
        return [purchase for purchase in self.purchases if purchase.status is SUCCEEDED]

    def given_back(self, purchase: Purchase, *states: TransactionStatus) -> int:
        refunds = (self.objects[Ref(Kind.REFUND, id)] for id in purchase.refunds)
        return sum(refund.amount for refund in refunds if refund.status in states)

    def _refund(self, which: int, how: int) -> None:
        paid = self._paid()
        if not paid:
            return
        purchase = paid[which % len(paid)]
        left = purchase.amount - self.given_back(purchase, PENDING, SUCCEEDED)
        amount = min(left, (100, 250, left)[how % 3])
        if amount <= 0:
            return
        id = self._next("re")
        purchase.refunds.append(id)
        self._make(
            RefundSnapshot,
            id,
            status=PENDING if how % 4 == 0 else SUCCEEDED,
            amount=amount,
            currency=purchase.currency,
            charge=purchase.charge,
            payment=purchase.intent if how % 5 else None,
        )
        self._tell(Ref(Kind.REFUND, id))
        self._tell_refunded(purchase)

    def _tell_refunded(self, purchase: Purchase) -> None:
        refunded = self.given_back(purchase, PENDING, SUCCEEDED)
        self._set(Kind.CHARGE, purchase.charge, amount_refunded=refunded)

    def _end_refund(self, which: int, how: int) -> None:
        """A pending refund arrives or fails; one that arrived comes back."""
        refunds = [r.id for r, s in self.objects.items() if r.kind is Kind.REFUND and s.status is not FAILED]
        if not refunds:
            return
        id = refunds[which % len(refunds)]
        status = self.objects[Ref(Kind.REFUND, id)].status
        ended = SUCCEEDED if status is PENDING and how % 2 else FAILED
        self._set(Kind.REFUND, id, status=ended)
        if ended is FAILED:
            self._tell_refunded(next(p for p in self.purchases if id in p.refunds))

    def _dispute(self, which: int, how: int) -> None:
        paid = self._paid()
        if not paid:
            return
        purchase = paid[which % len(paid)]
        id = self._next("du")
        purchase.disputes.append(id)
        kind = (DisputeKind.CHARGEBACK, DisputeKind.INQUIRY, DisputeKind.FRAUD_WARNING)[how % 3]
        taken = purchase.amount if kind is DisputeKind.CHARGEBACK else 0
        self._make(
            DisputeSnapshot,
            id,
            dispute_kind=kind,
            status=DisputeStatus.NEEDS_RESPONSE,
            amount=0 if kind is DisputeKind.FRAUD_WARNING else purchase.amount,
            currency="" if kind is DisputeKind.FRAUD_WARNING else purchase.currency,
            charge=purchase.charge,
            payment=purchase.intent,
            funds_withdrawn=taken,
        )
        self._tell(Ref(Kind.DISPUTE, id))

    def _end_dispute(self, which: int, how: int) -> None:
        disputes = [r.id for r, s in self.objects.items() if r.kind is Kind.DISPUTE]
        if not disputes:
            return
        id = disputes[which % len(disputes)]
        dispute = self.objects[Ref(Kind.DISPUTE, id)]
        if dispute.status is DisputeStatus.NEEDS_RESPONSE and how % 2:
            self._set(Kind.DISPUTE, id, status=DisputeStatus.UNDER_REVIEW, submission_count=1)
        elif dispute.status in {DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW}:
            if dispute.dispute_kind is not DisputeKind.CHARGEBACK:
                self._set(Kind.DISPUTE, id, status=DisputeStatus.CLOSED)
            elif how % 4 < 2:
                self._set(Kind.DISPUTE, id, status=DisputeStatus.LOST)
            else:
                self._set(Kind.DISPUTE, id, status=DisputeStatus.WON)
                self._set(Kind.DISPUTE, id, funds_withdrawn=0)

    # -- the truth --------------------------------------------------------------------------------

    def payments(self) -> dict[str, dict[str, Any]]:
        """What rows should say of each payment once everything is known."""
        return {
            purchase.root: self._truth(purchase) for purchase in self.purchases if purchase.root is not None
        }

    def _truth(self, purchase: Purchase) -> dict[str, Any]:
        refunded = self.given_back(purchase, SUCCEEDED)
        status: str = purchase.status.value
        if purchase.status is SUCCEEDED and refunded:
            status = "refunded" if refunded >= purchase.amount else "partially_refunded"
        return {
            "type": "subscription" if purchase.subscription else "charge",
            "status": status,
            "amount": purchase.amount,
            "amount_refunded": refunded,
            "currency": purchase.currency,
            "customer": purchase.customer,
            "invoice": purchase.invoice,
            "subscription": purchase.subscription,
        }

    def sums(self) -> dict[str, tuple[int, int, int]]:
        """Gross, refunded and withdrawn by disputes, per currency."""
        found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        for purchase in self._paid():
            sums = found[purchase.currency]
            sums[0] += purchase.amount
            sums[1] += self.given_back(purchase, SUCCEEDED)
            disputes = (self.objects[Ref(Kind.DISPUTE, id)] for id in purchase.disputes)
            sums[2] += sum(dispute.funds_withdrawn for dispute in disputes)
        return {currency: (sums[0], sums[1], sums[2]) for currency, sums in found.items()}


VERBS = (
    "tick",
    "tick",
    "buy",
    "buy",
    "attempt",
    "attempt",
    "settle",
    "cancel",
    "subscribe",
    "renew",
    "change",
    "refund",
    "refund",
    "end_refund",
    "end_refund",
    "dispute",
    "end_dispute",
    "end_dispute",
    "rename",
    "peek",
)


def batches(snapshots: Sequence[Snapshot], size: int) -> Iterable[Sequence[Snapshot]]:
    """`snapshots` in transactions of `size`."""
    for start in range(0, len(snapshots), size):
        yield snapshots[start : start + size]
