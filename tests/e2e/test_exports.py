"""Spend as a file, fetched page by page through its links."""

import csv
import io
import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urljoin

import httpx

from tests.e2e.conftest import Person
from tests.e2e.stack import lambda_client

PATH = "/api/v2/organizations/acme/ai/spend/export"


def download(person: Person, query: str) -> tuple[list[dict[str, str]], list[httpx.Response]]:
    """The rows of all pages, and the responses."""
    url, answers = f"{person.base_url}{PATH}?{query}", []
    while url:
        answers.append(person.get(url))
        assert answers[-1].status_code == 200, answers[-1].text
        link = answers[-1].links.get("next")
        url = urljoin(url, link["url"]) if link else ""
    return [
        row
        for each in answers
        for row in csv.DictReader(io.StringIO(each.text, newline=""), strict=True)
    ], answers


def test_spend_is_downloaded_page_by_page(people: dict[str, Person]) -> None:
    now, made = datetime.now(UTC), time.time_ns()
    records = [
        {
            "source": "e2e",
            "id": f"{made}-{name}",
            "user": name,
            "provider": "anthropic",
            "model": "claude-sonnet-4-5",
            "occurred_at": now.isoformat(),
            "tokens": {"input": 1000},
        }
        for name in ("maya", "otto", "adam")
    ]
    recorded = (
        people["olivia"].post("/api/v2/ai/usage", json={"records": records}).json()["results"]
    )
    assert {each["status"] for each in recorded} == {"recorded"}
    month = f"{now:%Y-%m}"
    whole, (answer,) = download(people["ana"], f"month={month}")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["content-disposition"] == f'attachment; filename="acme-spend-{month}.csv"'
    assert {"maya", "otto", "adam"} <= {row["username"] for row in whole}
    paged, answers = download(people["ana"], f"month={month}&limit=1")
    assert (paged, len(answers)) == (whole, len(whole))
    charges, _ = download(people["ana"], f"month={month}&format=focus&limit=2")
    assert (
        sum(Decimal(row["BilledCost"]) for row in charges)
        == sum(Decimal(row["cost_usd"]) for row in whole)
        > 0
    )
    assert people["maya"].get(PATH).status_code == 404


def test_the_export_function_has_its_layer_and_needs_a_bucket(stack: dict[str, Any]) -> None:
    failed = json.loads(
        lambda_client(stack).invoke(FunctionName="ExportSpend", Payload=b"{}")["Payload"].read()
    )
    assert (failed["errorType"], failed["errorMessage"]) == (
        "BadSetting",
        "EXPORT_BUCKET is not set: nothing is exported.",
    )
