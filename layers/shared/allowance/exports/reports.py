"""Reports of an organization's spend as Coder's clients ask for them: by user, and row by row.

The shapes and parameters are those of Coder's API. docs/exports.md says what differs.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field

from allowance.contract.fields import Micros, Moment, Row, Timestamp, hyphenated
from allowance.contract.query import WHOLE_NUMBER, Printable, Query

MAX_PAGE = 100

PeriodStart = Annotated[
    Moment | None,
    Field(description="The report's start, with `period_end`; the current month if absent."),
]
PeriodEnd = Annotated[
    Moment | None, Field(description="The report's end, exclusive; at most 31 days later.")
]
UserId = Annotated[
    UUID | None, Field(description="Spend of this user."), BeforeValidator(hyphenated)
]
GroupId = Annotated[
    UUID | None,
    Field(description="Spend that counts for this group."),
    BeforeValidator(hyphenated),
]
ProviderName = Annotated[
    Printable | None,
    Field(description="Spend at this provider, by the gateway's name of it if it has one."),
]
Model = Annotated[Printable | None, Field(description="Spend on this model, named as sent.")]
Offset = Annotated[int, Field(ge=0, description="Entries to skip."), WHOLE_NUMBER]
Limit = Annotated[
    int, Field(ge=1, le=MAX_PAGE, description="Entries in the response."), WHOLE_NUMBER
]


class UsersReportQuery(Query):
    """The period, the filters and the page of a report by user."""

    period_start: PeriodStart = None
    period_end: PeriodEnd = None
    provider_name: ProviderName = None
    model: Model = None
    client: Annotated[
        Printable | None,
        Field(description="Spend with this label `client`; `Unknown` is spend without one."),
    ] = None
    limit: Limit = 10
    offset: Offset = 0


class SpendDetailsQuery(Query):
    """The period, the filters and the page of spend details."""

    period_start: PeriodStart = None
    period_end: PeriodEnd = None
    user_id: UserId = None
    group_id: GroupId = None
    provider_name: ProviderName = None
    model: Model = None
    limit: Limit = 10
    offset: Offset = 0


class ReportTotals(Row):
    """The sums of all users that match a report's filters."""

    cost_micros: Micros
    unpriced_usage_count: int


class ReportUser(Row):
    """What a user spent, and through which providers, clients and models.

    `name` is the name to display, empty without one. `avatar_url` is always empty.
    """

    user_id: UUID
    username: str
    name: str
    avatar_url: str
    cost_micros: Micros
    unpriced_usage_count: int
    providers: list[str]
    clients: list[str]
    models: list[str]


class UsersReport(Row):
    """A page of the users of an organization who spent something, the most expensive first, with
    the count and the totals of all of them.
    """

    period_start: Timestamp
    period_end: Timestamp
    count: int
    totals: ReportTotals
    users: list[ReportUser]


class SpendDetail(Row):
    """What a user spent for a group on a model of a provider. A deleted group has no name."""

    user_id: UUID
    username: str
    group_id: UUID
    group_name: str
    organization_id: UUID
    organization_name: str
    model: str
    provider: str
    provider_name: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_micros: Micros


class SpendDetails(Row):
    """A page of an organization's spend, and the number of all rows."""

    period_start: Timestamp
    period_end: Timestamp
    count: int
    rows: list[SpendDetail]


class ListedUser(ReportUser):
    """A row of a page of users: with the count and the totals of the report.

    Without `is_listed`, the page is empty and the row has no user.
    """

    count: int
    total_cost_micros: Micros
    total_unpriced_usage_count: int
    is_listed: bool


class ListedDetail(SpendDetail):
    """A row of a page of details: with the number of all rows.

    Without `is_listed`, the page is empty.
    """

    count: int
    is_listed: bool


class MissingPart(Row):
    """A part of a day whose usages are not all in the ledger any more."""

    starts_at: datetime
