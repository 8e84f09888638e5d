"""How the fake service changes subscriptions: one item each, a month of thirty days, no credits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from overseer_payment.provider import (
    CancelRequest,
    ChangePreview,
    ChangeRequest,
    InvoicePreview,
    PauseKind,
    PauseRequest,
    PreviewLine,
    ResumeRequest,
    Snapshot,
)
from overseer_payment.testing.fake_backend import Json, Refusal
from overseer_payment.testing.fake_calls import FakeCalls
from overseer_payment.testing.fake_wire import moment


class FakeSubscriptions(FakeCalls):
    """Cancel, resume, pause, change and preview."""

    async def cancel_subscription(
        self, request: CancelRequest, *, idempotency_key: str
    ) -> Sequence[Snapshot]:
        now = int(self._backend.now.timestamp())
        ended = {"status": "canceled", "ended": now, "cancel_at_period_end": False}
        values = {"cancel_at_period_end": True} if request.at_period_end else ended
        return self._change(request.subscription, idempotency_key, lambda _: values)

    async def resume_subscription(
        self, request: ResumeRequest, *, idempotency_key: str
    ) -> Sequence[Snapshot]:
        values: dict[str, Any] = {"cancel_at_period_end": False} if request.cancellation else {}
        if request.pause is PauseKind.COLLECTION:
            values |= {"collection_paused": False, "resumes": None}
        elif request.pause is PauseKind.SUBSCRIPTION:
            values |= {"status": "active"}
        return self._change(request.subscription, idempotency_key, lambda _: values)

    async def pause_subscription(self, request: PauseRequest, *, idempotency_key: str) -> Sequence[Snapshot]:
        resumes = int(request.resumes_at.timestamp()) if request.resumes_at else None
        values: dict[str, Any] = {"collection_paused": True, "resumes": resumes}
        if request.kind is PauseKind.SUBSCRIPTION:
            values = {"status": "paused"}
        return self._change(request.subscription, idempotency_key, lambda _: values)

    async def change_subscription(
        self, request: ChangeRequest, *, idempotency_key: str
    ) -> Sequence[Snapshot]:
        return self._change(request.subscription, idempotency_key, lambda found: self._after(found, request))

    async def preview_change(self, request: ChangeRequest) -> ChangePreview:
        found = self._present(request.subscription)
        after = found | self._ask(lambda: self._after(found, request))
        total, due = after["amount"] * after["quantity"], moment(after["period_end"])
        line = PreviewLine(
            description=after["price"], amount=total, quantity=after["quantity"], period_start=due
        )
        following = InvoicePreview(
            currency=after["currency"], total=total, amount_due=total, lines=(line,), due_at=due
        )
        return ChangePreview(now=None, next=following, proration_date=self._backend.now)

    def _after(self, found: Json, request: ChangeRequest) -> dict[str, Any]:
        if request.item != f"{found['id']}_item":
            raise Refusal("absent")
        if request.price is not None and request.price not in self._backend.prices:
            raise Refusal("no_price")
        values: dict[str, Any] = {"quantity": request.quantity or (found["quantity"], 1)[bool(request.price)]}
        if request.price is not None:
            values |= {"price": request.price, "amount": self._backend.prices[request.price]["amount"]}
        if isinstance(request.trial_end, datetime):
            end = int(request.trial_end.timestamp())
            values |= {"status": "trialing", "period_end": end}
        return values

    def _change(self, id: str, key: str, values: Callable[[Json], dict[str, Any]]) -> Sequence[Snapshot]:
        """Change it and tell of it, unless this key did so before."""
        self._present(id)
        return self._read(self._ask(lambda: self._backend.change(id, values, key=key)))
