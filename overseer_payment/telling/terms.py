"""What a listener was last told of a subscription's plan, so that it can be told what has changed.

Kept with the delivery, for each listener its own: what one was told last follows from nothing else. It holds
what is sold and for how much, and nobody's name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from overseer_payment.ledger.queries.subscriptions import plan_name
from overseer_payment.listening import News
from overseer_payment.schemas import SubscriptionRow, SubscriptionTerms
from overseer_payment.tables import product

_COLUMNS = ("amount", "currency", "interval", "interval_count", "quantity")


def of_columns(values: Mapping[str, Any]) -> str:
    """The terms of a subscription's row as it is stored."""
    return _text({name: values[name] for name in _COLUMNS} | {"items": json.loads(values["items"])})


def of_news(news: News | None) -> str | None:
    """The terms that this tells of; None if it tells of something else."""
    if news is None or not isinstance(news.row, SubscriptionRow):
        return None
    return _text(news.row.model_dump(mode="json", include={*_COLUMNS, "items"}))


def _text(values: Mapping[str, Any]) -> str:
    return json.dumps(values, separators=(",", ":"))


def read(connection: Connection, account_id: int, text: str) -> SubscriptionTerms:
    """Terms that were written down; products under the names that they have now."""
    values = json.loads(text)
    of = {item["product_id"] for item in values["items"] if item["product_id"]}
    query = select(product.c.provider_product_id, product.c.name).where(
        product.c.account_id == account_id, product.c.provider_product_id.in_(of), product.c.name.is_not(None)
    )
    names = {row.provider_product_id: row.name for row in connection.execute(query)}
    items = [{**item, "name": names.get(item["product_id"], item["name"])} for item in values["items"]]
    return SubscriptionTerms.model_validate({**values, "items": items, "plan_name": plan_name(items)})
