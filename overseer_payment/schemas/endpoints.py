"""Webhook endpoints: where the provider delivers to, and what is wrong with it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from overseer_payment.schemas.base import Body, Row

EndpointFault = Literal["disabled", "missing_events", "api_version", "other_url", "secret_not_set"]
Url = Annotated[str, StringConstraints(max_length=2048, pattern=r"^https?://[\x21-\x7e]+$")]


class EndpointRow(Row):
    """One webhook endpoint as the provider has it."""

    id: str
    provider: str
    livemode: bool
    url: str
    status: Literal["enabled", "disabled"]
    api_version: str | None = Field(
        default=None, description="In which its payloads are written; null: the account's own."
    )
    event_types: list[str]
    description: str = ""
    replaces: str | None = Field(default=None, description="The endpoint whose secret this one's follows.")
    secret_set: bool | None = Field(
        default=None, description="Is its secret among the configured ones? null: it can't be told."
    )
    faults: list[EndpointFault] = Field(default=[], description="How it differs from what we need.")
    missing_events: list[str] = Field(default=[], description="Event types that we handle and it lacks.")
    created_at: datetime
    secret: str | None = Field(
        default=None,
        repr=False,
        description="The signing secret: only in the answer to what made the endpoint, never again.",
    )


class EndpointList(Row):
    """Every webhook endpoint of the account, newest first."""

    webhook_endpoints: list[EndpointRow]
    next_cursor: None = Field(
        default=None, description="As in every list; an account's endpoints are one page."
    )


class EndpointDeleted(Row):
    """The endpoint is gone: nothing is delivered to it any more."""

    id: str
    deleted: Literal[True] = True


class EndpointBody(Body):
    """A webhook endpoint to be made; without a URL it leads here."""

    url: Url | None = None
    description: Annotated[str, StringConstraints(max_length=500)] = ""
    provider: Annotated[str, StringConstraints(max_length=40)] | None = None


class RotationBody(Body):
    """Replacing an endpoint's secret, or with `finish` ending the overlap."""

    finish: bool = False
    force: bool = Field(default=False, description="Finish though the new secret is not configured here.")
    provider: Annotated[str, StringConstraints(max_length=40)] | None = None
