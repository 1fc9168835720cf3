"""GET .../ai/spend/export with Coder's parameters: its columns, callers and errors, and how a
spreadsheet reads it and ours.
"""

import csv
import io
from decimal import Decimal
from urllib.parse import urlencode

import pytest

from tests.exports import PATH, rows_of
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.spend_reports import SPEND, entries, in_detail, matching, use
from tests.usage import expire, in_month_before, month_before, record, results

HEADER = (
    "user_id,username,group_id,group_name,organization_id,organization_name,model,provider,"
    "provider_name,input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,cost_micros,"
    "period_start,period_end"
)
PERIOD = ("2026-11-18T23:59:59.999999Z", "2026-11-21T00:00:00Z")
OF_PERIOD = f"{PATH}?period_start={PERIOD[0]}&period_end={PERIOD[1]}"
FORBIDDEN = {"message": "Forbidden."}
REPORTS = (f"{SPEND}/users", SPEND, f"{PATH}?model=m")


def test_it_has_the_columns_of_coder_and_the_rows_of_the_ledger(
    gateway: Client, acme: Acme, database: Database
) -> None:
    use(gateway)
    ana = acme.client("ana")
    for filters in (
        {},
        {"user_id": str(acme.users["otto"]).upper()},
        {"group_id": str(acme.organizations["acme"])},
        {"provider_name": "p-eu", "model": "m"},
    ):
        answer = ana.get(f"{OF_PERIOD}&{urlencode(filters)}")
        rows = rows_of(answer)
        lowered = {name: value.lower() for name, value in filters.items()}
        wanted = in_detail(matching(entries(database, *PERIOD), lowered))
        more = {
            "organization_id": str(acme.organizations["acme"]),
            "organization_name": "acme",
            "period_start": "2026-11-18T23:59:59Z",
            "period_end": "2026-11-21T00:00:00Z",
        }
        assert rows == [
            {name: str(value) for name, value in (each | more).items()} for each in wanted
        ]
        assert rows
        header = next(csv.reader(io.StringIO(answer.body, newline="")))
        assert ",".join(header) == HEADER
    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="ai-spend-export-acme-2026-11-18-to-2026-11-21.csv"'
    )
    assert "Link" not in answer.headers


@pytest.mark.parametrize(
    ("username", "status"),
    [("olivia", 200), ("adam", 200), ("ana", 200), ("maya", 403), ("otto", 403), ("gus", 404)],
)
def test_members_are_refused_and_strangers_find_nothing(
    acme: Acme, database: Database, username: str, status: int
) -> None:
    client = acme.client(username)
    for path in REPORTS:
        answer = client.get(path)
        assert answer.status == status, path
        if status == 403:
            assert answer.json() == FORBIDDEN
        if status == 404:
            assert answer.json() == client.get(path.replace("acme", "nowhere")).json()


@pytest.mark.parametrize(
    ("query", "message", "fields"),
    [
        ("period_start=2026-11-01T00:00:00Z", "provided together", ["period_end"]),
        ("period_start=x&period_end=y", "invalid values", ["period_start", "period_end"]),
        ("period_start=2026-11-02T00:00:00Z&period_end=2026-11-02T00:00:00Z", "before", None),
        ("period_start=2026-11-01T00:00:00Z&period_end=2026-12-03T00:00:00Z", "31 days", None),
        ("user_id=maya", "invalid values", ["user_id"]),
        ("model=m&month=2026-11", "invalid values", ["month"]),
        ("model=m&limit=5&format=spend&after=x", "invalid values", ["format", "limit", "after"]),
        ("model=%00", "invalid values", ["model"]),
        ("bom=0", "invalid values", ["bom"]),
        ("client=x", "invalid values", ["client"]),
    ],
)
def test_a_bad_parameter_is_refused_like_by_coder(
    ana: Client, query: str, message: str, fields: list[str] | None
) -> None:
    answer = ana.get(f"{PATH}?{query}")
    assert answer.status == 400
    assert message in answer.json()["message"]
    if fields:
        assert [each["field"] for each in answer.json()["validations"]] == fields


def test_a_member_is_refused_before_the_period_is_looked_at(acme: Acme, database: Database) -> None:
    query = "?period_start=2026-11-02T00:00:00Z"
    for path in (PATH, SPEND, f"{SPEND}/users"):
        assert acme.client("maya").get(path + query).json() == FORBIDDEN


