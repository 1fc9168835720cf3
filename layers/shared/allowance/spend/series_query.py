"""Which series of spend a caller asks for: the points, the split and the filters. Pure."""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field

from allowance.budgets.terms import TimeZone
from allowance.contract.fields import MAX_NAME_LENGTH, UUID_FORM, hyphenated
from allowance.contract.query import WHOLE_NUMBER, Printable, UserKey
from allowance.errors import InvalidQuery, Problem
from allowance.prices.units import OTHER_UNITS
from allowance.spend.periods import DAY, QUARTER, PeriodQuery

MAX_TOP = 50
MAX_POINTS = 20_000
"""The points of a response. A Lambda's response has at most 6 MB."""

By = Literal["hour", "day", "week", "month"]
# What each lasts at least: hours of a day on which clocks go back count one by one.
_STEPS: Mapping[By, timedelta] = {
    "hour": timedelta(hours=1),
    "day": timedelta(hours=23),
    "week": timedelta(hours=7 * 24 - 1),
    "month": timedelta(hours=28 * 24 - 1),
}
TOKEN_UNITS = sorted(name for name, unit in OTHER_UNITS.items() if unit.tokens_of is not None)
CLIENT_LABEL = "client"

_LABEL_KEY = r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,63}"
_SPLIT = re.compile(f"model|provider|group|user|client|label:{_LABEL_KEY}", re.ASCII)
# Postgres takes neither NUL nor half of a surrogate pair.
_LABEL = re.compile(f"{_LABEL_KEY}:[^\\x00\\ud800-\\udfff\\ufffd]{{0,255}}", re.ASCII)


def _split(text: str) -> str:
    if not _SPLIT.fullmatch(text):
        raise ValueError("must be model, provider, group, user, client or label:KEY")
    return text


def _label(text: str) -> str:
    if not _LABEL.fullmatch(text):
        raise ValueError("must be KEY:VALUE, such as project:search")
    return text


def _as_pattern(pattern: str) -> Any:
    return {"anyOf": [{"type": "string", "pattern": f"^({pattern})$"}, {"type": "null"}]}


FilterName = Annotated[Printable, Field(min_length=1, max_length=MAX_NAME_LENGTH)]
GroupId = Annotated[UUID, BeforeValidator(hyphenated)]


class SeriesQuery(PeriodQuery):
    """Which series to return. The filters select the usage that counts."""

    by: Annotated[By, Field(description="What a point is. Weeks start on Monday.")] = "day"
    time_zone: TimeZone = "UTC"
    split: Annotated[
        str | None,
        Field(
            description="Of what there is a series each: model, provider, group, user, client or "
            "label:KEY; without it, one series of all.",
            json_schema_extra=_as_pattern(_SPLIT.pattern),
        ),
        AfterValidator(_split),
    ] = None
    top: Annotated[
        int,
        Field(ge=1, le=MAX_TOP, description="How many series; what else there is, is the rest."),
        WHOLE_NUMBER,
    ] = 10
    model: Annotated[FilterName | None, Field(description="Usage of this model only.")] = None
    provider: Annotated[FilterName | None, Field(description="Usage of this provider only.")] = None
    label: Annotated[
        str | None,
        Field(
            description="Usage with this label only, as KEY:VALUE.",
            json_schema_extra=_as_pattern(f"{_LABEL_KEY}:[^\\x00-\\x1f\\ufffd]{{0,255}}"),
        ),
        AfterValidator(_label),
    ] = None

    @property
    def terms(self) -> dict[str, Any]:
        """Return the parameters of a query that say which points to return."""
        return {
            "by": self.by,
            "time_zone": self.time_zone,
            "month": None if self.month is None else date.fromisoformat(f"{self.month}-01"),
            "starts_at": self.from_,
            "ends_at": self.to,
        }

    @property
    def parts(self) -> dict[str, Any]:
        """Return the parameters of a query that say what to split, and which usage counts."""
        key, _, value = (self.label or "").partition(":")
        return {
            "split": self.split,
            "split_label": self.split_label,
            "top": self.top,
            "model": self.model,
            "provider": self.provider,
            "label_key": key or None,
            "label_value": value,
            "token_units": TOKEN_UNITS,
        }

    @property
    def split_label(self) -> str | None:
        """Return the key of the label by which to split."""
        if self.split == "client":
            return CLIENT_LABEL
        return self.split[6:] if self.split is not None and self.split[:6] == "label:" else None

    @property
    def is_filtered(self) -> bool:
        """Return whether a part of what the sums by month hold is asked for."""
        return any(each is not None for each in (self.model, self.provider, self.label))

    def require_points(self, *, by_user: bool) -> Self:
        """Return the query. Raise InvalidQuery unless the sums have such points, and few enough.

        Sums of a user are kept by UTC day.
        """
        if by_user:
            problems = [
                Problem(name, f"Must be {taken}: the sums of a user are kept by UTC day.")
                for name, taken, wrong in (
                    ("by", "day, week or month", self.by == "hour"),
                    ("time_zone", "UTC", self.time_zone != "UTC"),
                )
                if wrong
            ]
            if problems:
                raise InvalidQuery(problems)
        self.require_bounds(DAY if by_user else QUARTER)
        length = timedelta(days=31, hours=1)
        if self.from_ is not None and self.to is not None:
            length = self.to - self.from_
        points = math.ceil(length / _STEPS[self.by]) + 1
        by_label = self.split_label is not None or self.label is not None
        series = (1 if self.split is None else self.top + 1) + by_label
        if points * series > MAX_POINTS:
            raise InvalidQuery(
                [
                    Problem(
                        "by",
                        f"Too many points: up to {points} of {series} series, more than"
                        f" {MAX_POINTS}. Take longer ones, a shorter period or a smaller `top`.",
                    )
                ]
            )
        return self


class GroupSeriesQuery(SeriesQuery):
    """Which series of a group to return."""

    user: Annotated[
        UserKey | None,
        Field(description="Usage of this user only: a UUID, a username of a member, or `me`."),
    ] = None


class OrganizationSeriesQuery(GroupSeriesQuery):
    """Which series of an organization to return."""

    group: Annotated[
        FilterName | None,
        Field(description="Usage that counts for this group only: a UUID or a name."),
    ] = None


class UserSeriesQuery(SeriesQuery):
    """Which series of a user to return."""

    group: Annotated[
        GroupId | None, Field(description="Usage that counts for this group only: a UUID.")
    ] = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The group and the user that a request names: each by its id, or by its name."""

    group_id: UUID | None
    group_name: str | None
    named_user_id: UUID | None
    named_username: str | None

    @classmethod
    def of(cls, query: GroupSeriesQuery, caller_id: UUID, *, group: str | None) -> Self:
        """Return what a query of a caller names; `group` is of the path or the query."""
        user = str(caller_id) if query.user == "me" else query.user
        return cls(*_id_or_name(group), *_id_or_name(user))

    @property
    def names_user(self) -> bool:
        return self.named_user_id is not None or self.named_username is not None

    @property
    def names_anything(self) -> bool:
        return self.names_user or self.group_id is not None or self.group_name is not None

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the parameters of a query."""
        return asdict(self)


def _id_or_name(text: str | None) -> tuple[UUID | None, str | None]:
    if text is not None and UUID_FORM.fullmatch(text):
        return UUID(text), None
    return None, text
