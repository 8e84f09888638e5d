"""Every error this package raises, in one tree.

PaymentError                     status
├── ConfigurationError            503   a setting is missing, contradictory or dangerous
│   └── WebhookNotConfigured      503   no usable signing secret: deliveries are refused
├── DatabaseError                 503   the database can't be reached or its schema is outdated
│   └── DatabaseReadOnly          503   it answers, but takes no writes: nothing was recorded or sent
├── Unauthenticated               401
├── Forbidden                     403
├── NotFound                      404   also another user's row: its existence is not told
├── Conflict                      409   the row's present state forbids what was asked
│   └── IdempotencyConflict       409   the same key came with other parameters, or is still running
├── Invalid                       422   what was asked can't be done with these values
│   └── InvalidInput              422   the request's shape: REST adds which field (routes/problem.py)
├── ListenerFailed                500   the application's own code, told of a change, raised
├── MethodNotAllowed              405
├── PayloadTooLarge               413
├── RateLimited                   429   too often by one caller; try again after `retry_after` seconds
├── UnsupportedMediaType          415
├── WebhookRefused                400   a delivery is not what it claims to be
│   ├── SignatureInvalid          400
│   └── PayloadInvalid            400
└── ProviderError                 502   the provider's answer; never carries the SDK's exception text
    ├── ProviderRejected          422   definite no: nothing happened at the provider
    ├── ProviderAuthError         503   the key is wrong, revoked or lacks a permission
    ├── ObjectAbsent              404   the provider has no such object
    ├── NotSupported              409   the provider does not declare the capability
    ├── ProviderRateLimited       503   definite no, try again after `retry_after` seconds
    ├── ProviderUnavailable       503   not reached: nothing happened at the provider
    └── OutcomeUnknown            503   sent, but no answer: it may or may not have happened

A message says what happened, to what, and what to do next. It is safe to show to a
person: no secrets, no personal data, no SQL, no text from an SDK's exception.
"""

from __future__ import annotations


class PaymentError(Exception):
    """Base of every error of this package.

    `status` is the HTTP status that fits, `code` a stable machine-readable word,
    `detail` one sentence for a person, `retry_after` seconds or None.
    """

    status = 500
    code = "internal_error"
    title = "Internal error"
    default_retry_after: int | None = None

    def __init__(self, detail: str, *, code: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = self.default_retry_after if retry_after is None else retry_after
        if code is not None:
            self.code = code


class ConfigurationError(PaymentError):
    """A setting is missing, contradictory or dangerous."""

    status, code, title = 503, "not_configured", "Not configured"


class WebhookNotConfigured(ConfigurationError):
    """No usable webhook signing secret is set, so deliveries are refused."""

    code, title = "webhook_not_configured", "Webhook not configured"


class DatabaseError(PaymentError):
    """The database can't be reached, is locked, or its schema is outdated."""

    status, code, title = 503, "database_unavailable", "Database unavailable"
    default_retry_after = 5


class DatabaseReadOnly(DatabaseError):
    """The database answers and takes no writes: nothing was recorded, and nothing was sent."""

    code, title = "database_read_only", "Database is read-only"


class Unauthenticated(PaymentError):
    """Nobody is signed in."""

    status, code, title = 401, "unauthenticated", "Sign in first"


class Forbidden(PaymentError):
    """The signed-in user may not do this."""

    status, code, title = 403, "forbidden", "Not allowed"


class NotFound(PaymentError):
    """No such row, or not one that this viewer may know of."""

    status, code, title = 404, "not_found", "Not found"


class Conflict(PaymentError):
    """The present state of the row forbids what was asked."""

    status, code, title = 409, "conflict", "Conflict"


class IdempotencyConflict(Conflict):
    """The same idempotency key came with other parameters, or its first use is still running."""

    code, title = "idempotency_conflict", "Idempotency key conflict"


class Invalid(PaymentError):
    """What was asked can't be done with these values."""

    status, code, title = 422, "invalid", "Invalid request"


class ListenerFailed(PaymentError):
    """A listener of the application's raised or took too long; it is told again later."""

    code, title = "listener_failed", "A listener failed"


class MethodNotAllowed(PaymentError):
    """The path exists, but not with this method."""

    status, code, title = 405, "method_not_allowed", "Method not allowed"


class UnsupportedMediaType(PaymentError):
    """The body is of a type that we don't read."""

    status, code, title = 415, "unsupported_media_type", "Unsupported media type"


class PayloadTooLarge(PaymentError):
    """The body is larger than we read."""

    status, code, title = 413, "payload_too_large", "Body too large"


class RateLimited(PaymentError):
    """The caller asked too often for something that costs."""

    status, code, title = 429, "rate_limited", "Too many requests"


class WebhookRefused(PaymentError):
    """A webhook delivery is not what it claims to be."""

    status, code, title = 400, "webhook_refused", "Webhook refused"


class SignatureInvalid(WebhookRefused):
    """The signature fits none of the configured secrets, or its time is out of tolerance."""

    code, title = "signature_invalid", "Signature invalid"


class PayloadInvalid(WebhookRefused):
    """The body is correctly signed but is no event we can read."""

    code, title = "payload_invalid", "Payload invalid"


class ProviderError(PaymentError):
    """The provider refused, failed or could not be reached."""

    status, code, title = 502, "provider_error", "Payment provider error"


class ProviderRejected(ProviderError):
    """A definite no (declined, invalid parameter): nothing happened at the provider."""

    status, code, title = 422, "provider_rejected", "Refused by the payment provider"


class ProviderAuthError(ProviderError):
    """The API key is wrong, revoked, or lacks a permission."""

    status, code, title = 503, "provider_auth", "Payment provider refused the API key"


class ObjectAbsent(ProviderError):
    """The provider has no such object."""

    status, code, title = 404, "provider_object_absent", "Not known to the payment provider"


class NotSupported(ProviderError):
    """The provider does not declare the capability that was asked for."""

    status, code, title = 409, "not_supported", "Not supported by the payment provider"


class ProviderRateLimited(ProviderError):
    """A definite no for now: ask again after `retry_after` seconds."""

    status, code, title = 503, "provider_rate_limited", "Payment provider is limiting requests"


class ProviderUnavailable(ProviderError):
    """The provider was not reached: nothing happened there."""

    status, code, title = 503, "provider_unavailable", "Payment provider unavailable"
    default_retry_after = 10


class OutcomeUnknown(ProviderError):
    """The request was sent but not answered: it may or may not have taken effect.

    Settle it by retrying under the same idempotency key or by reading, never with a new key.
    """

    status, code, title = 503, "outcome_unknown", "Outcome unknown"
    default_retry_after = 10
