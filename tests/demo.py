"""The spend of the demo company: what a stack shows, and the plain sum by the price book."""

import csv
import io
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

from local.demo_company import EMPLOYEES
from local.demo_usage import UNKNOWN_USER, UNPRICED, Record, records

BOOK = {
    (row["provider"], row["model"]): row
    for row in json.loads((Path(__file__).parents[1] / "functions/prices.json").read_text())[
        "prices"
    ]
    if "effective_from" not in row and "held" not in row
}
MILLION = 10**6
FIRST_TIER = 200_000
Spend = dict[str, Fraction]
"""US dollars by username."""


def month_before(now: datetime) -> str:
    return f"{now.replace(day=1) - timedelta(days=1):%Y-%m}"


def plain_sum(now: datetime, month: str) -> Spend:
    """What each person spent in a month until a time, summed record by record."""
    sums: Counter[str] = Counter()
    for each in records(now):
        if each["occurred_at"].startswith(month) and each["user"] != UNKNOWN_USER:
            sums[each["user"]] += _dollars(each)
    return dict(sums)


def _dollars(each: Record) -> Fraction:
    if (each["provider"], each["model"]) == UNPRICED:
        return Fraction(0)
    price = BOOK[each["provider"], each["model"]]
    tokens = each["tokens"]
    assert tokens["input"] + tokens.get("cache_read", 0) <= FIRST_TIER, "no tier applies"
    micros = sum(count * price[f"{name}_price"] for name, count in tokens.items())
    return Fraction(micros, MILLION * MILLION)


def shown(stack: dict[str, Any], month: str) -> Spend:
    """What each employee spent in a month, by the export of the organization."""
    names = {each.username for each in EMPLOYEES}
    url = f"{stack['api_url']}/api/v2/organizations/acme/ai/spend/export?format=spend&month={month}"
    sums: Counter[str] = Counter()
    while url:
        page = httpx.get(
            url, headers={"Authorization": f"Bearer {stack['tokens']['adam']}"}, timeout=60
        )
        assert page.status_code == 200, page.text
        for row in csv.DictReader(io.StringIO(page.text, newline="")):
            if row["username"] in names:
                sums[row["username"]] += Fraction(row["cost_usd"] or 0)
        link = page.links.get("next")
        url = urljoin(url, link["url"]) if link else ""
    return dict(sums)


def assert_shows_the_company(stack: dict[str, Any], began: datetime) -> None:
    """The stack, which started at `began`, shows each record once."""
    ended = datetime.now(UTC)
    assert shown(stack, month_before(began)) == plain_sum(began, month_before(began))
    this_month = f"{began:%Y-%m}"
    least, most = plain_sum(began, this_month), plain_sum(ended, this_month)
    spent = shown(stack, this_month)
    assert all(least.get(name, 0) <= usd <= most[name] for name, usd in spent.items())
    assert spent.keys() >= least.keys()
