"""The addresses of views, for what holds of each of them."""

from __future__ import annotations

FRAGMENT = {"Accept": "text/vnd.overseer.fragment+html"}
TABS = ("", "/transactions", "/subscriptions", "/customers", "/actions", "/settings")
VIEWS = [f"/payment/modal{tab}" for tab in TABS] + [
    "/payment/modal?days=7&currency=jpy",
    "/payment/modal?days=365",
    "/payment/modal/transactions?status=failed&type=charge&currency=usd&q=a",
    "/payment/transactions/1",
    "/payment/transactions/2",
    "/payment/transactions/4",
    "/payment/transactions/2/refund?amount=1.00",
    "/payment/subscriptions/1",
    "/payment/customers/1",
]
