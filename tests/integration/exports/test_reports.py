"""GET .../ai/spend/users and .../ai/spend: they agree with the ledger, in any period."""

from itertools import product
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.directory_documents import apply
from tests.gateway import Client
from tests.model_aliases import free
from tests.people import Acme
from tests.postgres import Database
from tests.spend_reports import SPEND, by_user, entries, in_detail, matching, use
from tests.usage import expire, in_month_before, month_before, record, results

BOUNDS = (
    ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
    ("2026-11-19T00:00:00Z", "2026-11-21T00:00:00Z"),
    ("2026-11-18T23:59:59.999999Z", "2026-11-21T00:00:00Z"),
    ("2026-11-19T13:30:00+01:00", "2026-11-20T16:00:00.000001Z"),
    ("2026-11-20T08:00:00.5Z", "2026-11-20T16:00:00Z"),
    ("2026-11-20T09:00:00Z", "2026-11-21T01:00:00.000001Z"),
)
FILTERS = ({}, {"provider_name": "p"}, {"provider_name": "p-eu"}, {"model": "new"})


@pytest.fixture
def reported(gateway: Client, acme: Acme, database: Database) -> Client:
    acme.client("adam").put(acme.budget_path(), {"spend_limit_micros": 5})
    database.run("UPDATE users SET display_name = 'Maya M.' WHERE username = 'maya'")
    use(gateway)
    return acme.client("ana")


def query_of(bounds: tuple[str, str], **more: str) -> str:
    return "?" + urlencode({"period_start": bounds[0], "period_end": bounds[1], **more})


def test_the_report_by_user_agrees_with_the_ledger(reported: Client, database: Database) -> None:
    for bounds, filters in product(BOUNDS, (*FILTERS, {"client": "Unknown"}, {"client": "Cursor"})):
        answer = reported.get(f"{SPEND}/users{query_of(bounds, **filters)}").json()
        found = matching(entries(database, *bounds), filters)
        assert answer["users"] == by_user(found), (bounds, filters)
        assert answer["count"] == len(answer["users"])
        assert answer["totals"]["unpriced_usage_count"] == sum(
            each["unpriced_usage_count"] for each in found
        )
        total = sum(each["cost_micros"] for each in found)
        assert abs(answer["totals"]["cost_micros"] - total) <= 0.5


def test_the_details_agree_with_the_ledger(
    reported: Client, acme: Acme, database: Database
) -> None:
    own = ({"user_id": str(acme.users["otto"])}, {"group_id": str(acme.groups["acme/platform"])})
    for bounds, filters in product(BOUNDS, (*FILTERS, *own)):
        answer = reported.get(f"{SPEND}{query_of(bounds, limit='100', **filters)}").json()
        wanted = in_detail(matching(entries(database, *bounds), filters))
        of_acme = {
            "organization_id": str(acme.organizations["acme"]),
            "organization_name": "acme",
        }
        assert answer["rows"] == [each | of_acme for each in wanted], (bounds, filters)
        assert answer["count"] == len(wanted)
    names = {each["provider_name"] for each in reported.get(f"{SPEND}?limit=100").json()["rows"]}
    assert names == {"p", "p-eu", "p-us"}


@pytest.mark.parametrize(("path", "key"), [(f"{SPEND}/users", "users"), (SPEND, "rows")])
def test_pages_make_the_whole_and_know_its_size(reported: Client, path: str, key: str) -> None:
    whole = reported.get(f"{path}?limit=100").json()
    assert whole["count"] == len(whole[key]) > 1
    for place, each in enumerate(whole[key]):
        page = reported.get(f"{path}?limit=1&offset={place}").json()
        assert (page[key], page["count"]) == ([each], whole["count"])
    beyond = reported.get(f"{path}?offset={whole['count']}").json()
    assert beyond == whole | {key: []}
    nothing = reported.get(f"{path}?model=none").json()
    assert (nothing[key], nothing["count"]) == ([], 0)
    unfiltered = reported.get(f"{path}?limit=100&model=&provider_name=").json()
    assert unfiltered == whole


