"""Who may see spend over time, what is refused, and what a response says beside its series."""

from urllib.parse import urlencode

from tests.conftest import environment
from tests.gateway import Client
from tests.ledger import assert_sums_agree
from tests.people import Acme
from tests.postgres import Database
from tests.series_model import get
from tests.spend import NOT_FOUND
from tests.usage import record, results
from tests.wire import wire

ORGANIZATION = "/api/v2/organizations/acme"
NOVEMBER = {"month": "2026-11"}


def paths(acme: Acme) -> dict[str, str]:
    return {
        "organization": f"{ORGANIZATION}/ai/spend/series",
        "group": f"/api/v2/groups/{acme.groups['acme/platform']}/ai/spend/series",
        "user": "/api/v2/users/maya/ai/spend/series",
    }


SEEN = {
    "olivia": {"organization", "group", "user"},
    "adam": {"organization", "group", "user"},
    "ana": {"organization", "group"},
    # A member reads the group, but not what its members spend.
    "maya": {"user"},
    "otto": set[str](),
    # An admin of another organization reads every user of the site.
    "gus": {"user"},
    "nora": set[str](),
}


def test_series_need_read_on_all_members_or_on_the_user(acme: Acme) -> None:
    for username, seen in SEEN.items():
        client = acme.client(username)
        answers = {name: client.get(path) for name, path in paths(acme).items()}
        assert {name for name, each in answers.items() if each.status == 200} == seen, username
        absent = client.get("/api/v2/users/nobody/ai/spend/series")
        assert absent.json() == NOT_FOUND
        for name in answers.keys() - seen:
            assert (answers[name].status, answers[name].body) == (404, absent.body)


def test_a_path_that_names_nothing_is_refused_first(acme: Acme, adam: Client) -> None:
    for path in (
        "/api/v2/organizations/unheard-of/ai/spend/series?by=year",
        f"/api/v2/groups/{acme.users['adam']}/ai/spend/series?by=year",
        "/api/v2/users/unheard-of/ai/spend/series?by=year",
    ):
        assert adam.get(path).json() == NOT_FOUND
    assert adam.get("/api/v2/groups/platform/ai/spend/series").status == 400
    for path in ("organization", "group"):
        assert acme.client("maya").get(f"{paths(acme)[path]}?by=year").json() == NOT_FOUND


NO_MEMBER = "No member has this username. Name a former member by the id."
OF_USERS = "the sums of a user are kept by UTC day."
REFUSED = (
    ("organization", {"time_zone": "Europe/Bern"}, "time_zone", "No such time zone."),
    ("organization", {"group": "sales"}, "group", "No group here has this name."),
    ("organization", {"user": "gus"}, "user", NO_MEMBER),
    ("group", {"user": "unheard-of"}, "user", NO_MEMBER),
    ("user", {"time_zone": "Europe/Berlin"}, "time_zone", f"Must be UTC: {OF_USERS}"),
    ("group", {"split": "user", "by": "hour"}, "by", f"Must be day, week or month: {OF_USERS}"),
    ("group", {"group": "research"}, "group", None),
    ("user", {"top": "x"}, "top", None),
)


def test_what_is_not_understood_is_refused_by_name(acme: Acme, adam: Client) -> None:
    for path, parameters, field, detail in REFUSED:
        answer = adam.get(f"{paths(acme)[path]}?{urlencode(parameters)}")
        assert (answer.status, answer.json()["message"]) == (
            400,
            "Query parameters have invalid values.",
        )
        (problem,) = answer.json()["validations"]
        assert problem["field"] == field
        assert detail is None or problem["detail"] == detail


def test_series_cost_two_round_trips_behind_the_gate(database: Database, acme: Acme) -> None:
    adam = acme.client("adam")
    with wire(database.app_url) as counted, environment(DATABASE_URL=counted.url):
        assert adam.get("/api/v2/users/me").status == 200
        for path in paths(acme).values():
            for query in ("", "?split=user", "?user=me"):
                if query and "/users/" in path:
                    continue
                counted.reset()
                assert adam.get(path + query).status == 200
                assert counted.trips == 2, path
    with environment(DATABASE_URL=database.app_url, AI_BUDGETS_ENABLED="false"):
        assert {adam.get(each).status for each in paths(acme).values()} == {403}


def test_a_series_of_nothing_has_a_point_for_every_day(acme: Acme, adam: Client) -> None:
    found = get(adam, ORGANIZATION, **NOVEMBER)
    assert (found["from"], found["to"]) == (
        "2026-11-01T00:00:00.000000Z", "2026-12-01T00:00:00.000000Z",
    )  # fmt: skip
    (series,) = found["series"]
    assert (len(series["points"]), series["key"], found["rest"]) == (30, None, None)
    assert get(adam, ORGANIZATION, split="model", **NOVEMBER)["series"] == []
    berlin = get(adam, ORGANIZATION, time_zone="Europe/Berlin", month="2026-10")
    assert (berlin["from"], berlin["to"], berlin["time_zone"]) == (
        "2026-09-30T22:00:00.000000Z", "2026-10-31T23:00:00.000000Z", "Europe/Berlin",
    )  # fmt: skip


def test_usage_in_other_label_sets_is_beside_what_labels_can_place(
    gateway: Client, acme: Acme, adam: Client, maya: Client, database: Database
) -> None:
    results(
        gateway,
        record(1, labels={"project": "a"}),
        record(2, labels={"project": "b"}),
        record(3, labels={"project": "c"}, model="m2"),
        record(4),
    )
    assert_sums_agree(database)
    for table in ("ai_spend_daily", "ai_usage_quarter_hourly"):
        database.run(
            f"UPDATE {table} SET label_set_id = ai_other_label_set() WHERE label_set_id IN"
            " (SELECT id FROM ai_label_sets WHERE labels ->> 'project' IN ('b', 'c'))"
        )
    for client, path in ((adam, ORGANIZATION), (maya, "/api/v2/users/me")):
        split = get(client, path, split="label:project", **NOVEMBER)
        assert [(each["key"], each["total_micros"]) for each in split["series"]] == [
            ("a", 3000), (None, 3000),
        ]  # fmt: skip
        assert (split["total_micros"], split["other_labels"]["total_micros"]) == (6000, 3000)
        assert sum(each["usage_count"] for each in split["other_labels"]["points"]) == 2
        assert sum(each["unpriced_usage_count"] for each in split["other_labels"]["points"]) == 1
        filtered = get(client, path, label="project:b", model="m", **NOVEMBER)
        assert (filtered["total_micros"], filtered["other_labels"]["total_micros"]) == (0, 3000)
        # Without labels nothing is unplaced.
        models = get(client, path, split="model", **NOVEMBER)
        assert (models["total_micros"], models["other_labels"]) == (9000, None)
        assert models["unpriced_usage_count"] == 1
