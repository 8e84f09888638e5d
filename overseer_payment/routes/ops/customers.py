"""Customers."""

from __future__ import annotations

from overseer_payment.routes import examples
from overseer_payment.routes.answers import CustomerList
from overseer_payment.routes.op import Call, Op
from overseer_payment.routes.ops.words import SCOPED
from overseer_payment.schemas import (
    CustomerDetail,
    CustomerQuery,
)


async def list_customers(call: Call[CustomerQuery, None]) -> CustomerList:
    page = await call.payments.customers(call.viewer, call.query)
    return CustomerList(customers=page.rows, next_cursor=page.next_cursor)


async def get_customer(call: Call[None, None]) -> CustomerDetail:
    return await call.payments.customer(call.viewer, call.id)


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
)
