"""How the fake provider asks its service: settings, and how faults and refusals become our errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from overseer_payment.errors import (
    ObjectAbsent,
    OutcomeUnknown,
    ProviderAuthError,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from overseer_payment.provider import AsOf, ChargeSnapshot, Snapshot, Source
from overseer_payment.testing.case import Fault
from overseer_payment.testing.fake_backend import FakeBackend, Json, Refusal
from overseer_payment.testing.fake_wire import snapshots

Answer = TypeVar("Answer")


class FakeSettings(BaseModel):
    """`FAKEPAY_KEY` is `fake_test_…` or `fake_live_…`."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    key: SecretStr | None = Field(None, alias="FAKEPAY_KEY")
    webhook_secret: SecretStr = Field(SecretStr(""), alias="FAKEPAY_WEBHOOK_SECRET")

    def secrets(self) -> list[str]:
        """The signing secrets; several while one is being rotated out."""
        parts = self.webhook_secret.get_secret_value().split(",")
        return [part.strip() for part in parts if part.strip()]


class FakeCalls:
    """The way from a provider to its service."""

    def __init__(self, settings: FakeSettings, backend: FakeBackend) -> None:
        self._settings = settings
        self._backend = backend
        key = settings.key.get_secret_value() if settings.key else ""
        self.livemode = key.startswith("fake_live_")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(livemode={self.livemode})"

    def _ask(self, call: Callable[[], Answer]) -> Answer:
        """Call the service; its refusals and our faults become errors of the tree."""
        fault = self._backend.fault
        if fault in _BEFORE:
            raise _BEFORE[fault]()
        try:
            answer = call()
        except Refusal as refusal:
            if fault is None:
                raise _refused(refusal) from None
        else:
            if fault is None:
                return answer
        raise OutcomeUnknown("The fake service did not answer. Ask again under the same key.")

    def _present(self, id: str) -> Json:
        found = self._ask(lambda: self._backend.get(id))
        if found["live"] != self.livemode:
            raise ObjectAbsent("The fake service has no such object in this mode.")
        return found

    def _in_full(self, data: Json) -> list[Snapshot]:
        """An object; a payment with its charge, what that refunded, and each refund."""
        if data["kind"] != "payment":
            return self._read(data)
        refunds = self._ask(lambda: self._backend.refunds_of(data["id"]))
        alive = sum(refund["amount"] for refund in refunds if refund["status"] in {"succeeded", "pending"})
        found: list[Snapshot] = []
        for snapshot in self._read(data):
            charge = isinstance(snapshot, ChargeSnapshot)
            found.append(replace(snapshot, amount_refunded=alive) if charge else snapshot)
        return found + [snapshot for refund in refunds for snapshot in self._read(refund)]

    def _read(self, data: Mapping[str, Any]) -> list[Snapshot]:
        return list(snapshots(data, AsOf(self._backend.now, Source.READ)))


_BEFORE: dict[Fault | None, Callable[[], ProviderError]] = {
    Fault.UNREACHABLE: lambda: ProviderUnavailable("The fake service can't be reached. Try again later."),
    Fault.RATE_LIMITED: lambda: ProviderRateLimited("The fake service asks us to wait.", retry_after=1),
    Fault.UNAUTHORISED: lambda: ProviderAuthError("The fake service refuses the key. Check FAKEPAY_KEY."),
}


def _refused(refusal: Refusal) -> ProviderError:
    if refusal.code == "absent":
        return ObjectAbsent("The fake service has no such object.")
    return ProviderRejected(f"The fake service refuses: {refusal.code}.", code=refusal.code)
