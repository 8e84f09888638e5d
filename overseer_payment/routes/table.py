"""The table of guarded operations: what the REST interface offers, and which call of the façade does it."""

from __future__ import annotations

from overseer_payment.routes import examples
from overseer_payment.routes.answers import CustomerList, SubscriptionList, TransactionList
from overseer_payment.routes.op import Call, Op
from overseer_payment.schemas import (
    Catalog,
    CheckoutBody,
    CheckoutCreated,
    CheckoutRow,
    CustomerDetail,
    CustomerQuery,
    RefundBody,
    RevenueQuery,
    RevenueTimeseries,
    StatusView,
    SubscriptionQuery,
    SubscriptionRow,
    TransactionDetail,
    TransactionQuery,
    TransactionRow,
)


async def create_checkout(call: Call[None, CheckoutBody]) -> CheckoutCreated:
    return await call.payments.create_checkout(call.viewer, call.body, idempotency_key=call.idempotency_key)


async def get_checkout(call: Call[None, None]) -> CheckoutRow:
    return await call.payments.checkout(call.viewer, call.id)


async def list_transactions(call: Call[TransactionQuery, None]) -> TransactionList:
    page = await call.payments.transactions(call.viewer, call.query)
    return TransactionList(transactions=page.rows, next_cursor=page.next_cursor)


async def get_transaction(call: Call[None, None]) -> TransactionDetail:
    return await call.payments.transaction(call.viewer, call.id)


async def refund_transaction(call: Call[None, RefundBody]) -> TransactionRow:
    return await call.payments.refund(call.viewer, call.id, call.body, idempotency_key=call.idempotency_key)


async def list_subscriptions(call: Call[SubscriptionQuery, None]) -> SubscriptionList:
    page = await call.payments.subscriptions(call.viewer, call.query)
    return SubscriptionList(subscriptions=page.rows, next_cursor=page.next_cursor)


async def get_subscription(call: Call[None, None]) -> SubscriptionRow:
    return await call.payments.subscription(call.viewer, call.id)


async def list_customers(call: Call[CustomerQuery, None]) -> CustomerList:
    page = await call.payments.customers(call.viewer, call.query)
    return CustomerList(customers=page.rows, next_cursor=page.next_cursor)


async def get_customer(call: Call[None, None]) -> CustomerDetail:
    return await call.payments.customer(call.viewer, call.id)


async def get_status(call: Call[None, None]) -> StatusView:
    return await call.payments.status(call.viewer)


async def get_revenue(call: Call[RevenueQuery, None]) -> RevenueTimeseries:
    return await call.payments.revenue(call.viewer, call.query)


async def get_catalog(call: Call[None, None]) -> Catalog:
    return await call.payments.catalog(call.viewer)


_SCOPED = "Without the permission `payment.view` only rows of the caller's own customers are known."
_STAFF = "Needs the permission `payment.view`."

OPS = (
    Op(
        method="POST",
        path="/checkout",
        name="create_checkout",
        tag="Checkout",
        summary="Open a hosted checkout",
        description=(
            "Opens a checkout page at the provider and answers where to send the buyer. "
            "Everything but setup mode needs a price."
        ),
        handler=create_checkout,
        answer=CheckoutCreated,
        example=examples.CHECKOUT_CREATED,
        body=CheckoutBody,
        body_example=examples.CHECKOUT_BODY,
        errors=(404, 409, 502),
    ),
    Op(
        method="GET",
        path="/checkouts/{session_id}",
        name="get_checkout",
        tag="Checkout",
        summary="See what became of a checkout",
        description=f"`payment_state` says whether money was collected. {_SCOPED}",
        handler=get_checkout,
        answer=CheckoutRow,
        example=examples.CHECKOUT,
        path_help="The `session_id` that opening the checkout answered.",
    ),
    Op(
        method="GET",
        path="/transactions",
        name="list_transactions",
        tag="Transactions",
        summary="List payments and refunds",
        description=f"Newest first. One payment is one row; a refund is a row with `parent_id`. {_SCOPED}",
        handler=list_transactions,
        answer=TransactionList,
        example={"transactions": [examples.TRANSACTION], "next_cursor": None},
        query=TransactionQuery,
    ),
    Op(
        method="GET",
        path="/transactions/{id}",
        name="get_transaction",
        tag="Transactions",
        summary="See one payment with its history",
        description=f"The row plus its refunds, disputes and timeline. {_SCOPED}",
        handler=get_transaction,
        answer=TransactionDetail,
        example=examples.TRANSACTION_DETAIL,
        path_help="Our id, or any id by which the provider knows the payment.",
    ),
    Op(
        method="POST",
        path="/refund/{transaction_id}",
        name="refund_transaction",
        tag="Transactions",
        summary="Give money back",
        description=(
            "Refunds a payment in full or in part at the provider, and answers the refund's row. Needs the "
            "permission `payment.refund`. 409: nothing is left, or a dispute is open. 422: more than remains."
        ),
        handler=refund_transaction,
        answer=TransactionRow,
        example=examples.REFUND,
        path_help="The payment's id: ours, or any by which the provider knows it.",
        body=RefundBody,
        body_optional=True,
        body_example=examples.REFUND_BODY,
        needs="payment.refund",
        sight=get_transaction,
        errors=(409, 502),
    ),
    Op(
        method="GET",
        path="/subscriptions",
        name="list_subscriptions",
        tag="Subscriptions",
        summary="List subscriptions",
        description=f"Newest first. {_SCOPED}",
        handler=list_subscriptions,
        answer=SubscriptionList,
        example={"subscriptions": [examples.SUBSCRIPTION], "next_cursor": None},
        query=SubscriptionQuery,
    ),
    Op(
        method="GET",
        path="/subscriptions/{id}",
        name="get_subscription",
        tag="Subscriptions",
        summary="See one subscription",
        description=_SCOPED,
        handler=get_subscription,
        answer=SubscriptionRow,
        example=examples.SUBSCRIPTION,
        path_help="Our id, or the provider's.",
    ),
    Op(
        method="GET",
        path="/customers",
        name="list_customers",
        tag="Customers",
        summary="List customers",
        description=f"Newest first. {_SCOPED}",
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
        description=_SCOPED,
        handler=get_customer,
        answer=CustomerDetail,
        example=examples.CUSTOMER_DETAIL,
        path_help="Our id, or the provider's.",
    ),
    Op(
        method="GET",
        path="/status",
        name="get_status",
        tag="Reports",
        summary="See the health of payments and all-time sums",
        description=(
            "`active_subscriptions` counts active and trialing ones. Revenue is given for each currency and "
            f"never summed across them; `net` is gross less refunded less disputed. {_STAFF}"
        ),
        handler=get_status,
        answer=StatusView,
        example=examples.STATUS,
        needs="payment.view",
    ),
    Op(
        method="GET",
        path="/revenue-timeseries",
        name="get_revenue_timeseries",
        tag="Reports",
        summary="See revenue day by day",
        description=f"One point for each day in UTC up to today, per currency; quiet days are zero. {_STAFF}",
        handler=get_revenue,
        answer=RevenueTimeseries,
        example=examples.REVENUE,
        query=RevenueQuery,
        needs="payment.view",
    ),
    Op(
        method="GET",
        path="/catalog",
        name="get_catalog",
        tag="Checkout",
        summary="List what can be sold",
        description=f"The active prices of the default provider, with their products. {_STAFF}",
        handler=get_catalog,
        answer=Catalog,
        example=examples.CATALOG,
        needs="payment.view",
        errors=(409, 502),
    ),
)
