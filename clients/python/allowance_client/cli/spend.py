"""`allowance spend`: what was spent in a period, and on what."""

from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from allowance_client.cli.amounts import dollars
from allowance_client.cli.api import Api, connected, path
from allowance_client.cli.options import DEFAULTS, Options
from allowance_client.cli.problems import UsageProblem
from allowance_client.cli.tables import Column, Row, figures, show, texts
from allowance_client.cli.times import shown, time_of

Subject = Literal["me", "user", "group", "org"]

app = App(name="spend", help_format="plaintext")


@app.default
def spend(
    subject: Annotated[
        Subject, Parameter(help="me, user NAME, group NAME or org NAME.", show_choices=False)
    ] = "me",
    name: Annotated[str | None, Parameter(help="The user, the group, or the organization.")] = None,
    /,
    *,
    by: Annotated[
        str | None,
        Parameter(
            help="Show what it was spent on: model, provider, group, user, client or label:KEY.",
            metavar="KEY",
        ),
    ] = None,
    month: Annotated[
        str | None, Parameter(help="A month, like 2026-10. Default: this one.")
    ] = None,
    from_: Annotated[
        str | None, Parameter(name="--from", help="From this midnight in UTC: 2026-10-05.")
    ] = None,
    to: Annotated[str | None, Parameter(help="To this midnight in UTC, which is left out.")] = None,
    top: Annotated[int | None, Parameter(help="Rows with --by, 1 to 50. Default: 50.")] = None,
    model: Annotated[str | None, Parameter(help="With --by or org: only this model.")] = None,
    provider: Annotated[str | None, Parameter(help="With --by or org: only this provider.")] = None,
    label: Annotated[
        str | None, Parameter(help="With --by or org: only this label.", metavar="KEY:VALUE")
    ] = None,
    options: Options = DEFAULTS,
) -> None:
    """Show what was spent: by you (me), a user, a group or an organization (org).

    Without --by it shows the limit too. Spend is exact, and rounded once to a
    millionth of a dollar.
    """
    period = {"month": month, "from": from_ and time_of(from_), "to": to and time_of(to)}
    filters = {"model": model, "provider": provider, "label": label}
    with connected(options) as api:
        route = _route(api, subject, name)
        if by is not None or subject == "org":
            asked = {"by": "month", "split": by, "top": top or (by and 50)}
            series = api.get(f"{route}/series", {**asked, **period, **filters})
            show(series, options, _series_columns(by), _series_rows(series))
            return
        if stated := [each for each, value in filters.items() if value is not None]:
            raise UsageProblem(f"--{stated[0]} needs --by.")
        if top is not None:
            raise UsageProblem("--top needs --by.")
        document = api.get(route, period)
        columns, row = (_group if subject == "group" else _user)(document)
        show(document, options, columns, [row])


def _route(api: Api, subject: Subject, name: str | None) -> str:
    match subject:
        case "me":
            if name is not None:
                raise UsageProblem(f"Whose is {name!r}? Write user, group or org before the name.")
            return path("users", "me", "ai", "spend")
        case "org":
            organization = api.organization if name is None else name
            return path("organizations", organization, "ai", "spend")
        case _:
            if name is None:
                raise UsageProblem(f"Which {subject}? Write: allowance spend {subject} NAME.")
            owner = path("users", name) if subject == "user" else api.group(name)
            return f"{owner}/ai/spend"


def _user(spend: dict[str, Any]) -> tuple[list[Column], Row]:
    limit = spend["spend_limit_micros"]
    used = spend["current_spend_micros"] + spend["reserved_micros"]
    columns = [
        *texts("FROM", "TO"),
        *figures("SPENT", "HELD", "LIMIT", "LEFT"),
        *texts("LIMIT OF"),
        *figures("UNPRICED"),
    ]
    return columns, [
        shown(spend["period_start"]),
        shown(spend["period_end"]),
        dollars(spend["current_spend_micros"]),
        dollars(spend["reserved_micros"]),
        dollars(limit),
        dollars(None if limit is None else limit - used),
        {"user_override": "user", "group": "group"}.get(spend["limit_source"], ""),
        str(spend["unpriced_usage_count"]),
    ]


def _group(spend: dict[str, Any]) -> tuple[list[Column], Row]:
    columns = [
        *texts("FROM", "TO"),
        *figures("SPENT", "HELD", "LIMIT OF A MEMBER", "LIMIT OF ALL", "UNPRICED"),
    ]
    return columns, [
        shown(spend["period_start"]),
        shown(spend["period_end"]),
        dollars(spend["current_spend_micros"]),
        dollars(spend["reserved_micros"]),
        dollars(spend["spend_limit_micros"]),
        dollars(spend["total_spend_limit_micros"]),
        str(spend["unpriced_usage_count"]),
    ]


def _series_columns(by: str | None) -> list[Column]:
    # The key of a label has its own case.
    title = by if by is not None and ":" in by else (by or "period").upper()
    return [*texts(title), *figures("SPENT", "TOKENS", "USAGES", "UNPRICED")]


def _series_rows(series: dict[str, Any]) -> list[Row]:
    """A row for each key, what is in no key, and the total of the server."""
    rest, other = series["rest"], series["other_labels"]
    rows: list[Row] = []
    if series["split"] is not None:
        rows = [_points_row(_title(each), each) for each in series["series"]]
        rows += [] if rest is None else [_points_row("(rest)", rest)]
        rows += [] if other is None else [_points_row("(other labels)", other)]
    # Usage with other labels is not in the server's total.
    counted = [*series["series"], *([] if rest is None else [rest])]
    points = [point for each in counted for point in each["points"]]
    rows.append(_points_row("(total)", {"total_micros": series["total_micros"], "points": points}))
    if series.get("unattributed_usage_count"):
        spent, count = dollars(series["unattributed_micros"]), series["unattributed_usage_count"]
        rows.append(["(of it without a user)", spent, "", str(count), ""])
    return rows


def _title(series: dict[str, Any]) -> str:
    if series["key"] is None:
        return "(none)"
    return series["name"] or series["key"] or '""'


def _points_row(title: str, part: dict[str, Any]) -> Row:
    sums = (
        str(sum(point[each] for point in part["points"]))
        for each in ("tokens", "usage_count", "unpriced_usage_count")
    )
    return [title, dollars(part["total_micros"]), *sums]
