"""The query and the pages of the export route: a month of an organization's spend as CSV."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, Field, TypeAdapter

from allowance.budgets.effective import Period
from allowance.contract.money import usd, usd_or_none, whole_micros
from allowance.contract.query import WHOLE_NUMBER, Query, content_in, text_for
from allowance.errors import InvalidQuery, Problem
from allowance.exports.reports import (
    GroupId,
    Model,
    PeriodEnd,
    PeriodStart,
    ProviderName,
    UserId,
)
from allowance.exports.unit_columns import unit_columns
from allowance.spend.models import Sums
from allowance.spend.periods import MONTH_FORM, named_month
from allowance.tables import csv as csv_file
from allowance.tables.columns import Column, cells_of
from allowance.tables.csv import BOM, CsvPage

MAX_ROWS = 5_000
MAX_CONTENT_BYTES = 5_000_000
"""The content of a page as JSON. A Lambda's response has at most 6 MB."""

OWN = frozenset({"month", "format", "limit", "after"})
"""The parameters that select our formats."""


class ExportQuery(Query):
    """The month, the columns and the page; or Coder's parameters, the period and the filters."""

    month: Annotated[
        str | None,
        Field(
            description="A calendar month in UTC, like 2026-11; the current one if absent.",
            json_schema_extra={
                "anyOf": [
                    {"type": "string", "pattern": f"^{MONTH_FORM.pattern}$"},
                    {"type": "null"},
                ]
            },
        ),
        AfterValidator(named_month),
    ] = None
    format: Annotated[
        Literal["spend", "focus"],
        Field(
            description=(
                "`spend`: by day, user and group. `focus`: by hour, group, model and labels, in "
                "the columns of FOCUS 1.2."
            )
        ),
    ] = "spend"
    limit: Annotated[
        int,
        Field(ge=1, le=MAX_ROWS, description="Rows per page; fewer if they are too large."),
        WHOLE_NUMBER,
    ] = MAX_ROWS
    after: Annotated[
        str | None,
        Field(
            description="The value in the link to the next page.",
            json_schema_extra={"maxLength": 4096},
        ),
    ] = None
    bom: Annotated[
        Literal["1"] | None,
        Field(description="`1`: begin with the mark by which Excel reads UTF-8. `spend` has it."),
    ] = None
    period_start: PeriodStart = None
    period_end: PeriodEnd = None
    user_id: UserId = None
    group_id: GroupId = None
    provider_name: ProviderName = None
    model: Model = None

    @property
    def is_coders(self) -> bool:
        """Return whether a parameter of Coder's API is given."""
        return bool(self.model_fields_set - OWN - {"bom"})

    def refuse_mixture(self) -> None:
        """Raise InvalidQuery if parameters of ours stand beside those of Coder's API."""
        if mixed := [
            each for each in type(self).model_fields if each in self.model_fields_set & OWN
        ]:
            raise InvalidQuery(
                Problem(each, "Must not stand beside parameters of Coder's form.") for each in mixed
            )


class DailySpend(Sums):
    """What a user spent for a group on a day. The name of a deleted user or group is None."""

    day: date
    user_id: UUID
    username: str | None
    group_id: UUID
    group_name: str | None


class SpendPosition(NamedTuple):
    """The position of a day's spend among the spend of its organization."""

    day: date
    user_id: UUID
    group_id: UUID


def position_of_spend(spend: DailySpend) -> SpendPosition:
    return SpendPosition(spend.day, spend.user_id, spend.group_id)


UNIT_COLUMNS: tuple[Column[DailySpend], ...] = unit_columns()

SPEND_COLUMNS: tuple[Column[DailySpend], ...] = (
    Column("day", "text", lambda each: each.day),
    Column("user_id", "text", lambda each: str(each.user_id)),
    Column("username", "text", lambda each: each.username),
    Column("group_id", "text", lambda each: str(each.group_id)),
    Column("group_name", "text", lambda each: each.group_name),
    Column("input_tokens", "tokens", lambda each: each.input_tokens),
    Column("output_tokens", "tokens", lambda each: each.output_tokens),
    Column("cache_read_tokens", "tokens", lambda each: each.cache_read_tokens),
    Column("cache_write_tokens", "tokens", lambda each: each.cache_write_tokens),
    Column("cache_write_1h_tokens", "tokens", lambda each: each.cache_write_1h_tokens),
    *UNIT_COLUMNS,
    Column("usage_count", "count", lambda each: each.usage_count),
    Column("unpriced_usage_count", "count", lambda each: each.unpriced_usage_count),
    Column("cost_micros", "tokens", lambda each: whole_micros(each.cost_micros)),
    Column("cost_usd", "money", lambda each: usd(each.cost_micros)),
    Column("stated_cost_usd", "money", lambda each: usd_or_none(each.stated_cost_micros)),
    Column(
        "stated_cost_difference_usd",
        "money",
        lambda each: usd_or_none(each.stated_difference_micros),
    ),
)


def page_of[R, P: tuple[object, ...]](
    columns: Sequence[Column[R]],
    rows: Sequence[R],
    position: Callable[[R], P],
    query: ExportQuery,
    period: Period,
    organization_name: str,
) -> CsvPage:
    """Return a page of the rows that fit into `query.limit` and MAX_CONTENT_BYTES.

    One row more than the limit shows that the month goes on.
    """
    has_bom = query.format == "spend" or query.bom is not None
    records = [BOM * has_bom + csv_file.record([column.name for column in columns])]
    size = _size(records[0])
    for row in rows[: query.limit]:
        record = csv_file.record(cells_of(columns, row))
        size += _size(record)
        if size > MAX_CONTENT_BYTES:
            break
        records.append(record)
    written = len(records) - 1
    month = f"{period.start:%Y-%m}"
    following = None
    if written < len(rows):
        after = _text_of(position(rows[written - 1]))
        following = {
            "month": month,
            "format": query.format,
            "limit": str(query.limit),
            "after": after,
        } | ({"bom": query.bom} if query.bom else {})
    name = re.sub(r"[^A-Za-z0-9]+", "-", organization_name).strip("-").lower() or "organization"
    return CsvPage("".join(records), f"{name}-{query.format}-{month}.csv", following)


def _size(record: str) -> int:
    return len(json.dumps(record)) - 2


def _text_of(position: tuple[object, ...]) -> str:
    text = json.dumps(
        position, default=lambda each: each.isoformat() if isinstance(each, date) else str(each)
    )
    return text_for(text.encode())


def position_in[P: tuple[object, ...]](kind: type[P], text: str) -> P:
    """Return the position where the page before ended. Raise InvalidQuery."""
    refusal = InvalidQuery([Problem("after", "Must be the value in the link to the next page.")])
    try:
        position = TypeAdapter(kind).validate_json(content_in(text))
    except ValueError as error:
        raise refusal from error
    # Postgres refuses text with a NUL.
    if "\0" in "".join(each for each in position if isinstance(each, str)):
        raise refusal
    return position
