"""Usage without a cost, as the route lists it, and what it is asked by."""

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
    """Which models, page by page."""

    limit: Annotated[int, Field(ge=1, le=1000, description="Models per page."), WHOLE_NUMBER] = 100
    after: Annotated[UnpricedCursor | None, AFTER] = None


class UnpricedModel(Row):
    """A model as it was sent, whose usage has no cost, and the first and the last hour in which it
    was used.
    """

    provider: str
    model: str
    unpriced_usage_count: int
    first_hour: Timestamp
    last_hour: Timestamp


class UnpricedModels(Row):
    """Models of usage without a cost, those with the most of it first; `next` is the `after` of the
    following page.

    It is null on the last. A model whose usage grows or is priced while one turns pages may be
    missed, or come again.
    """

    models: list[UnpricedModel]
    next: str | None
