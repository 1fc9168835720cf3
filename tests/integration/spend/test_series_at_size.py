"""What a series reads depends on what it shows, not on other groups, users, days and labels."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from allowance.spend.series_query import (
    TOKEN_UNITS,
    Asked,
    OrganizationSeriesQuery,
    UserSeriesQuery,
)
from tests.people import Acme
from tests.plans import blocks_read
from tests.postgres import Database

type Blocks = Callable[..., int]

DAYS = (
    "INSERT INTO ai_spend_daily (user_id, group_id, organization_id, provider, model, day,"
    " cost_micros, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,"
    " cache_write_1h_tokens, usage_count, unpriced_usage_count)"
    " SELECT md5(u::text)::uuid, %s, %s, 'p', 'm', '2026-11-01'::date + d, u, 1, 1, 1, 0, 0, 1, 0"
    " FROM generate_series(1, 300) AS u, generate_series(0, 29) AS d"
)


def quarters(database: Database, organization_id: UUID, groups: list[UUID]) -> None:
    database.run(
        "INSERT INTO ai_usage_quarter_hourly (starts_at, organization_id, group_id, provider,"
        " model, label_set_id, cost_micros, input_tokens, output_tokens, cache_read_tokens,"
        " cache_write_tokens, cache_write_1h_tokens, usage_count, unpriced_usage_count)"
        " SELECT '2026-11-01Z'::timestamptz + q * interval '3 hours', %s, g, 'p', 'm',"
        " '00000000-0000-0000-0000-000000000000', 1, 1, 1, 1, 1, 1, 1, 0"
        " FROM generate_series(0, 239) AS q, unnest(%s::uuid []) AS g",
        organization_id,
        groups,
    )


@pytest.fixture
def blocks(database: Database, acme: Acme) -> Blocks:
    """The blocks that a query reads when it is warm."""

    def read(query: str, asked: Any, named: Asked | None = None, **more: Any) -> int:
        database.run(
            "VACUUM ANALYZE ai_usage_quarter_hourly, ai_spend_daily, ai_label_sets,"
            " ai_group_spend_monthly"
        )
        parameters = asked.terms | asked.parts | {"shows_groups": True} | more
        if query == "list_series":
            parameters["rolled_by"] = "hour"
        if named is not None:
            parameters |= named.parameters | {"organization_id": acme.organizations["acme"]}
        with psycopg.connect(database.app_url) as app:
            return [blocks_read(app, query, **parameters) for _ in range(2)][-1]

    return read


def november(**more: str) -> OrganizationSeriesQuery:
    return OrganizationSeriesQuery.model_validate({"month": "2026-11"} | more)


NOBODY = Asked(None, None, None, None)


def test_a_groups_series_costs_the_same_among_many_groups(
    database: Database, acme: Acme, blocks: Blocks
) -> None:
    organization, platform = acme.organizations["acme"], acme.groups["acme/platform"]
    quarters(database, organization, [platform])
    group = Asked(platform, None, None, None)
    before = blocks("list_series", november(), group)
    others = [UUID(int=n) for n in range(1, 30)]
    quarters(database, organization, others)
    after = blocks("list_series", november(), group)
    # A look for each of the 2,880 quarters of an hour of the month.
    assert after < min(2880 * 4, 2 * before)
    whole = blocks("list_series", november(), NOBODY)
    # Of another organization nothing is read.
    quarters(database, acme.organizations["globex"], others)
    assert blocks("list_series", november(), NOBODY) < 1.1 * whole


def test_a_series_of_users_reads_the_days_of_the_first_only(
    database: Database, acme: Acme, blocks: Blocks
) -> None:
    organization, platform = acme.organizations["acme"], acme.groups["acme/platform"]
    quarters(database, organization, [platform])
    database.run(DAYS, platform, organization)
    database.run(
        "INSERT INTO ai_group_spend_monthly SELECT group_id, '2026-11-01', user_id,"
        " sum(cost_micros), 0 FROM ai_spend_daily GROUP BY group_id, user_id"
    )
    by_user = november(split="user", top="3")
    parameters = by_user.terms | {"split": "user", "top": 3, "token_units": TOKEN_UNITS}
    parameters["rolled_by"] = "day"
    database.run("ANALYZE ai_group_spend_monthly, ai_spend_daily, ai_usage_quarter_hourly")
    with psycopg.connect(database.app_url) as app:
        _, read = (
            blocks_read(
                app,
                "list_series_by_user",
                shows_groups=True,
                organization_id=organization,
                **NOBODY.parameters,
                **parameters,
            )
            for _ in range(2)
        )
    assert read < blocks("list_series_of_users", by_user, NOBODY) / 4
    user = UserSeriesQuery.model_validate({"month": "2026-11"})
    database.run("INSERT INTO users (id, username) VALUES (md5('7')::uuid, 'seven')")
    own = {"user_id": "8f14e45f-ceea-167a-5a36-dedd4bea2543", "group_id": None, "group_name": None}
    assert blocks("list_user_series", user, **own) < 200
    of_seven = Asked(None, None, UUID(own["user_id"] or ""), None)
    assert blocks("list_series_of_users", november(), of_seven) < 200


def test_labels_of_other_organizations_are_not_read(
    database: Database, acme: Acme, blocks: Blocks
) -> None:
    quarters(database, acme.organizations["acme"], [acme.groups["acme/platform"]])
    before = [blocks("list_series", november(split=each), NOBODY) for each in ("model", "client")]
    database.run(
        "INSERT INTO ai_label_sets (id, labels) SELECT ai_label_set_id(l.labels), l.labels"
        " FROM generate_series(1, 20000) AS n, jsonb_build_object('call', n) AS l (labels)"
    )
    after = [blocks("list_series", november(split=each), NOBODY) for each in ("model", "client")]
    assert max(now - then for now, then in zip(after, before, strict=True)) < 100
