"""Each amount in a response is an exact sum, rounded half-even once. Limits apply to exact sums."""

from decimal import Decimal

import pytest

from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.spend import group_spend, groups_spend, member_spend, spend


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (("0.4", "0.4", "0.4"), (1, 1, 0)),
        (("0.5", "0", "0.000001"), (1, 0, 0)),
        (("1", "0.5", "0"), (1, 2, 1)),
        (("2", "0.5", "0"), (2, 2, 2)),
        (("0.000001", "-0.000001", "-1.5"), (-1, 0, 0)),
        (("9007199254740993.000001", "0.499999", "0"), (2**53 + 1, 2**53 + 2, 2**53 + 1)),
    ],
)
def test_a_total_is_no_sum_of_rounded_parts(
    acme: Acme,
    maya: Client,
    adam: Client,
    database: Database,
    parts: tuple[str, str, str],
    whole: tuple[int, int, int],
) -> None:
    """maya spends for platform, otto too, and maya for research: her total, the group's, hers for
    the group.
    """
    of_platform, of_otto, of_research = map(Decimal, parts)
    spend(database, acme, "maya", "acme/platform", of_platform)
    spend(database, acme, "otto", "acme/platform", of_otto)
    spend(database, acme, "maya", "acme/research", of_research)
    (group,) = adam.get(groups_spend(acme, "acme/platform")).json()["groups"]
    (member,) = adam.get(member_spend(acme, "maya")).json()["members"]
    own = maya.get("/api/v2/users/me/ai/spend").json()["current_spend_micros"]
    assert (own, group["current_spend_micros"], member["group_spend_micros"]) == whole
    assert adam.get(group_spend(acme)).json()["current_spend_micros"] == whole[1]
