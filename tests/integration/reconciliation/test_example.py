"""The example of docs/reconciliation.md, word for word."""

import json
import re
from pathlib import Path

from tests.gateway import Client
from tests.price_books import seed
from tests.reconciliation import PATH, REPORTS
from tests.usage import record, results

PAGE = (Path(__file__).parents[3] / "docs/reconciliation.md").read_text()
EXAMPLE = PAGE.split("## Example")[1]
PRICE = {"provider": "openai", "model": "gpt-5.1"}


def tables() -> list[list[list[str]]]:
    """The cells of each row of each table, without the head."""
    found = re.findall(r"(?:^\|.*\n)+", EXAMPLE, re.MULTILINE)
    return [
        [[each.strip() for each in line[1:-1].split("|")] for line in table.splitlines()[2:]]
        for table in found
    ]


def test_the_example_is_true(gateway: Client, olivia: Client, ana: Client) -> None:
    calls, lines = tables()
    seed(PRICE | {"input_price": 1_250_000, "output_price": 10_000_000})
    for number, (day, requests, given, made, cost) in enumerate(calls):
        (found,) = results(
            gateway,
            record(
                number,
                **PRICE,
                occurred_at=f"{day}T12:00:00Z",
                requests=int(requests),
                tokens={"input": int(given), "output": int(made)},
            ),
        )
        assert f"{found['cost_micros'] / 1e6:.6f}" == cost
    (body,) = re.findall(r"```json\n(.*?)```", EXAMPLE, re.DOTALL)
    assert olivia.post(REPORTS, json.loads(body)).status == 200
    seen = json.loads(ana.get(PATH + "?month=2026-11").body)

    def shown(*values: object) -> list[str]:
        return ["" if each is None else str(each) for each in values]

    assert [
        [
            each["day"],
            each["model"] or "null",
            *shown(*(each[side]["total_tokens"] for side in SIDES)),
            *shown(*(each[side]["cost_usd"] for side in SIDES)),
            ", ".join(one["code"] for one in each["reasons"]),
        ]
        for each in seen["lines"]
    ] == lines
    (total,) = seen["totals"]
    text = " ".join(EXAMPLE.split())
    for side, words in zip(SIDES, ("vendor's total is US$", "ledger's", "difference"), strict=True):
        assert f"{words} {total[side]['cost_usd']}" in text


SIDES = ("counted", "recorded", "difference")
