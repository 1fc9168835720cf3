"""GET .../ai/spend/export: who may, which rows, page by page, and what a spreadsheet makes of them."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import parse_qs
from uuid import UUID

import pytest

import import_directory
from tests.conftest import environment
from tests.gateway import Answer, Client, Context
from tests.integration.usage.test_recording import gateway, record, results
from tests.people import Acme
from tests.postgres import Database
from tests.wire import wire

__all__ = ["gateway"]
PATH = "/api/v2/organizations/acme/ai/spend/export"
NOT_FOUND = {"message": "Resource not found or you do not have access to this resource"}


def rows_of(answer: Answer) -> list[dict[str, str]]:
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    return list(csv.DictReader(io.StringIO(answer.body, newline=""), strict=True))


def pages(client: Client, query: str, path: str = PATH) -> list[list[dict[str, str]]]:
    """Every page, as a client that knows links (RFC 8288) comes to them."""
    found = []
    link: str | None = f"<?{query}>"
    while link is not None:
        answer = client.get(f"{path}{link[1 : link.index('>')]}")
        found.append(rows_of(answer))
        link = answer.headers.get("Link")
    return found


@pytest.fixture
def used(gateway: Client, acme: Acme, database: Database) -> Client:
    """What people of two organizations and of none used in October and November."""
    acme.client("adam").put(acme.budget_path(), {"spend_limit_micros": 5})
    results(
        gateway,
        record(1),
        record(2, occurred_at="2026-11-20T10:59:59Z", tokens={"input": 1, "cache_read": 2, "cache_write_1h": 3}),
        record(3, user="otto", occurred_at="2026-11-20T11:00:00Z"),
        record(4, user="otto", occurred_at="2026-11-30T23:59:59.999999Z") if _past("2026-12-01") else record(5, user="otto"),
        record(6, occurred_at="2026-10-31T23:59:59.999999Z"),
        record(7, user="gus"),
        record(8, user="nora"),
        record(9, user="otto", model="new"),
    )  # fmt: skip
    return gateway


def _past(day: str) -> bool:
    return datetime.now(UTC) >= datetime.fromisoformat(f"{day}T00:00:00+00:00")


def test_a_row_for_each_day_user_and_group(used: Client, acme: Acme, ana: Client) -> None:
    rows = rows_of(ana.get(f"{PATH}?month=2026-11"))
    maya = next(each for each in rows if each["username"] == "maya")
    # 2 USD a million of input, 10 of output; no price for the caches: what was read and written is
    # not priced.
    assert maya == {
        "day": "2026-11-20",
        "user_id": str(acme.users["maya"]),
        "username": "maya",
        "group_id": str(acme.groups["acme/platform"]),
        "group_name": "platform",
        "input_tokens": "1001",
        "output_tokens": "100",
        "cache_read_tokens": "2",
        "cache_write_tokens": "0",
        "cache_write_1h_tokens": "3",
        "usage_count": "2",
        "unpriced_usage_count": "1",
        "cost_micros": "3000",
        "cost_usd": "0.003000",
    }
    otto = [each for each in rows if each["username"] == "otto"]
    assert sum(int(each["usage_count"]) for each in otto) == 3
    assert sum(int(each["unpriced_usage_count"]) for each in otto) == 1
    assert {each["group_name"] for each in otto} == {"Everyone"}
    assert {each["username"] for each in rows} == {"maya", "otto"}, "nobody of another organization"
    (october,) = rows_of(ana.get(f"{PATH}?month=2026-10"))
    assert (october["day"], october["cost_usd"]) == ("2026-10-31", "0.003000")


@pytest.fixture
def ana(acme: Acme) -> Client:
    """The organization's auditor."""
    return acme.client("ana")


def test_a_charge_for_each_hour_group_and_model(used: Client, acme: Acme, ana: Client) -> None:
    rows = rows_of(ana.get(f"{PATH}?month=2026-11&format=focus"))
    first = next(each for each in rows if each["SubAccountName"] == "platform")
    assert (first["ChargePeriodStart"], first["ChargePeriodEnd"]) == (
        "2026-11-20T10:00:00Z",
        "2026-11-20T11:00:00Z",
    )
    assert (first["BillingAccountId"], first["BillingAccountName"]) == (
        str(acme.organizations["acme"]),
        "acme",
    )
    assert (first["BilledCost"], first["ConsumedQuantity"]) == ("0.003000", "1106.000000")
    assert (first["x_UsageCount"], first["x_UnpricedUsageCount"]) == ("2", "1")
    (unpriced,) = [each for each in rows if each["ServiceName"] == "new"]
    assert (unpriced["BilledCost"], unpriced["ConsumedQuantity"], unpriced["x_UnpricedUsageCount"]) == ("0.000000", "1100.000000", "1")  # fmt: skip
    assert {each["BillingAccountId"] for each in rows} == {str(acme.organizations["acme"])}


