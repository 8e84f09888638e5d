"""Where a buyer may be sent: our own host and those that the operator names, whatever tricks a URL plays."""

from __future__ import annotations

import pytest

from overseer_payment.errors import Invalid
from overseer_payment.redirects import SESSION, cancel_url, success_url
from overseer_payment.settings import Settings, read_settings

OURS = read_settings(Settings, {"OVERSEER_PUBLIC_URL": "https://pay.example.com"})


def _allowing(*hosts: str, public_url: str = "https://pay.example.com") -> Settings:
    return read_settings(
        Settings, {"OVERSEER_PUBLIC_URL": public_url, "PAYMENT_ALLOWED_REDIRECT_HOSTS": ",".join(hosts)}
    )


def test_defaults_are_the_bundled_pages() -> None:
    """With the provider's placeholder for the session in the success page's address."""
    assert success_url(OURS, None) == f"https://pay.example.com/payment/success?session_id={SESSION}"
    assert cancel_url(OURS, None) == "https://pay.example.com/payment/cancel"


def test_the_operator_s_own_addresses_are_taken_as_they_are() -> None:
    """PAYMENT_SUCCESS_URL and PAYMENT_CANCEL_URL may lead anywhere: the operator decides."""
    urls = {"PAYMENT_SUCCESS_URL": "https://shop.example/ok", "PAYMENT_CANCEL_URL": "https://shop.example/no"}
    settings = read_settings(Settings, urls)
    assert success_url(settings, None) == "https://shop.example/ok"
    assert cancel_url(settings, None) == "https://shop.example/no"


@pytest.mark.parametrize(
    "url",
    [
        "https://pay.example.com/thanks?x=1#top",
        "https://PAY.example.com:443/thanks",
        "https://shop.example/thanks",
        "https://shop.example:8443/thanks",
        "https://other.example:8443/",
        "http://localhost:3000/dev",
    ],
)
def test_allowed_hosts_may_be_named(url: str) -> None:
    """Ours; a listed host, at any port unless the list names one; a listed machine of one's own."""
    settings = _allowing("shop.example", "other.example:8443", "localhost:3000")
    assert success_url(settings, url) == url


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "https://pay.example.com.evil.example/",
        "https://pay.example.com@evil.example/",
        "https://evil.example\\@pay.example.com/",
        "https://evil.example#@pay.example.com/",
        "https://user@pay.example.com/",
        "//evil.example/",
        "/thanks",
        "javascript:alert(1)",
        "data:text/html,hi",
        "https:///thanks",
        "https:evil.example",
        "https://pay.example.com:99999/",
        "https://pay.example.com:8443/",
        "https://[::1/",
        "https://pay.example.com/\n",
        "https://pay.example.com/a b",
        "https://pay.examplе.com/",
        "http://pay.example.com/",
        "http://shop.example/",
        "https://sub.shop.example/",
        "https://other.example/",
        "https://other.example:8444/",
        "",
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    """Other hosts and ports, look-alikes, user names, other schemes, plain http, what is no URL."""
    with pytest.raises(Invalid):
        success_url(_allowing("shop.example", "other.example:8443"), url)
    with pytest.raises(Invalid):
        cancel_url(_allowing("shop.example", "other.example:8443"), url)


def test_a_host_on_this_machine_may_use_plain_http() -> None:
    """Development: our own address is http, and may be returned to."""
    settings = _allowing(public_url="http://127.0.0.1:8000")
    assert success_url(settings, "http://127.0.0.1:8000/ok") == "http://127.0.0.1:8000/ok"
    with pytest.raises(Invalid):
        success_url(settings, "http://127.0.0.1:9000/ok")


def test_return_addresses_stay_as_they_were_set() -> None:
    """A trailing slash may matter to whoever serves the page."""
    environ = {
        "PAYMENT_SUCCESS_URL": "https://shop.example/thanks/",
        "OVERSEER_PUBLIC_URL": "https://pay.example/",
    }
    settings = read_settings(Settings, environ)
    assert settings.success_url == "https://shop.example/thanks/"
    assert settings.public_url == "https://pay.example"
