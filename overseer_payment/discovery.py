"""What provider plugins claim to offer, and whether the claim holds: the decision behind each row's state.

A claim fails for its own reason alone: an import error, a malformed spec, a key that somebody else has,
a setting that can't be read.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from overseer_payment.errors import ConfigurationError
from overseer_payment.hookspecs import PROJECT, PROVIDER_GROUP, ProviderHooks
from overseer_payment.plugins import (
    OWN_DISTRIBUTION,
    Loaded,
    PluginRecord,
    PluginState,
    call_each,
    canonical,
    describe,
    load,
)
from overseer_payment.provider import API_LEVEL, Capability, ProviderSpec
from overseer_payment.schemas import ProviderRow, ProviderState
from overseer_payment.settings import Settings, read_settings

_KEY = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(slots=True)
class Claim:
    """One provider that a plugin offers, or one plugin that could not offer any.

    `spec` is set once the declaration is sound and its key uncontested, `settings` once they were read.
    """

    key: str
    title: str
    record: PluginRecord
    spec: ProviderSpec | None = None
    settings: BaseModel | None = None
    configured: bool = False
    error: str | None = None

    @property
    def state(self) -> ProviderState:
        if self.record.state is PluginState.BLOCKED:
            return ProviderState.BLOCKED
        if self.error is not None:
            return ProviderState.BROKEN
        return ProviderState.READY if self.configured else ProviderState.NOT_CONFIGURED

    def row(self) -> ProviderRow:
        return ProviderRow(
            key=self.key,
            title=self.title,
            state=self.state,
            error=self.error,
            distribution=self.record.distribution or None,
            version=self.record.version or None,
            api_version=self.spec.api_version if self.spec else None,
            capabilities=sorted(self.spec.capabilities) if self.spec else [],
        )


def discover(environ: Mapping[str, str], settings: Settings) -> list[Claim]:
    """Every claim of every installed provider plugin, by key. Never raises for a plugin's fault."""
    loaded = load(
        PROJECT,
        PROVIDER_GROUP,
        specs=ProviderHooks,
        disabled=settings.disabled_plugins,
        safe_mode=settings.safe_mode,
    )
    claims = [claim for record, offered in _offers(loaded) for claim in _claims(record, offered)]
    claims += [Claim(r.name, r.name, r, error=r.error) for r in loaded.records if not r.active]
    _settle_rivals(claims)
    for claim in claims:
        _configure(claim, environ)
    return sorted(claims, key=lambda claim: (claim.key, claim.record.distribution))


def _offers(loaded: Loaded) -> list[tuple[PluginRecord, list[Any]]]:
    offers = []
    for record, offered in call_each(loaded, "register_providers"):
        try:
            specs = list(offered)  # a generator's body, the plugin's own code, runs here
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            record.fail(f"register_providers: {describe(error)}")
        else:
            offers.append((record, specs))
    for record in loaded.active:
        if not any(specs for owner, specs in offers if owner is record):
            record.fail("register_providers named no provider.")
    return offers


def _claims(record: PluginRecord, offered: list[Any]) -> list[Claim]:
    claims = []
    for spec in offered:
        fault = _fault(spec)
        key = str(getattr(spec, "key", record.name))
        title = str(getattr(spec, "title", key))
        claims.append(Claim(key, title, record, spec=None if fault else spec, error=fault))
    return claims


def _fault(offered: object) -> str | None:
    """What is wrong with this declaration, as one sentence."""
    if not isinstance(offered, ProviderSpec):
        return f"register_providers must yield ProviderSpec objects, not {type(offered).__name__}."
    spec: Any = offered  # its fields come from a stranger: nothing has checked their types yet
    if spec.api_level != API_LEVEL:
        return f"It speaks level {spec.api_level} of the provider contract; this version speaks {API_LEVEL}."
    if not isinstance(spec.key, str) or not _KEY.fullmatch(spec.key):
        return f"The key {spec.key!r} must be lower case letters, digits and underscores, a letter first."
    if not (isinstance(spec.settings, type) and issubclass(spec.settings, BaseModel)):
        return "Its `settings` must be a pydantic model class."
    if not all(isinstance(capability, Capability) for capability in spec.capabilities):
        return "Its `capabilities` must be members of Capability."
    if not (callable(spec.factory) and callable(spec.configured)):
        return "Its `factory` and `configured` must be callable."
    return None


def _settle_rivals(claims: list[Claim]) -> None:
    # Whoever answers to a key receives money in its name. So a contested key goes to nobody, except
    # that what comes with this package can't be displaced by something installed beside it.
    by_key: defaultdict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        if claim.spec is not None:
            by_key[claim.key].append(claim)
    for key, rivals in by_key.items():
        own = [claim for claim in rivals if canonical(claim.record.distribution) == OWN_DISTRIBUTION]
        for claim in rivals:
            if len(rivals) > 1 and (len(own) != 1 or claim is not own[0]):
                others = sorted({other.record.distribution for other in rivals if other is not claim})
                claim.spec, claim.error = None, _contested(key, others)


def _contested(key: str, others: list[str]) -> str:
    return (
        f"The key {key!r} is also claimed by {', '.join(others)}. "
        "Put the distribution that you don't want into OVERSEER_DISABLE_PLUGINS."
    )


def _configure(claim: Claim, environ: Mapping[str, str]) -> None:
    if claim.spec is None:
        return
    try:
        claim.settings = read_settings(claim.spec.settings, environ)
        claim.configured = bool(claim.spec.configured(claim.settings))
    except ConfigurationError as error:
        claim.error = error.detail
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # Its text may quote a setting's value, which may be a key: name its type only.
        claim.error = f"Its settings could not be read ({type(error).__name__})."
