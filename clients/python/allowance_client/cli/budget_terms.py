"""The terms of a budget of an organization: what a command states, and what stays."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

from allowance_client.cli.api import Api
from allowance_client.cli.arguments import Amount
from allowance_client.cli.problems import UsageProblem
from allowance_client.cli.scopes import EXAMPLES, scope_of
from allowance_client.cli.times import time_of

NAMED = Group("Only with --name", sort_key=5)
NEVER = "never"


@Parameter(name="*", group=NAMED)
@dataclass(frozen=True, kw_only=True)
class Terms:
    """The options for a budget of the organization. None: not stated."""

    scope: Annotated[str | None, Parameter(help=f"What it counts: {EXAMPLES}.")] = None
    per: Annotated[
        Literal["total", "member", "value"] | None,
        Parameter(help="One limit in total, for each member, or for each value of the label."),
    ] = None
    model: Annotated[
        tuple[str, ...] | None,
        Parameter(negative="", help="Only these models, like anthropic/*. Repeat it for more."),
    ] = None
    period: Annotated[
        Literal["day", "week", "month", "quarter", "year", "none"] | None,
        Parameter(help="When the limit starts again. A new budget: month."),
    ] = None
    time_zone: Annotated[
        str | None, Parameter(help="Zone of the period, like Europe/Berlin. A new budget: UTC.")
    ] = None
    week_starts: Annotated[int | None, Parameter(help="First day of a week: 1 is Monday.")] = None
    year_starts: Annotated[int | None, Parameter(help="First month of a year: 1 to 12.")] = None
    enforcement: Annotated[
        Literal["enforce", "warn", "off"] | None,
        Parameter(help="Refuse calls, admit with a warning, or count only."),
    ] = None
    threshold: Annotated[
        tuple[int, ...] | None,
        Parameter(negative="", help="Percentage for an alert. Repeat it for more."),
    ] = None
    starts: Annotated[
        str | None, Parameter(help="Usage before this time does not count, or never.")
    ] = None
    rollover: Annotated[
        Amount | None, Parameter(help="The most that an unused period carries over.")
    ] = None

    def stated(self) -> list[str]:
        """The names of the options that the command has."""
        return [each.name for each in fields(self) if getattr(self, each.name) is not None]


KEPT = (
    "name",
    "scope",
    "per",
    "models",
    "period",
    "enforcement",
    "thresholds",
    "starts_at",
    "ends_at",
    "rollover_micros",
)


def new_terms(api: Api, name: str, limit: int, terms: Terms, until: str | None) -> dict[str, Any]:
    """The body of a new budget. Raise UsageProblem without a scope."""
    if terms.scope is None:
        raise UsageProblem(f"A new budget needs --scope: {EXAMPLES}. {name!r} is new.")
    start: dict[str, Any] = {"name": name, "per": "total", "period": {"unit": "month"}}
    return changed_terms(api, start, limit, terms, until)


def changed_terms(
    api: Api, existing: dict[str, Any], limit: int, terms: Terms, until: str | None
) -> dict[str, Any]:
    """The body of a change: all of the budget, since a field that is left out gets its default."""
    body = {name: existing[name] for name in KEPT if name in existing}
    body["limit_micros"] = limit
    period = {
        "unit": terms.period,
        "time_zone": terms.time_zone,
        "week_starts": terms.week_starts,
        "year_starts": terms.year_starts,
    }
    body["period"] = body["period"] | {k: v for k, v in period.items() if v is not None}
    stated = {
        "per": terms.per,
        "models": None if terms.model is None else list(terms.model),
        "enforcement": terms.enforcement,
        "thresholds": None if terms.threshold is None else list(terms.threshold),
        "rollover_micros": terms.rollover,
    }
    body |= {name: value for name, value in stated.items() if value is not None}
    for name, time in (("starts_at", terms.starts), ("ends_at", until)):
        if time is not None:
            body[name] = end_time(time)
    if terms.scope is not None:
        body["scope"] = scope_of(terms.scope, api.group_id, api.user_id)
    return body


def end_time(text: str) -> str | None:
    """A time, or None for `never`."""
    return None if text == NEVER else time_of(text)


def require_future(until: str | None) -> None:
    """Raise UsageProblem for an end that is over: the budget would limit nothing. The server checks
    what is no time.
    """
    if until is None or until == NEVER:
        return
    try:
        end = datetime.fromisoformat(time_of(until))
    except ValueError:
        return
    if end.tzinfo is not None and end <= datetime.now(UTC):
        raise UsageProblem(f"--until {until} is over: the budget would limit nothing.")
