"""Every environment variable is documented, and none that doesn't exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from overseer_payment.mailing.settings import MailSettings
from overseer_payment.provider_plugins.stripe.settings import StripeSettings
from overseer_payment.settings import Settings
from tests.docs.pages import DOCS, PAGES, ROOT, headings, page

MODELS: tuple[type[BaseModel], ...] = (Settings, MailSettings, StripeSettings)
ELSEWHERE = {"OVERSEER_DEBUG"}
"""Read outside the settings: before they can be built."""

_NAME = re.compile(r"(?<![\w])(?:OVERSEER|PAYMENT|STRIPE)_[A-Z_]*[A-Z]\b")


def aliases() -> dict[str, object]:
    """Each variable with its default."""
    fields = [field for model in MODELS for field in model.model_fields.values()]
    return {str(field.alias): field.get_default() for field in fields}


def section(name: str) -> str:
    """What configuration.md says of one variable."""
    return page("configuration.md").partition(f"### `{name}`\n")[2].partition("\n#")[0]


def test_every_variable_has_a_section() -> None:
    """Each variable that is read has a heading, and each heading's variable is read."""
    documented = {
        found[1] for text in headings(DOCS / "configuration.md") if (found := re.match(r"`(.+)`", text))
    }
    assert documented == set(aliases()) | ELSEWHERE


@pytest.mark.parametrize("name", [*aliases(), *ELSEWHERE])
def test_section_is_complete(name: str) -> None:
    """A variable's section has a meaning, its default, and an example that sets this variable."""
    text = section(name)
    assert re.match(r"\n[A-Z`]", text)
    assert "\n* Default: " in text
    assert f"\n* Example: `{name}=" in text


@pytest.mark.parametrize(("name", "default"), aliases().items())
def test_default_is_the_real_one(name: str, default: object) -> None:
    """A default that is a text stands in its section as it is."""
    shown = default.get_secret_value() if isinstance(default, SecretStr) else default
    if isinstance(shown, str):
        assert f"`{shown}`" in section(name)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_unknown_variable_is_mentioned(path: Path) -> None:
    """No page mentions a variable of ours that nothing reads."""
    of_tests = {"OVERSEER_TEST_EXAMPLES"}  # how long properties are tried
    assert set(_NAME.findall(page(path.name))) <= set(aliases()) | ELSEWHERE | of_tests


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_variables_outside_the_settings_are_read(name: str) -> None:
    """What is documented beside the settings is asked of the environment somewhere."""
    sources = (ROOT / "overseer_payment").rglob("*.py")
    assert any(f'environ.get("{name}"' in source.read_text(encoding="utf-8") for source in sources)
