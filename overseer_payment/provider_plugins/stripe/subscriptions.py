"""Changing Stripe's subscriptions (pages "Cancel subscriptions", "Pause payment collection", "Upgrade and
downgrade subscriptions")."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from overseer_payment.errors import (
    OutcomeUnknown,
    PayloadInvalid,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
)
from overseer_payment.provider import (
    Cancellation,
    CancelRequest,
    ChangePreview,
    ChangeRequest,
    InvoicePreview,
    PauseKind,
    PauseRequest,
    Proration,
    ResumeRequest,
    Snapshot,
)
from overseer_payment.provider_plugins.stripe.calls import StripeCalls
from overseer_payment.provider_plugins.stripe.reading import SUBSCRIPTION_PARTS
from overseer_payment.provider_plugins.stripe.translate import fields as f
from overseer_payment.provider_plugins.stripe.translate.preview import preview

if TYPE_CHECKING:
    from stripe.params import (
        InvoiceCreatePreviewParams,
        InvoiceCreatePreviewParamsSubscriptionDetails,
        SubscriptionUpdateParams,
        SubscriptionUpdateParamsItem,
    )

    from overseer_payment.provider_plugins.stripe.client import Answer

# An invoice whose period ends this soon after the change is made by it, not by the next period.
_AT_ONCE = timedelta(minutes=1)
_NONE_WILL_COME = "invoice_upcoming_none"


class Subscriptions(StripeCalls):
    """What Stripe does with a subscription that goes on or ends."""

    async def cancel_subscription(
        self, request: CancelRequest, *, idempotency_key: str
    ) -> Sequence[Snapshot]:
        """End it now, or at the end of its period. Credits nothing: unused time is not given back."""
        if request.at_period_end:
            return await self._update(request.subscription, {"cancel_at_period_end": True}, idempotency_key)
        answer = await self._client.write(
            lambda stripe: stripe.v1.subscriptions.cancel_async(
                request.subscription, {"expand": SUBSCRIPTION_PARTS}, {"idempotency_key": idempotency_key}
            )
        )
        return await self._whole(request.subscription, answer)

    async def resume_subscription(
        self, request: ResumeRequest, *, idempotency_key: str
    ) -> Sequence[Snapshot]:
        """Take back a planned end and end a pause. A subscription that stood still begins a period now."""
        params: SubscriptionUpdateParams = {}
        if request.pause is PauseKind.COLLECTION:
            params["pause_collection"] = ""
        if request.cancellation is Cancellation.PERIOD_END:
            params["cancel_at_period_end"] = False
        elif request.cancellation is Cancellation.MOMENT:
            params["cancel_at"] = ""
        if request.pause is not PauseKind.SUBSCRIPTION:
            return await self._update(request.subscription, params, idempotency_key)
        if params:  # first, so that a retry finds it done and the period is begun once
            await self._update(request.subscription, params, f"{idempotency_key}:kept")
        answer = await self._client.write(
            lambda stripe: stripe.v1.subscriptions.resume_async(
                request.subscription, {"expand": SUBSCRIPTION_PARTS}, {"idempotency_key": idempotency_key}
            )
        )
        return await self._whole(request.subscription, answer)

    async def pause_subscription(self, request: PauseRequest, *, idempotency_key: str) -> Sequence[Snapshot]:
        """Stop collecting, or (flexible billing mode only) stop the subscription, crediting unused time."""
        if request.kind is PauseKind.SUBSCRIPTION:
            answer = await self._client.write(
                lambda stripe: stripe.v1.subscriptions.pause_async(
                    request.subscription, {"expand": SUBSCRIPTION_PARTS}, {"idempotency_key": idempotency_key}
                )
            )
            return await self._whole(request.subscription, answer)
        params: SubscriptionUpdateParams = {"pause_collection": {"behavior": request.behavior.value}}
        if request.resumes_at is not None:
            resumes_at = _seconds(request.resumes_at)
            params = {"pause_collection": {"behavior": request.behavior.value, "resumes_at": resumes_at}}
        return await self._update(request.subscription, params, idempotency_key)

    async def change_subscription(
        self, request: ChangeRequest, *, idempotency_key: str
    ) -> Sequence[Snapshot]:
        """Another price, quantity or trial. An invoice that can't be collected leaves it past due."""
        params: SubscriptionUpdateParams = {"proration_behavior": request.proration.value}
        if item := _item(request):
            params["items"] = [item]
        if request.trial_end is not None:
            params["trial_end"] = _trial_end(request.trial_end)
        if (date := _proration_date(request)) is not None:
            params["proration_date"] = date
        return await self._update(request.subscription, params, idempotency_key)

    async def preview_change(self, request: ChangeRequest) -> ChangePreview:
        """What that change would be billed (page "Create a preview invoice")."""
        answer = await self._previewed(request, recurring=False)
        if answer is None:
            return ChangePreview(now=None, next=None, proration_date=request.proration_date or self._now())
        parent = f.inner(answer.data, "parent", "subscription_details")
        counted = f.moment(parent, "subscription_proration_date") or answer.as_of.moment
        told, end = _read(answer), f.moment(answer.data, "period_end")
        if end is None or end > counted + _AT_ONCE:
            return ChangePreview(now=None, next=told if told.lines else None, proration_date=counted)
        return ChangePreview(now=told, next=await self._following(request), proration_date=counted)

    # -- parts -------------------------------------------------------------------------------------

    async def _update(self, id: str, params: SubscriptionUpdateParams, key: str) -> Sequence[Snapshot]:
        params["expand"] = SUBSCRIPTION_PARTS
        answer = await self._client.write(
            lambda stripe: stripe.v1.subscriptions.update_async(id, params, {"idempotency_key": key})
        )
        return await self._whole(id, answer)

    async def _whole(self, id: str, answer: Answer) -> Sequence[Snapshot]:
        """The subscription as it was answered; read again where the answer cuts its items off."""
        if f.is_complete_list(answer.data, "items"):
            return self._told("subscription", answer)
        try:
            return await self._reader.subscription(id)
        except ProviderError as error:
            detail = f"Stripe changed the subscription, but how it stands is not known. {error.detail}"
            raise OutcomeUnknown(detail) from None

    async def _following(self, request: ChangeRequest) -> InvoicePreview | None:
        answer = await self._previewed(request, recurring=True)
        told = _read(answer) if answer is not None else None
        return told if told is not None and told.lines else None

    async def _previewed(self, request: ChangeRequest, *, recurring: bool) -> Answer | None:
        """The preview; None of a subscription that will not be billed any more."""
        try:
            return await self._preview(request, recurring=recurring)
        except ProviderRejected as error:
            if error.code != _NONE_WILL_COME:
                raise
            return None

    async def _preview(self, request: ChangeRequest, *, recurring: bool) -> Answer:
        details: InvoiceCreatePreviewParamsSubscriptionDetails = {
            "proration_behavior": request.proration.value
        }
        if item := _item(request):
            details["items"] = [item]
        if request.trial_end is not None:
            details["trial_end"] = _trial_end(request.trial_end)
        if (date := _proration_date(request)) is not None:
            details["proration_date"] = date
        params: InvoiceCreatePreviewParams = {
            "subscription": request.subscription,
            "subscription_details": details,
            "preview_mode": "recurring" if recurring else "next",
        }
        return await self._client.read(lambda stripe: stripe.v1.invoices.create_preview_async(params))


def _item(request: ChangeRequest) -> SubscriptionUpdateParamsItem | None:
    if request.price is None and request.quantity is None:
        return None
    item: SubscriptionUpdateParamsItem = {"id": request.item}  # without its id an item would be added
    if request.price is not None:
        item["price"] = request.price
    if request.quantity is not None:
        item["quantity"] = request.quantity
    return item


def _trial_end(moment: datetime | Literal["now"]) -> int | Literal["now"]:
    return _seconds(moment) if isinstance(moment, datetime) else moment


def _proration_date(request: ChangeRequest) -> int | None:
    date = request.proration_date
    return None if date is None or request.proration is Proration.NONE else _seconds(date)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _read(answer: Answer) -> InvoicePreview:
    try:
        return preview(answer.data)
    except PayloadInvalid as error:
        raise ProviderUnavailable(error.detail) from None
