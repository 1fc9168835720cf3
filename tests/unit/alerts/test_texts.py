"""The subject and the text of a spend alert, for every kind and every mail server."""

from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.alerts.models import Recipient
from allowance.alerts.texts import subject_of, text_of
from allowance.budgets.effective import LimitSource
from allowance.contract.money import usd_text
from tests.made_alerts import MAYA, alert, notice, of_budget


def test_the_text_of_an_allowance_names_user_amounts_and_group() -> None:
    assert subject_of(alert()) == "AI spend of maya has reached 85% of the limit"
    assert (
        text_of(alert())
        == """\
maya (maya@acme.example) has reached 85% of the limit of AI spend.

Spent:         US$ 21.250001
Reserved:      US$ 0.50
Limit:         US$ 25.00 (of the group, for each member)
Period:        2026-12-01T00:00:00.000000Z to 2027-01-01T00:00:00.000000Z
Group:         platform
Organization:  acme
Noticed at:    2026-12-20T10:00:00.123456Z
Details:       https://api.example/console/x

Alert 00000000-0000-0000-0000-000000000009
"""
    )


def test_the_text_of_a_budget_names_it_and_its_subject() -> None:
    made = of_budget(subject="search", console_url=None, period_start=None, period_end=None)
    assert subject_of(made) == "AI spend has reached 85% of a budget"
    assert (
        text_of(made)
        == """\
The organization has reached 85% of a budget of AI spend.

Spent:         US$ 21.250001
Reserved:      US$ 0.50
Limit:         US$ 25.00 (budget pool)
Label:         search
Period:        without end
Group:         platform
Organization:  acme
Noticed at:    2026-12-20T10:00:00.123456Z

Alert 00000000-0000-0000-0000-000000000009
"""
    )


def test_the_text_of_a_members_budget_names_the_member() -> None:
    made = of_budget(user=alert().user, subject=str(MAYA))
    assert subject_of(made) == "AI spend of maya has reached 85% of a budget"
    assert "Label:" not in text_of(made)


def test_the_text_of_a_refusal_says_what_is_zero() -> None:
    changes = {"kind": "refused", "threshold_percent": None, "limit_micros": 0}
    own, pool = alert(**changes), of_budget(**changes)
    assert subject_of(own) == "AI calls of maya are refused: the limit is US$ 0.00"
    assert subject_of(pool) == "AI calls are refused: a budget is US$ 0.00"
    first, _, _ = text_of(own).partition("\n")
    assert first == (
        "Calls to AI models are refused, because the limit is 0: maya (maya@acme.example)."
    )


def test_the_text_of_a_notice_lists_models_with_their_tokens() -> None:
    assert subject_of(notice()) == "AI models without a price were used: 3"
    assert (
        text_of(notice())
        == """\
3 AI models without a price were used in the last 7 days. Their usage costs nothing in any budget \
until they have a price.

p/x: 1,234,567 tokens in 12 usages
p/y: 0 tokens in 1 usages
and 1 more

Organization:  acme
Noticed at:    2026-12-20T10:00:00.123456Z
Details:       https://api.example/console/x

Alert 00000000-0000-0000-0000-000000000009
"""
    )


def test_deleted_users_groups_and_organizations_appear_by_id() -> None:
    gone = alert(
        user=Recipient(id=MAYA, username=None, email=None), organization_name=None, group_name=None
    )
    assert subject_of(gone) == f"AI spend of {MAYA} has reached 85% of the limit"
    assert f"Group:         {gone.group_id}\n" in text_of(gone)
    assert f"Organization:  {gone.organization_id}\n" in text_of(gone)


@given(
    username=st.none() | st.from_regex(r"[a-z0-9][a-z0-9-]{0,63}", fullmatch=True),
    percent=st.integers(1, 100_000),
)
def test_a_subject_is_one_short_ascii_line(username: str | None, percent: int) -> None:
    user = Recipient(id=MAYA, username=username, email=None)
    for made in (
        alert(user=user, threshold_percent=percent),
        of_budget(user=user, budget_name="Zürich\u2028" * 30, threshold_percent=percent),
        alert(user=user, kind="refused", threshold_percent=None),
        notice(model_count=percent),
    ):
        subject = subject_of(made)
        assert subject.isascii()
        assert subject.isprintable()
        assert len(subject) < 100


def test_each_limit_source_has_a_text_of_its_own() -> None:
    texts = {text_of(alert(limit_source=each)) for each in get_args(LimitSource)}
    assert len(texts) == len(get_args(LimitSource))


@pytest.mark.parametrize(
    ("field", "value"), [("limit_source", "organization"), ("kind", "forecast")]
)
def test_an_unknown_kind_or_source_raises_instead_of_getting_a_text(field: str, value: str) -> None:
    unknown = alert().model_copy(update={field: value})
    with pytest.raises(AssertionError, match=value):
        text_of(unknown)


@given(above=st.integers(0, 10**13), limit=st.integers(0, 10**12))
def test_a_reached_limit_never_shows_less_than_the_limit(above: int, limit: int) -> None:
    spent = limit + Decimal(above).scaleb(-6)
    made = alert(threshold_percent=100, limit_micros=limit, spent_micros=spent)
    assert made.document()["spent_micros"] >= limit
    assert f"Spent:         {usd_text(spent)}\n" in text_of(made)
