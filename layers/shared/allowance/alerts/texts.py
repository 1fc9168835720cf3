"""Spend alerts for people who receive them by e-mail: the subject and the text. Pure."""

from typing import assert_never

from allowance.alerts.models import Alert
from allowance.contract.fields import rfc3339
from allowance.contract.money import usd_text


def subject_of(alert: Alert) -> str:
    """Return one line of ASCII under 100 characters. The username is the only chosen name in it."""
    of_user = f" of {_username(alert)}" if alert.user else ""
    match alert.kind:
        case "threshold":
            return f"AI spend{of_user} has reached {alert.threshold_percent}% of {_limit(alert)}"
        case "refused":
            return f"AI calls{of_user} are refused: {_limit(alert)} is US$ 0.00"
        case "unpriced_models":
            return f"AI models without a price were used: {alert.model_count}"
        case _:
            assert_never(alert.kind)


def text_of(alert: Alert) -> str:
    """Return the text."""
    lines = [
        _sentence(alert),
        "",
        *(_models(alert) if alert.models is not None else _amounts(alert)),
        f"Organization:  {alert.organization_name or alert.organization_id}",
        f"Noticed at:    {rfc3339(alert.raised_at)}",
        *([f"Details:       {alert.console_url}"] if alert.console_url else []),
        "",
        f"Alert {alert.id}",
    ]
    return "\n".join(lines) + "\n"


def _sentence(alert: Alert) -> str:
    whose = _person(alert) if alert.user else "The organization"
    match alert.kind:
        case "threshold":
            return f"{whose} has reached {alert.threshold_percent}% of {_limit(alert)} of AI spend."
        case "refused":
            return f"Calls to AI models are refused, because {_limit(alert)} is 0: {whose}."
        case "unpriced_models":
            return (
                f"{alert.model_count} AI models without a price were used in the last 7 days. Their"
                " usage costs nothing in any budget until they have a price."
            )
        case _:
            assert_never(alert.kind)


def _limit(alert: Alert) -> str:
    return "a budget" if alert.budget_kind == "budget" else "the limit"


def _username(alert: Alert) -> str:
    return alert.user.username or str(alert.user.id) if alert.user else ""


def _person(alert: Alert) -> str:
    address = f" ({alert.user.email})" if alert.user and alert.user.email else ""
    return f"{_username(alert)}{address}"


def _amounts(alert: Alert) -> list[str]:
    """Return the lines about the budget. The amounts are exact."""
    period = "without end"
    if alert.period_start is not None and alert.period_end is not None:
        period = f"{rfc3339(alert.period_start)} to {rfc3339(alert.period_end)}"
    return [
        f"Spent:         {usd_text(alert.spent_micros or 0)}",
        f"Reserved:      {usd_text(alert.reserved_micros or 0)}",
        f"Limit:         {usd_text(alert.limit_micros or 0)} ({_limit_of(alert)})",
        *([f"Label:         {alert.subject}"] if alert.subject and not alert.user else []),
        f"Period:        {period}",
        f"Group:         {alert.group_name or alert.group_id}",
    ]


def _limit_of(alert: Alert) -> str:
    match alert.limit_source:
        case None:
            return f"budget {alert.budget_name}"
        case "user_override":
            return "the user's own"
        case "group":
            return "of the group, for each member"
        case _:
            assert_never(alert.limit_source)


def _models(alert: Alert) -> list[str]:
    shown = alert.models or []
    rest = (alert.model_count or 0) - len(shown)
    return [
        *(
            f"{each.provider}/{each.model}: {each.tokens:,} tokens in {each.usage_count:,} usages"
            for each in shown
        ),
        *([f"and {rest:,} more"] if rest > 0 else []),
        "",
    ]
