"""GET .../ai/spend/export: its rows, its pages, and how a spreadsheet reads them."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import parse_qs

import import_directory
from allowance.prices.units import COUNTED_IN_TOKENS, OTHER_UNITS
from tests.exports import PATH, pages, rows_of
from tests.gateway import Client, Context
from tests.people import Acme
from tests.postgres import Database
from tests.usage import record, results

ONE_MODEL = (
    "DELETE FROM ai_spend_daily AS d USING ai_spend_daily AS other WHERE other.model < d.model"
    " AND other.user_id = d.user_id AND other.day = d.day AND other.group_id = d.group_id"
)
ONE_QUARTER = (
    "DELETE FROM ai_usage_quarter_hourly AS s USING ai_usage_quarter_hourly AS other"
    " WHERE other.starts_at < s.starts_at AND other.organization_id = s.organization_id"
    " AND date_trunc('hour', other.starts_at, 'UTC') = date_trunc('hour', s.starts_at, 'UTC')"
)
"""Rows of the exports that are no sum of several."""


def test_a_row_for_each_day_user_and_group(used: Client, acme: Acme, ana: Client) -> None:
    rows = rows_of(ana.get(f"{PATH}?month=2026-11"))
    maya = next(each for each in rows if each["username"] == "maya")
    # A million tokens cost 2 USD of input and 10 of output. Cache tokens have no price.
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
        **{f"{each}_tokens" if each in COUNTED_IN_TOKENS else each: "0" for each in OTHER_UNITS},
        "usage_count": "2",
        "unpriced_usage_count": "1",
        "cost_micros": "3000",
        "cost_usd": "0.003000000000",
        "stated_cost_usd": "",
        "stated_cost_difference_usd": "",
    }
    otto = [each for each in rows if each["username"] == "otto"]
    assert sum(int(each["usage_count"]) for each in otto) == 3
    assert sum(int(each["unpriced_usage_count"]) for each in otto) == 1
    assert {each["group_name"] for each in otto} == {"Everyone"}
    assert {each["username"] for each in rows} == {"maya", "otto"}, "nobody of another organization"
    (october,) = rows_of(ana.get(f"{PATH}?month=2026-10"))
    assert (october["day"], october["cost_usd"]) == ("2026-10-31", "0.003000000000")


def test_a_charge_for_each_hour_user_model_and_class(used: Client, acme: Acme, ana: Client) -> None:
    rows = rows_of(ana.get(f"{PATH}?month=2026-11&format=focus"))
    platform = [each for each in rows if each["SubAccountName"] == "platform"]
    assert {(each["ChargePeriodStart"], each["ChargePeriodEnd"]) for each in platform} == {
        ("2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z")
    }
    assert {(each["BillingAccountId"], each["BillingAccountName"]) for each in platform} == {
        (str(acme.organizations["acme"]), "acme")
    }
    # Of maya's calls one has no price, because its cached tokens have none.
    assert [
        [each[name] for name in ("SkuMeter", "ConsumedQuantity", "ListUnitPrice", "BilledCost")]
        + [each["x_UsageCount"], each["x_UnpricedUsageCount"]]
        for each in platform
    ] == [
        ["Input Tokens", "1.000000", "", "0.000000000000", "1", "1"],
        ["Cache Read Tokens", "2.000000", "", "0.000000000000", "0", "0"],
        ["Cache Write 1H Tokens", "3.000000", "", "0.000000000000", "0", "0"],
        ["Input Tokens", "1000.000000", "2.000000000000", "0.002000000000", "1", "0"],
        ["Output Tokens", "100.000000", "10.000000000000", "0.001000000000", "0", "0"],
    ]
    assert {each["x_UserId"] for each in platform} == {str(acme.users["maya"])}
    assert {json.loads(each["Tags"])["allowance/user"] for each in platform} == {"maya"}
    assert {each["SkuPriceId"] == each["SkuId"] for each in platform[:3]} == {True}
    assert platform[3]["SkuPriceId"].startswith("p/m/input_tokens@")
    unpriced = [each for each in rows if each["ServiceName"] == "new"]
    assert [each["BilledCost"] for each in unpriced] == ["0.000000000000"] * 2
    assert [each["x_UnpricedUsageCount"] for each in unpriced] == ["1", "0"]
    assert {each["BillingAccountId"] for each in rows} == {str(acme.organizations["acme"])}


def test_every_page_is_a_file_and_the_pages_make_the_whole(
    used: Client, acme: Acme, ana: Client
) -> None:
    for form in ("spend", "focus"):
        whole = pages(ana, f"month=2026-11&format={form}")
        assert len(whole) == 1
        single = pages(ana, f"month=2026-11&format={form}&limit=1")
        assert [len(page) for page in single] == [1] * len(whole[0])
        assert [row for page in single for row in page] == whole[0]


def test_the_link_names_the_month(used: Client, ana: Client) -> None:
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


def test_a_month_without_spend_has_only_the_header(ana: Client) -> None:
    answer = ana.get(f"{PATH}?month=2099-12")
    assert rows_of(answer) == []
    assert answer.body.count("\r\n") == 1
    assert "Link" not in answer.headers
    assert answer.headers["Content-Disposition"] == 'attachment; filename="acme-spend-2099-12.csv"'


def test_usage_that_was_taken_back_is_no_row(used: Client, ana: Client) -> None:
    path = f"{PATH}?month=2026-10"
    before = rows_of(ana.get(path))
    results(used, record("gone", user="otto", occurred_at="2026-10-29T00:00:00Z"))
    assert len(rows_of(ana.get(path))) == len(before) + 1
    results(used, {"source": "litellm", "id": "call-gone", "void": True})
    assert rows_of(ana.get(path)) == before


def test_names_are_escaped_for_spreadsheets_and_may_hold_any_text(
    used: Client, acme: Acme, database: Database, ana: Client
) -> None:
    database.run(
        "UPDATE groups SET name = %s WHERE name = 'platform'", '=HYPERLINK("http://x","y")'
    )
    results(used, record(20, provider="@a", model='m, "x"; =1+1'))
    for sums in ("ai_usage_quarter_hourly", "ai_usage"):
        database.run(f"UPDATE {sums} SET model = E'two\\r\\nlines' WHERE model = 'new'")
    spend = rows_of(ana.get(f"{PATH}?month=2026-11"))
    assert {each["group_name"] for each in spend} == {"Everyone", '\'=HYPERLINK("http://x","y")'}
    charges = rows_of(ana.get(f"{PATH}?month=2026-11&format=focus"))
    assert {'m, "x"; =1+1'.replace("; =", ";' ="), "two\r\nlines", "m"} == {
        each["ServiceName"] for each in charges
    }
    assert "'@a" in {each["ProviderName"] for each in charges}
    # Cursors hold these names too.
    assert [
        row for page in pages(ana, "month=2026-11&format=focus&limit=1") for row in page
    ] == charges


def test_charges_of_several_label_sets_are_rows_of_their_own(used: Client, ana: Client) -> None:
    sets = [{"project": each} for each in "abcde"]
    own = {
        "allowance/organization": "acme",
        "allowance/group": "platform",
        "allowance/user": "maya",
    }
    # In two quarters of one hour: each set is one row of the hour.
    for n, moment in enumerate(("2026-11-21T10:05:00Z", "2026-11-21T10:50:00Z")):
        made = [record(100 + 10 * n + i, labels=each) for i, each in enumerate(sets)]
        results(used, *({**each, "occurred_at": moment} for each in made))
    charges = rows_of(ana.get(f"{PATH}?month=2026-11&format=focus"))
    found = {
        each["Tags"]: each["x_UsageCount"]
        for each in charges
        if each["ChargePeriodStart"] == "2026-11-21T10:00:00Z" and each["x_UsageCount"] != "0"
    }
    assert found == {json.dumps({"project": each, **own}): "2" for each in "abcde"}
    paged = [row for page in pages(ana, "month=2026-11&format=focus&limit=1") for row in page]
    assert paged == charges


def test_a_negative_correction_stays_a_number(
    used: Client, database: Database, ana: Client
) -> None:
    database.run(ONE_MODEL)
    database.run("UPDATE ai_spend_daily SET cost_micros = -1.500001")
    database.run(ONE_QUARTER)
    database.run("DELETE FROM ai_usage")
    database.run("UPDATE ai_usage_quarter_hourly SET cost_micros = -0.000001")
    spend, charges = (ana.get(f"{PATH}?month=2026-11&format={form}") for form in ("spend", "focus"))
    assert {Decimal(each["cost_usd"]) for each in rows_of(spend)} == {Decimal("-0.000001500001")}
    assert ",-2,-0.000001500001,,\r\n" in spend.body
    # The ledger is gone, so no price explains the cost.
    costs = [each["BilledCost"] for each in rows_of(charges) if each["SkuMeter"] == "Calls"]
    assert set(costs) == {"-0.000000000001"}


def test_sums_of_thirty_digits_are_written_in_full(
    used: Client, database: Database, ana: Client
) -> None:
    most, cost = 10**30 - 1, Decimal("9" * 30 + "." + "9" * 6)
    database.run(ONE_MODEL)
    database.run("UPDATE ai_spend_daily SET cost_micros = %s, input_tokens = %s", cost, most)
    database.run(ONE_QUARTER)
    database.run("DELETE FROM ai_usage")
    database.run("UPDATE ai_usage_quarter_hourly SET cost_micros = %s", cost)
    spend = rows_of(ana.get(f"{PATH}?month=2026-11"))
    assert {(each["cost_micros"], each["input_tokens"]) for each in spend} == {
        (str(10**30), str(most))
    }
    assert {each["cost_usd"] for each in spend} == {"9" * 24 + "." + "9" * 12}
    charges = rows_of(ana.get(f"{PATH}?month=2026-11&format=focus"))
    costs = [each["BilledCost"] for each in charges if each["SkuMeter"] == "Calls"]
    assert set(costs) == {"9" * 24 + "." + "9" * 12}


def test_a_deleted_group_and_a_deleted_user_keep_their_rows(
    used: Client, acme: Acme, ana: Client
) -> None:
    import_directory.handler(
        {
            "organizations": [{"name": "acme", "groups": ["research"]}],
            "users": [{"username": "maya", "status": "deleted"}],
            "confirm_deletions": True,
        },
        Context(),
    )
    (maya,) = [
        each for each in rows_of(ana.get(f"{PATH}?month=2026-11")) if each["username"] == "maya"
    ]
    assert (maya["group_id"], maya["group_name"]) == (str(acme.groups["acme/platform"]), "")
    charges = rows_of(ana.get(f"{PATH}?month=2026-11&format=focus"))
    assert str(acme.groups["acme/platform"]) in {each["SubAccountName"] for each in charges}