@pytest.mark.parametrize("form", ["spend", "focus"])
@pytest.mark.parametrize(("username", "status"), [("olivia", 200), ("adam", 200), ("ana", 200), ("maya", 404), ("otto", 404), ("gus", 404), ("nora", 404)])  # fmt: skip
def test_it_is_for_who_may_read_the_spend_of_everybody(
    acme: Acme, database: Database, username: str, status: int, form: str
) -> None:
    """maya is in the group platform and in Everyone, and reads both; gus administers another
    organization.
    """
    client = acme.client(username)
    answer = client.get(f"{PATH}?format={form}")
    assert answer.status == status
    if status == 404:
        for absent in ("nowhere", str(UUID(int=8))):
            assert client.get(PATH.replace("acme", absent)).json() == answer.json() == NOT_FOUND


def test_every_page_is_a_file_and_together_they_are_the_whole(
    used: Client, acme: Acme, ana: Client
) -> None:
    for form in ("spend", "focus"):
        whole = pages(ana, f"month=2026-11&format={form}")
        assert len(whole) == 1
        single = pages(ana, f"month=2026-11&format={form}&limit=1")
        assert [len(page) for page in single] == [1] * len(whole[0])
        assert [row for page in single for row in page] == whole[0]


def test_the_link_names_the_month_so_that_its_end_changes_nothing(
    used: Client, ana: Client
) -> None:
    now = datetime.now(UTC)
    results(
        used,
        *(
            record(n, user=user, occurred_at=now.isoformat())
            for n, user in ((30, "maya"), (31, "otto"))
        ),
    )
    link = ana.get(f"{PATH}?limit=1").headers["Link"]
    query = parse_qs(link[2 : link.index(">")])
    assert link.endswith('>; rel="next"')
    assert query["month"] == [f"{now:%Y-%m}"]
    assert (query["format"], query["limit"]) == (["spend"], ["1"])


def test_a_month_without_spend_is_the_names_of_the_columns(ana: Client) -> None:
    answer = ana.get(f"{PATH}?month=2099-12")
    assert rows_of(answer) == []
    assert answer.body.count("\r\n") == 1
    assert "Link" not in answer.headers
    assert answer.headers["Content-Disposition"] == 'attachment; filename="acme-spend-2099-12.csv"'


def test_names_that_a_spreadsheet_would_run_and_names_with_anything_in_them(
    used: Client, acme: Acme, database: Database, ana: Client
) -> None:
    database.run(
        "UPDATE groups SET name = %s WHERE name = 'platform'", '=HYPERLINK("http://x","y")'
    )
    results(used, record(20, provider="@a", model='m, "x"; =1+1'))
    database.run("UPDATE ai_usage_hourly SET model = E'two\\r\\nlines' WHERE model = 'new'")
    spend = rows_of(ana.get(f"{PATH}?month=2026-11"))
    assert {each["group_name"] for each in spend} == {"Everyone", '\'=HYPERLINK("http://x","y")'}
    charges = rows_of(ana.get(f"{PATH}?month=2026-11&format=focus"))
    assert {'m, "x"; =1+1'.replace("; =", ";' ="), "two\r\nlines", "m"} == {
        each["ServiceName"] for each in charges
    }
    assert "'@a" in {each["ProviderName"] for each in charges}
    # They are in the position of a page, too.
    assert [
        row for page in pages(ana, "month=2026-11&format=focus&limit=1") for row in page
    ] == charges


def test_a_negative_correction_stays_a_number(
    used: Client, database: Database, ana: Client
) -> None:
    database.run("UPDATE ai_spend_daily SET cost_micros = -1")
    database.run("UPDATE ai_usage_hourly SET cost_micros = -1")
    spend, charges = (ana.get(f"{PATH}?month=2026-11&format={form}") for form in ("spend", "focus"))
    assert {Decimal(each["cost_usd"]) for each in rows_of(spend)} == {Decimal("-0.000001")}
    assert ",-1,-0.000001\r\n" in spend.body
    assert {each["BilledCost"] for each in rows_of(charges)} == {"-0.000001"}


def test_sums_of_thirty_digits_are_written_to_the_last(
    used: Client, database: Database, ana: Client
) -> None:
    most = 10**30 - 1
    database.run("UPDATE ai_spend_daily SET cost_micros = %s, input_tokens = %s", most, most)
    database.run("UPDATE ai_usage_hourly SET cost_micros = %s", most)
    spend = rows_of(ana.get(f"{PATH}?month=2026-11"))
    assert {(each["cost_micros"], each["input_tokens"]) for each in spend} == {
        (str(most), str(most))
    }
    assert {each["cost_usd"] for each in spend} == {"9" * 24 + "." + "9" * 6}
    charges = rows_of(ana.get(f"{PATH}?month=2026-11&format=focus"))
    assert {each["BilledCost"] for each in charges} == {"9" * 24 + "." + "9" * 6}


