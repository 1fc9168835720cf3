"""The shapes of listing usage without a cost."""

from typing import Annotated

from pydantic import Field

from allowance.contract.fields import Row, Timestamp
from allowance.contract.query import AFTER, WHOLE_NUMBER, Cursor, Printable, Query


class UnpricedCursor(Cursor):
    """The last model of a page."""

    unpriced_usage_count: Annotated[int, Field(ge=1, lt=1 << 63)]
    provider: Printable
    model: Printable


class UnpricedQuery(Query):
    """The page of the list of models."""

    limit: Annotated[int, Field(ge=1, le=1000, description="Models per page."), WHOLE_NUMBER] = 100
    after: Annotated[UnpricedCursor | None, AFTER] = None


class UnpricedModel(Row):
    """A model, as it was sent, with usage that has no cost, and the first and last hour of it.

    Of `unread_usage_count` among it, the usage object was not read whole: a price of the model
    gives them no cost.
    """

    provider: str
    model: str
    unpriced_usage_count: int
    unread_usage_count: int
    first_hour: Timestamp
    last_hour: Timestamp


class UnpricedModels(Row):
    """Models with usage that has no cost, those with the most of it first.

    `next` is the `after` of the next page, null on the last. A model whose usage grows or gets a
    price between two requests may be missing, or be on both pages.
    """

    models: list[UnpricedModel]
    next: str | None
