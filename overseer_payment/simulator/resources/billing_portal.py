"""The customer portal: a page on which customers look after their subscriptions themselves."""

from __future__ import annotations

from overseer_payment.simulator.api import Call, endpoint, paged
from overseer_payment.simulator.errors import parameter_missing
from overseer_payment.simulator.resources.customers import living_customer
from overseer_payment.simulator.resources.shapes import Json
from overseer_payment.simulator.world import World

_DEFAULT = "bpc_sim_default"


def configuration(world: World) -> Json:
    """Return the one portal configuration, made on first use."""
    found = world.peek("billing_portal.configuration", _DEFAULT)
    if found is not None:
        return found
    now = world.clock.now()
    return world.put(
        {
            "id": _DEFAULT,
            "object": "billing_portal.configuration",
            "active": True,
            "application": None,
            "business_profile": {"headline": None, "privacy_policy_url": None, "terms_of_service_url": None},
            "created": now,
            "default_return_url": None,
            "features": _features(),
            "is_default": True,
            "livemode": False,
            "login_page": {"enabled": False, "url": None},
            "metadata": {},
            "name": None,
            "updated": now,
        }
    )


def _features() -> Json:
    return {
        "customer_update": {"allowed_updates": [], "enabled": False},
        "invoice_history": {"enabled": True},
        "payment_method_update": {"enabled": False, "payment_method_configuration": None},
        "subscription_cancel": {
            "cancellation_reason": {"enabled": False, "options": []},
            "enabled": True,
            "mode": "at_period_end",
            "proration_behavior": "none",
        },
        "subscription_pause": {"duration": {"interval_options": [], "type": "indefinite"}, "enabled": False},
        "subscription_update": {
            "billing_cycle_anchor": None,
            "default_allowed_updates": [],
            "enabled": False,
            "proration_behavior": "none",
            "schedule_at_period_end": {"conditions": []},
            "trial_update_behavior": "end_trial",
        },
    }


@endpoint("POST", "/v1/billing_portal/sessions")
def create_portal_session(call: Call) -> Json:
    """Open a portal session for a customer; its page is at `url`."""
    world, params = call.world, call.params
    if "customer" not in params:
        raise parameter_missing("customer")
    customer = living_customer(world, params["customer"])
    if "configuration" in params:
        configuration(world)
        world.get("billing_portal.configuration", params["configuration"], param="configuration")
    id = world.new_id("bps_")
    return world.put(
        {
            "id": id,
            "object": "billing_portal.session",
            "configuration": configuration(world)["id"],
            "created": world.clock.now(),
            "customer": customer["id"],
            "flow": None,
            "livemode": False,
            "locale": params.get("locale"),
            "on_behalf_of": None,
            "return_url": params.get("return_url"),
            "url": f"{world.public_url}/p/session/{id}",
        }
    )


@endpoint("GET", "/v1/billing_portal/configurations")
def list_configurations(call: Call) -> Json:
    """List the portal's configurations."""
    return paged(call, [configuration(call.world)])


@endpoint("GET", "/v1/billing_portal/configurations/{configuration}")
def retrieve_configuration(call: Call) -> Json:
    """Return one configuration of the portal."""
    configuration(call.world)
    return call.world.get("billing_portal.configuration", call.ids["configuration"])
