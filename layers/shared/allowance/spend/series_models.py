"""The shapes of spend over time: the sums of the database, and the series of a response."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from allowance.contract.fields import Micros, Row, Timestamp
from allowance.spend.series_query import By


class SeriesTerms(Row):
    """The points of a series, and what its filters name. No points: the time zone is unknown."""

    starts: list[datetime] | None
    ends: datetime | None
    group_id: UUID | None
    user_id: UUID | None


class SeriesRow(Row):
    """The sums of a point (counted from 1) of a series, of the rest, or of other label sets."""

    kind: Literal["key", "rest", "other"]
    place: int | None
    key: str | None
    name: str | None
    point: int
    cost_micros: Decimal
    tokens: int
    usage_count: int
    unpriced_usage_count: int
    unattributed_micros: Decimal
    unattributed_usage_count: int


class Point(Row):
    """What was spent from `start` to the next point. Usage without a price costs nothing yet:
    `unpriced_usage_count` counts it.
    """

    start: Timestamp
    cost_micros: Micros
    tokens: int
    usage_count: int
    unpriced_usage_count: int


class Series(Row):
    """The points of a key. `key` null: usage without it, or all usage if nothing is split. A group
    or user has a `name`, null if it is deleted or hidden.
    """

    key: str | None
    name: str | None
    total_micros: Micros
    points: list[Point]


class Rest(Row):
    """What is in no series."""

    total_micros: Micros
    points: list[Point]


class SpendSeries(Row):
    """Spend over time. `series` has the keys with the highest cost, and `rest` what else counts,
    `rest_micros` in all. `total_micros` is of both.

    `other_labels` is usage that a split or filter by label cannot place, because its day has more
    than 1,000 label sets: it is in no series, and not in the total. Null: there is none.
    """

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    from_: Annotated[Timestamp, Field(alias="from")]
    to: Timestamp
    by: By
    time_zone: str
    split: str | None
    series: list[Series]
    rest_micros: Micros
    rest: Rest | None
    other_labels: Rest | None
    total_micros: Micros
    unpriced_usage_count: int


class OrganizationSpendSeries(SpendSeries):
    """Spend of an organization over time. What is unattributed is in the total: usage of names that
    are no user.
    """

    unattributed_micros: Micros
    unattributed_usage_count: int
