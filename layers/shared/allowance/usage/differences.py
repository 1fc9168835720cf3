"""The shapes of listing how far our costs are from those that records state."""

from typing import Annotated

from pydantic import Field

from allowance.contract.fields import Micros, Row
from allowance.contract.query import AFTER, WHOLE_NUMBER, Cursor, Printable, Query


class DifferenceCursor(Cursor):
    """The last model of a page. Its difference, without a sign, is in 1e-12 USD."""

    difference_picos: Annotated[int, Field(ge=0, lt=10**36)]
    provider: Printable
    model: Printable


class DifferenceQuery(Query):
    """The page of the list of models."""

    limit: Annotated[int, Field(ge=1, le=1000, description="Models per page."), WHOLE_NUMBER] = 100
    after: Annotated[DifferenceCursor | None, AFTER] = None


class CostDifference(Row):
    """A model, as it was sent, with usage that has a cost by the price book and states another.

    `difference_micros` is our cost less the stated one.
    """

    provider: str
    model: str
    usage_count: int
    cost_micros: Micros
    stated_cost_micros: Micros
    difference_micros: Micros
    # The key of the order, exact.
    difference_picos: Annotated[int, Field(exclude=True)]


class CostDifferences(Row):
    """Models with usage that states a cost, those with the largest difference first.

    `next` is the `after` of the next page, null on the last. Usage of sources whose stated cost
    counts (`cost_from`) has no difference.
    """

    models: list[CostDifference]
    next: str | None
