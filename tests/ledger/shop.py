"""What can be bought at the small provider, in one attempt or several, once or again and again."""

from __future__ import annotations

from typing import Any

from overseer_payment.provider import (
    ChargeSnapshot,
    CheckoutMode,
    CheckoutPaymentState,
    CheckoutSnapshot,
    CheckoutStatus,
    CustomerSnapshot,
    InvoicePaymentSnapshot,
    InvoiceSnapshot,
    InvoiceStatus,
    Kind,
    PaymentSnapshot,
    ProductSnapshot,
    Ref,
    SubscriptionItem,
    SubscriptionSnapshot,
    SubscriptionStatus,
    TransactionStatus,
)
from tests.ledger.provider import (
    CANCELED,
    CURRENCIES,
    FAILED,
    PENDING,
    SUCCEEDED,
    Provider,
    Purchase,
)


class Shop(Provider):
    """Customers, payments, checkouts, invoices, subscriptions."""

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
        """Customers and products get other names."""
        named = [ref for ref in self.objects if ref.kind in {Kind.CUSTOMER, Kind.PRODUCT}]
        if named:
            ref = named[which % len(named)]
            self._set(ref.kind, ref.id, name=f"Ann {how}")

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
        item = SubscriptionItem(
            id=f"si_{id}",
            price="price_1",
            product=self._product(which),
            name="Pro" if how % 2 else None,
            amount=2000,
            interval="month",
        )
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

    def _product(self, which: int) -> str:
        """One of two products, told of when first sold; or long ago, when nobody listened."""
        id = f"prod_{which % 3}"
        if Ref(Kind.PRODUCT, id) not in self.objects:
            self._make(ProductSnapshot, id, name=f"Product {which % 3}")
            if which % 3:
                self._tell(Ref(Kind.PRODUCT, id))
        return id

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
                id=f"si_{id}", price=f"price_{which}", product=self._product(which), amount=1000 * which
            )
            self._set(Kind.SUBSCRIPTION, id, items=(item,))
