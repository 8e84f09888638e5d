"""Sentences that several operations share."""

SCOPED = "Without the permission `payment.view` only rows of the caller's own customers are known."
STAFF = "Needs the permission `payment.view`."
