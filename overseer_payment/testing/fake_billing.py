"""What the fake provider does for customers beside selling to them."""

from __future__ import annotations

from overseer_payment.errors import ProviderRejected
from overseer_payment.provider import (
    CheckoutSnapshot,
    CustomerSnapshot,
    InvoicePreview,
    PortalRequest,
    PortalSession,
    PreviewLine,
    Snapshot,
)
from overseer_payment.testing.fake_calls import FakeCalls
from overseer_payment.testing.fake_wire import moment


class FakeBilling(FakeCalls):
    """The portal, previews, and the end of customers and sessions."""

    async def upcoming_invoice(self, subscription: str) -> InvoicePreview:
        found = self._present(subscription)
        due = moment(found["period_end"])
        line = PreviewLine(description=found["price"], amount=found["amount"], quantity=1, period_start=due)
        return InvoicePreview(
            currency=found["currency"],
            total=found["amount"],
            amount_due=found["amount"],
            lines=(line,),
            due_at=due,
        )

    async def open_portal(self, request: PortalRequest) -> PortalSession:
        found = self._present(request.customer)
        return PortalSession(id=f"portal_{found['id']}", url=f"https://fakepay.example/portal/{found['id']}")

    async def delete_customer(self, customer: str, *, idempotency_key: str) -> CustomerSnapshot:
        self._present(customer)
        return _customer(
            self._read(self._ask(lambda: self._backend.delete_customer(customer, key=idempotency_key)))
        )

    async def expire_checkout(self, session: str, *, idempotency_key: str) -> CheckoutSnapshot:
        self._present(session)
        return _checkout(self._read(self._ask(lambda: self._backend.expire(session, key=idempotency_key))))


def _customer(found: list[Snapshot]) -> CustomerSnapshot:
    if isinstance(found[0], CustomerSnapshot):
        return found[0]
    raise ProviderRejected("That is no customer.")


def _checkout(found: list[Snapshot]) -> CheckoutSnapshot:
    if isinstance(found[0], CheckoutSnapshot):
        return found[0]
    raise ProviderRejected("That is no checkout.")