def test_names_are_harmless_in_a_spreadsheet(
    gateway: Client, acme: Acme, database: Database
) -> None:
    results(gateway, record(1, provider_name="=1+1", model="@m", provider="-p"))
    (row,) = rows_of(acme.client("ana").get(OF_PERIOD))
    assert (row["provider_name"], row["model"], row["provider"]) == ("'=1+1", "'@m", "'-p")


def test_a_file_that_exceeds_a_response_is_refused_whole(
    gateway: Client, acme: Acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Coder's clients know no pages: a part would pass for the whole."""
    results(gateway, record(1), record(2, model="n"))
    ana = acme.client("ana")
    monkeypatch.setattr("allowance.exports.store.MAX_DETAILS", 1)
    answer = ana.get(OF_PERIOD)
    assert answer.status == 400
    assert "All 2 rows exceed" in answer.json()["validations"][0]["detail"]
    assert len(rows_of(ana.get(f"{OF_PERIOD}&model=n"))) == 1
    monkeypatch.setattr("allowance.exports.store.MAX_DETAILS", 2)
    assert len(rows_of(ana.get(OF_PERIOD))) == 2
    monkeypatch.setattr("allowance.exports.details_csv.MAX_FILE_BYTES", 600)
    assert ana.get(OF_PERIOD).status == 400


def as_excel_reads(content: bytes) -> str:
    """The text that Excel makes of a file: UTF-8 with its mark, else the code page of Windows."""
    return content.decode("utf-8-sig" if content.startswith(b"\xef\xbb\xbf") else "cp1252")


def test_excel_reads_the_names_of_people(gateway: Client, acme: Acme, database: Database) -> None:
    database.run("UPDATE groups SET name = 'Zürich' WHERE name = 'platform'")
    acme.client("adam").put(acme.budget_path(), {"spend_limit_micros": 5})
    results(gateway, record(1))
    ana = acme.client("ana")
    month = f"{PATH}?month=2026-11"
    for path in (month, f"{month}&bom=1", f"{month}&format=focus&bom=1", f"{OF_PERIOD}&bom=1"):
        text = as_excel_reads(ana.get(path).body.encode())
        assert "Zürich" in text, path
        assert text.startswith('"')
        first, *_ = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        assert "Zürich" in first.values()
    for path in (f"{month}&format=focus", OF_PERIOD):
        assert ana.get(path).body.startswith('"'), "a program reads these"


def test_every_page_for_excel_begins_with_its_mark(used: Client, ana: Client) -> None:
    first = ana.get(f"{PATH}?month=2026-11&format=focus&limit=1&bom=1")
    link = first.headers["Link"]
    second = ana.get(PATH + link[1 : link.index(">")])
    assert first.body[0] == second.body[0] == "\ufeff"


def test_a_stated_cost_is_a_charge_that_no_price_explains(gateway: Client, acme: Acme) -> None:
    said = {"cost_from": "record", "unknown_users": "unattributed"}
    assert acme.client("olivia").put("/api/v2/ai/sources/litellm", said).status == 200
    results(gateway, record(1, cost_micros=5000))
    rows = rows_of(acme.client("ana").get(f"{PATH}?month=2026-11&format=focus"))
    assert [(each["SkuMeter"], each["ListUnitPrice"], each["BilledCost"]) for each in rows] == [
        ("Input Tokens", "", "0.000000000000"),
        ("Output Tokens", "", "0.000000000000"),
        ("Calls", "", "0.005000000000"),
    ]


def test_usage_of_a_month_that_was_dropped_keeps_its_cost(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """A late usage makes the month again: its own charges have prices, the others have none."""
    day = month_before(3)
    results(gateway, in_month_before(3), in_month_before(3, 2, user="otto"))
    expire(database, 1)
    results(gateway, in_month_before(3, 3))
    rows = rows_of(acme.client("ana").get(f"{PATH}?month={day:%Y-%m}&format=focus"))
    assert sum(Decimal(each["BilledCost"]) for each in rows) == Decimal("0.009")
    assert sum(int(each["x_UsageCount"]) for each in rows) == 3
    assert {each["SkuMeter"] for each in rows if not each["ListUnitPrice"]} == {
        "Input Tokens",
        "Output Tokens",
        "Calls",
    }