def test_without_a_period_the_report_is_of_the_current_month(reported: Client) -> None:
    for path in (SPEND, f"{SPEND}/users", SPEND.replace("v2", "experimental") + "/users"):
        answer = reported.get(path).json()
        start, end = month_before(0), month_before(-1)
        assert answer["period_start"] == f"{start}T00:00:00.000000Z"
        assert answer["period_end"] == f"{end}T00:00:00.000000Z"
        assert set(answer) >= {"period_start", "period_end", "count"}


def test_usage_beyond_the_labels_of_its_day_is_named_other(
    reported: Client, database: Database
) -> None:
    other = "00000000-0000-0000-0000-000000000001"
    for table in ("ai_spend_daily", "ai_usage"):
        database.run(f"UPDATE {table} SET label_set_id = %s WHERE model = 'new'", other)
    report = reported.get(f"{SPEND}/users?client=other").json()
    assert report["count"] > 0
    assert {tuple(each["clients"]) for each in report["users"]} == {("other",)}
    details = reported.get(f"{SPEND}?provider_name=other&limit=100").json()
    assert {each["model"] for each in details["rows"]} == {"new"}


def test_a_part_of_a_day_that_is_not_kept_is_refused(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """A late usage makes the dropped month again, so its ledger has a part of its usage."""
    day = month_before(3)
    results(gateway, in_month_before(3), in_month_before(3, 2, user="otto"))
    expire(database, 1)
    results(gateway, in_month_before(3, 3))
    ana = acme.client("ana")
    kept = (f"{day}T00:00:00Z", f"{day.replace(day=2)}T00:00:00Z")
    assert ana.get(f"{SPEND}/users{query_of(kept)}").json()["count"] == 2
    late = (f"{day}T00:00:01Z", kept[1])
    early = (kept[0], f"{day}T01:00:00Z")
    for bounds, field in ((late, "period_start"), (early, "period_end")):
        for path in (SPEND, f"{SPEND}/users", f"{SPEND}/export"):
            answer = ana.get(path + query_of(bounds))
            assert answer.status == 400, path
            assert [each["field"] for each in answer.json()["validations"]] == [field]
            assert "midnight in UTC" in answer.json()["message"]


def test_users_of_equal_spend_are_in_the_order_of_their_names(gateway: Client, acme: Acme) -> None:
    made: list[dict[str, Any]] = [
        in_month_before(0, n, user=name) for n, name in enumerate(("otto", "adam", "maya", "ana"))
    ]
    results(gateway, *made)
    report = acme.client("ana").get(f"{SPEND}/users?limit=3&offset=1").json()
    assert [each["username"] for each in report["users"]] == ["ana", "maya", "otto"]


def test_a_month_has_spend_of_gone_groups_of_nobody_and_of_free_models(
    reported: Client, gateway: Client, acme: Acme, database: Database
) -> None:
    """The month comes from other sums than a period that is no month."""
    olivia = acme.client("olivia")
    of_acme = {"cost_from": "book", "unknown_users": "unattributed", "organization": "acme"}
    assert olivia.put("/api/v2/ai/sources/s", of_acme).status == 200
    free(olivia, "p", "free")
    results(
        gateway,
        record(200, source="s", user="a stranger"),
        record(201, user="adam", model="free"),
    )
    apply(
        {
            "organizations": [{"name": "acme", "groups": ["research"]}],
            "confirm_deletions": True,
        }
    )
    month, split = BOUNDS[0], (BOUNDS[0][0], "2026-11-30T23:59:59Z")
    answer = reported.get(f"{SPEND}/users{query_of(month)}").json()
    assert {each["username"] for each in answer["users"]} == {"", "adam", "maya", "otto"}
    assert answer["users"] == reported.get(f"{SPEND}/users{query_of(split)}").json()["users"]
    (deleted,) = [
        each
        for each in reported.get(f"{SPEND}{query_of(month, model='m', limit='100')}").json()["rows"]
        if each["group_id"] == str(acme.groups["acme/platform"]) and each["provider_name"] == "p"
    ]
    assert deleted["group_name"] == ""
