"""The query of a series, and the period of every spend route: what is refused, by which name."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from allowance.budgets.effective import Period
from allowance.errors import InvalidQuery
from allowance.http.request import Request
from allowance.spend.periods import PeriodQuery
from allowance.spend.series_query import (
    CLIENT_LABEL,
    MAX_POINTS,
    TOKEN_UNITS,
    OrganizationSeriesQuery,
    UserSeriesQuery,
)

DAY = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"}
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def read[Q: PeriodQuery](model: type[Q], /, **parameters: str) -> Q:
    request = Request("r", "GET", "/", {}, {}, urlencode(parameters), "")
    return request.query(model)


def refused(model: type[PeriodQuery], /, **parameters: str) -> dict[str, str]:
    """The problems by their fields."""
    try:
        query = read(model, **parameters)
        if isinstance(query, OrganizationSeriesQuery):
            query.require_points(by_user=query.split == "user" or query.user is not None)
        elif isinstance(query, UserSeriesQuery):
            query.require_points(by_user=True)
        else:
            query.period(NOW)
    except InvalidQuery as error:
        return {each.field: each.detail for each in error.problems}
    return {}


BOUND = {
    "quarter": "Must be a full quarter of an hour: the sums are kept by that.",
    "day": "Must be midnight in UTC: the sums are kept by that.",
}


@pytest.mark.parametrize(
    ("parameters", "problems"),
    [
        ({"month": "2026-13"}, {"month": "Must be a month like 2026-11, from 2020 on."}),
        ({"month": "2019-12"}, {"month": "Must be a month like 2026-11, from 2020 on."}),
        (DAY | {"month": "2026-11"}, {"from": "Must not be given beside `month`."}),
        ({"from": DAY["from"]}, {"to": "Must be given beside `from`, and only there."}),
        ({"to": DAY["to"]}, {"to": "Must be given beside `from`, and only there."}),
        (
            {"from": "2019-12-31T00:00:00Z", "to": "2020-01-02T00:00:00Z"},
            {"from": "Must be a time from 2020 to 2099."},
        ),
        (
            {"from": DAY["to"], "to": DAY["to"]},
            {"to": "Must be later than `from`, and not after 2099."},
        ),
        (
            {"from": "2099-12-31T00:00:00Z", "to": "2100-01-02T00:00:00Z"},
            {"to": "Must be later than `from`, and not after 2099."},
        ),
        (
            {"from": "2026-01-01T00:00:00Z", "to": "2027-02-06T00:00:00Z"},
            {"to": "Must be at most 400 days after `from`."},
        ),
        (
            {"from": "2026-11-01", "to": DAY["to"]},
            {"from": "Must be a time with its offset from UTC, like 2026-11-22T06:00:00Z."},
        ),
        (DAY | {"from": "2026-11-01T12:00:00Z"}, {"from": BOUND["day"]}),
        (DAY | {"to": "2026-11-02T00:00:00+01:00"}, {"to": BOUND["day"]}),
        ({"months": "2026-11"}, {"months": "Unknown field. Did you mean month?"}),
    ],
)
def test_a_period_that_is_none_is_refused_by_name(
    parameters: dict[str, str], problems: dict[str, str]
) -> None:
    found = refused(PeriodQuery, **parameters)
    assert found.keys() == problems.keys()
    assert all(found[name].startswith(detail) for name, detail in problems.items()), found


@pytest.mark.parametrize(
    ("parameters", "start", "end"),
    [
        ({}, "2026-11-01", "2026-12-01"),
        ({"month": "2025-12"}, "2025-12-01", "2026-01-01"),
        (DAY, "2026-11-01", "2026-11-02"),
        ({"from": "2026-01-01T01:00:00+01:00", "to": "2027-02-05T00:00:00Z"}, "2026-01-01",
         "2027-02-05"),
    ],
)  # fmt: skip
def test_a_period_is_a_month_or_lies_between_two_days(
    parameters: dict[str, str], start: str, end: str
) -> None:
    expected = (datetime.fromisoformat(f"{each}T00:00:00Z") for each in (start, end))
    assert read(PeriodQuery, **parameters).period(NOW) == Period(*expected)


USER_DAYS = "the sums of a user are kept by UTC day."
FULL = {"from": "2026-01-01T00:00:00Z", "to": "2027-02-05T00:00:00Z"}


@pytest.mark.parametrize(
    ("model", "parameters", "problems"),
    [
        (OrganizationSeriesQuery, {"by": "year"}, {"by": None}),
        (OrganizationSeriesQuery, {"split": "label:"}, {
            "split": "Must be model, provider, group, user, client or label:KEY."}),
        (OrganizationSeriesQuery, {"split": "token"}, {"split": None}),
        (OrganizationSeriesQuery, {"label": "project"}, {
            "label": "Must be KEY:VALUE, such as project:search."}),
        (OrganizationSeriesQuery, {"label": "a:\x00"}, {"label": None}),
        (OrganizationSeriesQuery, {"top": "0"}, {"top": "Must be at least 1."}),
        (OrganizationSeriesQuery, {"top": "51"}, {"top": "Must not exceed 50."}),
        (OrganizationSeriesQuery, {"model": ""}, {"model": "Must not be empty."}),
        (OrganizationSeriesQuery, {"provider": "\x07"}, {"provider": None}),
        (OrganizationSeriesQuery, {"user": "A"}, {"user": "Must be a UUID, a username or me."}),
        (OrganizationSeriesQuery, {"time_zone": "CET"}, {
            "time_zone": "Must be UTC, or a name like Europe/Berlin."}),
        (OrganizationSeriesQuery, DAY | {"from": "2026-11-01T00:05:00Z"}, {
            "from": BOUND["quarter"]}),
        (OrganizationSeriesQuery, DAY | {"to": "2026-11-02T00:15:00Z", "split": "user"}, {
            "to": BOUND["day"]}),
        (OrganizationSeriesQuery, {"split": "user", "by": "hour"}, {
            "by": f"Must be day, week or month: {USER_DAYS}"}),
        (OrganizationSeriesQuery, {"user": "me", "time_zone": "Europe/Paris"}, {
            "time_zone": f"Must be UTC: {USER_DAYS}"}),
        (UserSeriesQuery, {"by": "hour", "time_zone": "Europe/Paris"}, {
            "by": f"Must be day, week or month: {USER_DAYS}",
            "time_zone": f"Must be UTC: {USER_DAYS}"}),
        (UserSeriesQuery, {"user": "maya"}, {"user": None}),
        (UserSeriesQuery, {"group": "platform"}, {
            "group": "Must be a UUID of 36 characters with hyphens."}),
        (OrganizationSeriesQuery, FULL | {"by": "hour", "split": "model", "top": "2"}, {
            "by": "Too many points: up to 9601 of 3 series, more than 20000. Take longer ones,"
            " a shorter period or a smaller `top`."}),
        (OrganizationSeriesQuery, {"by": "hour", "split": "model", "top": "26"}, {"by": None}),
        (OrganizationSeriesQuery, {"by": "hour", "split": "client", "top": "25"}, {"by": None}),
    ],
)  # fmt: skip
def test_a_series_that_is_not_kept_is_refused_by_name(
    model: type[PeriodQuery], parameters: dict[str, str], problems: dict[str, str | None]
) -> None:
    found = refused(model, **parameters)
    assert {name: problems.get(name) and detail for name, detail in found.items()} == problems


@pytest.mark.parametrize(
    "parameters",
    [
        FULL | {"by": "hour"},
        FULL | {"by": "hour", "split": "model", "top": "1"},
        {"by": "hour", "split": "model", "top": "25"},
        FULL | {"split": "user", "top": "46"},
        {"split": "label:team/eu.west-1", "label": "project:a:b, c", "month": "2026-02"},
        {"label": "project:"},
        DAY | {"from": "2026-10-31T23:45:00Z", "time_zone": "Asia/Kathmandu"},
    ],
)
def test_a_series_with_few_points_is_taken(parameters: dict[str, str]) -> None:
    query = read(OrganizationSeriesQuery, **parameters)
    assert query.require_points(by_user=query.split == "user") is query


def test_a_client_is_a_label_and_a_value_may_have_colons() -> None:
    query = read(OrganizationSeriesQuery, split="client", label="project:a:b")
    parts: dict[str, Any] = query.parts
    assert parts["split_label"] == CLIENT_LABEL
    assert (parts["label_key"], parts["label_value"]) == ("project", "a:b")
    assert read(OrganizationSeriesQuery, split="model").parts["split_label"] is None
    assert query.is_filtered
    assert not read(OrganizationSeriesQuery, split="user", group="g").is_filtered


def test_tokens_of_audio_and_images_count_but_searches_do_not() -> None:
    assert "input_audio" in TOKEN_UNITS
    assert not {"web_searches", "audio_milliseconds", "input_characters"} & set(TOKEN_UNITS)
    assert MAX_POINTS * 250 < 6_000_000
