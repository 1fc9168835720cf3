"""A spend alert: exact money, an id that never changes, and a subject that every mail server
accepts.
"""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.alerts.models import SpendAlert
from allowance.budgets.effective import LimitSource
from allowance.contract.money import usd_text

ALERT = {
    "user_id": UUID(int=1),
    "username": "maya",
    "email": "maya@acme.example",
    "organization_id": UUID(int=2),
    "organization_name": "acme",
    "group_id": UUID(int=3),
    "group_name": "platform",
    "threshold_percent": 85,
    "spend_limit_micros": 25_000_000,
    "limit_source": "group",
    "spent_micros": 21_250_001,
    "period_start": datetime(2026, 12, 1, tzinfo=UTC),
    "raised_at": datetime(2026, 12, 20, 10, 0, 0, 123456, tzinfo=UTC),
}


def alert(**other: Any) -> SpendAlert:
    return SpendAlert(**(ALERT | other))


def test_the_message_has_every_field_of_the_contract() -> None:
    assert json.loads(alert().message()) == {
        "id": "00000000-0000-0000-0000-000000000001/2026-12-01/85",
        "user_id": "00000000-0000-0000-0000-000000000001",
        "username": "maya",
        "email": "maya@acme.example",
        "organization_id": "00000000-0000-0000-0000-000000000002",
        "organization_name": "acme",
        "group_id": "00000000-0000-0000-0000-000000000003",
        "group_name": "platform",
        "threshold_percent": 85,
        "spend_limit_micros": 25_000_000,
        "limit_source": "group",
        "spent_micros": 21_250_001,
        "period_start": "2026-12-01T00:00:00.000000Z",
        "period_end": "2027-01-01T00:00:00.000000Z",
        "raised_at": "2026-12-20T10:00:00.123456Z",
    }


def test_the_example_in_the_guide_is_a_real_message() -> None:
    guide = (Path(__file__).parents[3] / "docs/alerts.md").read_text()
    (example,) = (
        json.loads(each)
        for each in re.findall(r"```json\n(.*?)```", guide, re.DOTALL)
        if "spent_micros" in each
    )
    times = {name: datetime.fromisoformat(example[name]) for name in ("period_start", "raised_at")}
    ids = {name: UUID(example[name]) for name in ("user_id", "organization_id", "group_id")}
    assert alert(**times, **ids).document() == example


def test_the_text_names_user_percentage_amounts_and_group() -> None:
    assert alert().subject() == "AI spend of maya has reached 85% of the limit"
    assert (
        alert().text()
        == """\
maya (maya@acme.example) has reached 85% of the AI spend limit in December 2026 (UTC).

Spent:         US$ 21.250001
Limit:         US$ 25.00 (of the group, for each member)
Group:         platform
Organization:  acme
Noticed at:    2026-12-20T10:00:00.123456Z

Alert 00000000-0000-0000-0000-000000000001/2026-12-01/85
"""
    )


def test_deleted_users_groups_and_organizations_appear_by_id() -> None:
    gone = alert(
        username=None,
        email=None,
        organization_name=None,
        group_name=None,
        limit_source="user_override",
    )
    assert (
        gone.subject()
        == "AI spend of 00000000-0000-0000-0000-000000000001 has reached 85% of the limit"
    )
    assert "Group:         00000000-0000-0000-0000-000000000003\n" in gone.text()
    assert "Organization:  00000000-0000-0000-0000-000000000002\n" in gone.text()
    assert "US$ 25.00 (the user's own)\n" in gone.text()
    assert json.loads(gone.message())["group_name"] is None


@given(
    username=st.none() | st.from_regex(r"[a-z0-9][a-z0-9-]{0,63}", fullmatch=True),
    name=st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=255),
    percent=st.integers(1, 100_000),
)
def test_a_subject_is_one_short_ascii_line_and_a_message_is_ascii(
    username: str | None, name: str, percent: int
) -> None:
    made = alert(
        username=username, group_name=name, organization_name=name, threshold_percent=percent
    )
    assert made.subject().isascii()
    assert made.subject().isprintable()
    assert len(made.subject()) < 100
    assert made.message().isascii()
    assert json.loads(made.message())["group_name"] == name
    # SNS and SQS accept an id of at most 128 ASCII characters.
    assert made.id.isascii()
    assert len(made.id) <= 128


def test_an_id_depends_on_user_period_and_threshold_alone() -> None:
    again = alert(
        username="may", spent_micros=99, raised_at=datetime(2026, 12, 31, tzinfo=UTC), email=None
    )
    assert again.id == alert().id
    others = {
        alert(user_id=UUID(int=9)).id,
        alert(threshold_percent=100).id,
        alert(period_start=datetime(2027, 1, 1, tzinfo=UTC)).id,
        alert().id,
    }
    assert len(others) == 4


def test_each_limit_source_has_a_text_of_its_own() -> None:
    texts = {alert(limit_source=each).text() for each in get_args(LimitSource)}
    assert len(texts) == len(get_args(LimitSource))


def test_an_unknown_limit_source_raises_instead_of_getting_a_text() -> None:
    unknown = alert().model_copy(update={"limit_source": "organization"})
    with pytest.raises(AssertionError, match="organization"):
        unknown.text()


@given(above=st.integers(0, 10**13), limit=st.integers(0, 10**12))
def test_a_reached_limit_never_shows_less_than_the_limit(above: int, limit: int) -> None:
    spent = limit + Decimal(above).scaleb(-6)
    made = alert(threshold_percent=100, spend_limit_micros=limit, spent_micros=spent)
    assert made.document()["spent_micros"] >= limit
    assert f"Spent:         {usd_text(spent)}\n" in made.text()


def test_the_text_is_exact_and_the_message_whole() -> None:
    made = alert(spent_micros=Decimal("21250000.500001"))
    assert "Spent:         US$ 21.250000500001\n" in made.text()
    assert '"spent_micros": 21250001,' in made.message()
