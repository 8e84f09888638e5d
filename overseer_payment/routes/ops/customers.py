"""Customers."""

from __future__ import annotations

from overseer_payment.asking import customers, portal
from overseer_payment.routes import examples
from overseer_payment.routes.answers import CustomerList
from overseer_payment.routes.op import Call, Op
from overseer_payment.routes.ops.words import SCOPED
from overseer_payment.schemas import (
    CustomerDetail,
    CustomerQuery,
    EraseBody,
    Erased,
    LinkBody,
    PortalBody,
    PortalCreated,
)

_MANAGE = "Needs the permission `payment.manage`."


async def list_customers(call: Call[CustomerQuery, None]) -> CustomerList:
    page = await call.payments.customers(call.viewer, call.query)
    return CustomerList(customers=page.rows, next_cursor=page.next_cursor, searched_since=page.searched_since)


async def get_customer(call: Call[None, None]) -> CustomerDetail:
    return await call.payments.customer(call.viewer, call.id)


async def open_portal(call: Call[None, PortalBody]) -> PortalCreated:
    return await portal.open_portal(call.payments, call.viewer, call.id, call.body)


async def link_customer(call: Call[None, LinkBody]) -> CustomerDetail:
    key, user_id = call.idempotency_key, call.body.user_id
    return await customers.link(call.payments, call.viewer, call.id, user_id, idempotency_key=key)


async def unlink_customer(call: Call[None, None]) -> CustomerDetail:
    key = call.idempotency_key
    return await customers.unlink(call.payments, call.viewer, call.id, idempotency_key=key)


async def erase_customer(call: Call[None, EraseBody]) -> Erased:
    key = call.idempotency_key
    return await customers.erase(call.payments, call.viewer, call.id, call.body, idempotency_key=key)


OPS = (
    Op(
        method="GET",
        path="/customers",
        name="list_customers",
        tag="Customers",
        summary="List customers",
        description=f"Newest first. {SCOPED}",
        handler=list_customers,
        answer=CustomerList,
        example={"customers": [examples.CUSTOMER], "next_cursor": None},
        query=CustomerQuery,
    ),
    Op(
        method="GET",
        path="/customers/{id}",
        name="get_customer",
        tag="Customers",
        summary="See one customer, their value and subscriptions",
        description=SCOPED,
        handler=get_customer,
        answer=CustomerDetail,
        example=examples.CUSTOMER_DETAIL,
        path_help="Our id, or the provider's.",
    ),
    Op(
        method="POST",
        path="/customers/{id}/portal",
        name="open_portal",
        limited=True,
        tag="Customers",
        summary="Open the provider's portal for a customer",
        description=(
            "Answers a short-lived link to the page where the customer sees invoices, changes the card and "
            "ends subscriptions. For the customer's own user; for others it needs `payment.manage`. Who has "
            "the link acts as the customer. Each call makes a new one. 409 `customer_deleted` or "
            "`customer_erased` for who is gone, `other_account`."
        ),
        handler=open_portal,
        answer=PortalCreated,
        example=examples.PORTAL_CREATED,
        path_help="The customer's id: ours, or the provider's.",
        body=PortalBody,
        body_optional=True,
        body_example=examples.PORTAL_BODY,
        errors=(409, 502),
    ),
    Op(
        method="POST",
        path="/customers/{id}/link",
        name="link_customer",
        tag="Customers",
        summary="Say which user of the host a customer is",
        description=(
            "The user then sees the customer's payments and pays as this customer. 409 `already_linked` "
            f"where it is another user's: unlink it first; `customer_erased` for nobody. {_MANAGE}"
        ),
        handler=link_customer,
        answer=CustomerDetail,
        example=examples.CUSTOMER_DETAIL,
        path_help="The customer's id: ours, or the provider's.",
        body=LinkBody,
        body_example={"user_id": "42"},
        needs="payment.manage",
        sight=get_customer,
        errors=(409,),
    ),
    Op(
        method="POST",
        path="/customers/{id}/unlink",
        name="unlink_customer",
        tag="Customers",
        summary="Take a customer from its user",
        description=f"The user gets a new customer at the next checkout. {_MANAGE}",
        handler=unlink_customer,
        answer=CustomerDetail,
        example=examples.CUSTOMER_DETAIL,
        path_help="The customer's id: ours, or the provider's.",
        needs="payment.manage",
        sight=get_customer,
        errors=(409,),
    ),
    Op(
        method="POST",
        path="/customers/{id}/erase",
        name="erase_customer",
        tag="Customers",
        summary="Erase whom a customer is about, and keep the books",
        description=(
            "Names, addresses, free texts and the provider's raw JSON go, from every row, object and stored "
            "delivery; sums, moments and ids stay. What is told of the customer later is recorded without "
            "them. There is no way back. 409 with `at_provider`: it belongs to another account, or the "
            f"provider can't. {_MANAGE}"
        ),
        handler=erase_customer,
        answer=Erased,
        example=examples.ERASED,
        path_help="The customer's id: ours, or the provider's.",
        body=EraseBody,
        body_optional=True,
        body_example={"at_provider": False},
        needs="payment.manage",
        sight=get_customer,
        errors=(409, 502),
    ),
)