def test_a_group_that_is_gone_keeps_its_rows_and_so_does_a_user(
    used: Client, acme: Acme, ana: Client
) -> None:
    import_directory.handler(
        {
            "organizations": [{"name": "acme", "groups": ["research"]}],
            "users": [{"username": "maya", "status": "deleted"}],
        },
        Context(),
    )
    (maya,) = [
        each for each in rows_of(ana.get(f"{PATH}?month=2026-11")) if each["username"] == "maya"
    ]
    assert (maya["group_id"], maya["group_name"]) == (str(acme.groups["acme/platform"]), "")
    charges = rows_of(ana.get(f"{PATH}?month=2026-11&format=focus"))
    assert str(acme.groups["acme/platform"]) in {each["SubAccountName"] for each in charges}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("month=2026-13", "month"),
        ("month=2026-1", "month"),
        ("month=1999-12", "month"),
        ("month=", "month"),
        ("format=csv", "format"),
        ("limit=0", "limit"),
        ("limit=5001", "limit"),
        ("after=x", "after"),
        ("after=!", "after"),
        ("after=WyIyMDI2LTExLTAxIl0", "after"),
        ("format=focus&after=WyIyMDI2LTExLTIwVDEwOjAwOjAwKzAwOjAwIiwiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAxIiwiXHUwMDAwIiwibSJd", "after"),
        ("format=focus&after=WyIyMDI2LTExLTIwVDEwOjAwOjAwKzAwOjAwIiwiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAxIiwiXHVkODAwIiwibSJd", "after"),
        ("day=1", "day"),
    ],
)  # fmt: skip
def test_a_bad_parameter_is_refused_by_its_name(ana: Client, query: str, field: str) -> None:
    answer = ana.get(f"{PATH}?{query}")
    assert (answer.status, answer.json()["message"]) == (
        400,
        "Query parameters have invalid values.",
    )
    assert [each["field"] for each in answer.json()["validations"]] == [field]


def test_the_position_of_one_format_is_none_of_the_other(used: Client, ana: Client) -> None:
    link = ana.get(f"{PATH}?month=2026-11&limit=1").headers["Link"]
    assert (
        ana.get(PATH + link[1 : link.index(">")].replace("format=spend", "format=focus")).status
        == 400
    )


def test_the_gate_of_the_feature_covers_exports(acme: Acme, database: Database) -> None:
    with environment(DATABASE_URL=database.app_url, AI_BUDGETS_ENABLED="false"):
        assert acme.client("adam").get(PATH).status == 403


def test_an_export_costs_two_trips(used: Client, database: Database, acme: Acme) -> None:
    adam = acme.client("adam")
    with wire(database.app_url) as counted, environment(DATABASE_URL=counted.url):
        assert adam.get("/api/v2/users/me").status == 200
        for form in ("spend", "focus"):
            counted.reset()
            assert adam.get(f"{PATH}?format={form}").status == 200
            assert counted.trips == 2


def test_a_token_for_one_group_exports_nothing(acme: Acme, database: Database, ana: Client) -> None:
    """An allow-list names objects; an organization's spend as a whole is none of them."""
    group = acme.groups["acme/platform"]
    database.run(
        "UPDATE api_tokens SET scope = jsonb_build_object('site', jsonb_build_array(jsonb_build_object("
        "'resource_type', '*', 'action', '*', 'negate', false)), 'user', '[]'::jsonb, 'by_org_id', '{}'::jsonb,"
        " 'allow_list', jsonb_build_array(jsonb_build_object('type', 'group', 'id', %s::text)))"
        " WHERE user_id = %s",
        str(group), acme.users["adam"],
    )  # fmt: skip
    adam = acme.client("adam")
    assert adam.get(f"/api/v2/groups/{group}").status == 200
    for form in ("spend", "focus"):
        assert adam.get(f"{PATH}?format={form}").json() == NOT_FOUND


def test_a_page_in_a_browser_may_read_the_link(acme: Acme, database: Database) -> None:
    with environment(DATABASE_URL=database.app_url, CORS_ORIGINS="https://console.acme.example"):
        answer = acme.client("adam").get(PATH, headers={"origin": "https://console.acme.example"})
    assert {"Link", "Content-Disposition"} <= set(
        answer.headers["Access-Control-Expose-Headers"].split(", ")
    )


def test_no_name_or_sum_of_it_is_logged(
    used: Client, ana: Client, logged: Callable[[], list[dict[str, object]]]
) -> None:
    assert ana.get(f"{PATH}?month=2026-11").status == 200
    (line,) = [each for each in logged() if each.get("message") == "request"]
    assert "maya" not in str(line)
