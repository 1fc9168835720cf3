"""The period of a spend route: a month, or two times. Pure."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from allowance.budgets.effective import Period, period_containing
from allowance.contract.fields import Moment
from allowance.contract.query import Query
from allowance.errors import InvalidQuery, Problem

MAX_DAYS = 400
FIRST = datetime(2020, 1, 1, tzinfo=UTC)
"""The ledger holds nothing that is older."""
LAST = datetime(2100, 1, 1, tzinfo=UTC)

QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)
"""The steps of the sums: by organization and group, and by user."""

MONTH_FORM = re.compile(r"20[2-9]\d-(0[1-9]|1[0-2])", re.ASCII)


def month_of(text: str) -> Period:
    """Return the month that a text like 2026-11 names. Raise ValueError for any other text."""
    if not MONTH_FORM.fullmatch(text):
        raise ValueError("must be a month like 2026-11, from 2020 on")
    return period_containing(datetime(int(text[:4]), int(text[5:]), 1, tzinfo=UTC))


def named_month(text: str) -> str:
    """Return the text. Raise like `month_of`."""
    month_of(text)
    return text


class PeriodQuery(Query):
    """A month, or the times between which to add up."""

    month: Annotated[
        str | None,
        Field(
            description="A calendar month like 2026-11; without it and `from`, the current one.",
            json_schema_extra={
                "anyOf": [
                    {"type": "string", "pattern": f"^{MONTH_FORM.pattern}$"},
                    {"type": "null"},
                ]
            },
        ),
        AfterValidator(named_month),
    ] = None
    from_: Annotated[
        Moment | None,
        Field(alias="from", description="The first time that counts, in place of a month."),
    ] = None
    to: Annotated[
        Moment | None,
        Field(
            validate_default=True,
            description=f"The end, exclusive: at most {MAX_DAYS} days after `from`.",
        ),
    ] = None

    @field_validator("from_")
    @classmethod
    def _from(cls, start: datetime | None, info: ValidationInfo) -> datetime | None:
        if start is not None and info.data.get("month") is not None:
            raise ValueError("must not be given beside `month`")
        if start is not None and not FIRST <= start < LAST:
            raise ValueError("must be a time from 2020 to 2099")
        return start

    @field_validator("to")
    @classmethod
    def _to(cls, end: datetime | None, info: ValidationInfo) -> datetime | None:
        if "from_" not in info.data:
            return end
        start = info.data["from_"]
        if (start is None) != (end is None):
            raise ValueError("must be given beside `from`, and only there")
        if start is not None and end is not None:
            if not start < end <= LAST:
                raise ValueError("must be later than `from`, and not after 2099")
            if end - start > timedelta(days=MAX_DAYS):
                raise ValueError(f"must be at most {MAX_DAYS} days after `from`")
        return end

    def require_bounds(self, step: timedelta) -> Self:
        """Return the query. Raise InvalidQuery unless its times are bounds of sums with this step,
        which is QUARTER or DAY.
        """
        bound = "midnight in UTC" if step == DAY else "a full quarter of an hour"
        problems = [
            Problem(name, f"Must be {bound}: the sums are kept by that.")
            for name, time in (("from", self.from_), ("to", self.to))
            if time is not None and (time - FIRST) % step
        ]
        if problems:
            raise InvalidQuery(problems)
        return self

    def period(self, now: datetime) -> Period:
        """Return the period in UTC days. Raise InvalidQuery like `require_bounds`."""
        self.require_bounds(DAY)
        if self.from_ is not None and self.to is not None:
            return Period(self.from_, self.to)
        if self.month is None:
            return period_containing(now)
        return month_of(self.month)
