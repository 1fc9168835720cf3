"""The demo company of `make run`: it spent the plain sum, and a second start adds nothing."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.demo_company import NEARLY_USED_UP, OVER_THE_LIMIT
from tests.demo import assert_shows_the_company
from tests.depth import by_depth
from tests.e2e.stack import running

ACME = "/api/v2/organizations/acme"
FIRST_FULL_DAYS = 6
CHANGED_MICROS = 7_000_000
STARTS = by_depth(1, 2, 2)
"""A start takes seconds of a suite that must stay quick."""


def read(stack: dict[str, Any], path: str, caller: str = "adam") -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {stack['tokens'][caller]}"}
    response = httpx.get(stack["api_url"] + path, headers=headers, timeout=60)
    assert response.status_code == 200, response.text
    return response.json()


def assert_shows_what_needs_care(stack: dict[str, Any]) -> None:
    """One person over the limit, one group at 90%, usage without a price, and usage of nobody."""
    person = read(stack, f"/api/v2/users/{OVER_THE_LIMIT}/ai/spend")
    assert person["current_spend_micros"] > person["spend_limit_micros"]
    team = read(stack, f"{ACME}/ai/budgets/{NEARLY_USED_UP}%20team/spend")["total"]
    assert 0.89 < team["spent_micros"] / team["limit_micros"] < 0.91
    assert read(stack, "/api/v2/ai/usage/unpriced", "olivia")["models"]
    (unknown,) = read(stack, "/api/v2/ai/usage/unattributed", "olivia")["names"]
    assert unknown["cost_micros"] > 0


def assert_leaves_the_five_people_alone(stack: dict[str, Any]) -> None:
    for name in ("olivia", "adam", "maya", "otto", "ana"):
        spent = read(stack, "/api/v2/users/me/ai/spend", name)
        assert spent["current_spend_micros"] == spent["unpriced_usage_count"] == 0


def keep_the_limit_of_marketing(stack: dict[str, Any], number: int) -> None:
    """Change a limit after the first start, and find it after the second."""
    path = f"/api/v2/groups/{stack['groups']['acme/marketing']}/ai/budget"
    if number > 0:
        assert read(stack, path)["spend_limit_micros"] == CHANGED_MICROS
        return
    headers = {"Authorization": f"Bearer {stack['tokens']['adam']}"}
    changed = {"spend_limit_micros": CHANGED_MICROS}
    response = httpx.put(stack["api_url"] + path, json=changed, headers=headers, timeout=60)
    assert response.status_code == 200


@pytest.mark.thorough
def test_the_company_spent_the_plain_sum_also_after_a_second_start(state: Path) -> None:
    for number in range(STARTS):
        began = datetime.now(UTC)
        with running(state, DEMO="month") as stack:
            assert_shows_the_company(stack.description, began)
            groups = read(stack.description, f"{ACME}/groups")
            keep_the_limit_of_marketing(stack.description, number)
            assert_leaves_the_five_people_alone(stack.description)
            # The limits follow what was spent, which is little in the first days of a month.
            if began.day >= FIRST_FULL_DAYS:
                assert_shows_what_needs_care(stack.description)
    names = {each["name"] for each in groups["groups"]}
    assert {"platform", "research", "engineering", "support", "marketing"} <= names
