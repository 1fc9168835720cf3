"""The sum of the usage that a budget counts is the sum of its entries in the ledger."""

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.depth import by_depth
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.usage import record, send

SUMS = (
    "SELECT ai_budget_spent(jsonb_populate_record(NULL::ai_budgets, e.asked),"
    " e.asked ->> 'subject', (e.asked ->> 'from')::timestamptz, (e.asked ->> 'to')::timestamptz)"
    " FROM jsonb_array_elements(%s) WITH ORDINALITY AS e (asked, n) ORDER BY e.n"
)
DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=4)
USERS, MODELS = ("maya", "otto", "gus"), ("p/m", "p/m_2", "q/m/x")
RECORDS = 1450
LABELS: list[dict[str, str]] = [{}, {"k": "a"}, {"k": "b", "other": "a"}, {"k": ""}]


@dataclass(frozen=True)
class Entry:
    """An entry of the ledger."""

    organization_id: UUID
    group_id: UUID
    user_id: UUID
    provider: str
    model: str
    labels: dict[str, str] | None
    occurred_at: datetime
    cost_micros: Decimal | None


def record_much(client: Client) -> None:
    """Usage of four days, at the bounds of quarters, days and months too. One day has more label
    sets than sums keep apart.
    """
    chance = random.Random(1)  # noqa: S311
    records: list[dict[str, Any]] = []
    for n in range(RECORDS):
        minutes = 15 * chance.randrange(4 * 96) if n < 200 else 15 * chance.randrange(96)
        at = DAY + timedelta(minutes=minutes, microseconds=chance.choice([0, 0, 1, -1, 5 * 10**8]))
        provider, _, model = chance.choice(MODELS).partition("/")
        labels = chance.choice(LABELS) if n < 200 else {"k": chance.choice("ab"), "n": str(n)}
        user = chance.choice(USERS if n < 200 else USERS[:2])
        records.append(
            record(
                n,
                user=user,
                group="platform" if user == "maya" and n % 2 else None,
                provider=provider,
                model=model,
                labels=labels or None,
                occurred_at=at.isoformat(),
                tokens={"input": chance.randrange(10**6)},
            )
        )
    for start in (0, 725):
        answer = send(client, *records[start : start + 725])
        assert {each["status"] for each in answer.json()["results"]} == {"recorded"}


@st.composite
def questions(draw: st.DrawFn, acme: Acme) -> dict[str, Any]:
    """A budget, one of its subjects, and two times."""
    scope = draw(st.sampled_from(["organization", "group", "user", "label", "label"]))
    value = draw(st.sampled_from([None, None, "a", ""]))
    users = [str(acme.users[each]) for each in USERS]
    per, subject = "total", ""
    if scope == "label" and value is None:
        per, subject = "value", draw(st.sampled_from(["", "", "a", "none"]))
    elif scope != "user" and draw(st.booleans()):
        per, subject = "member", draw(st.sampled_from(users))

    def time() -> str | None:
        minutes = draw(st.sampled_from([0, 15, 1, 7]))
        moment = DAY + timedelta(hours=draw(st.integers(-5, 100)), minutes=minutes)
        return draw(st.sampled_from([DAY, moment, moment])).isoformat()

    dates = [time() if draw(st.integers(0, 3)) == 0 else None for _ in range(2)]
    return {
        "organization_id": str(
            acme.organizations[draw(st.sampled_from(["acme", "acme", "globex"]))]
        ),
        "scope": scope,
        "group_id": str(acme.groups[draw(st.sampled_from(["acme/platform", "acme/Everyone"]))])
        if scope == "group"
        else None,
        "user_id": draw(st.sampled_from(users)) if scope == "user" else None,
        "label_key": "k" if scope == "label" else None,
        "label_value": value if scope == "label" else None,
        "per": per,
        "subject": subject,
        "model_patterns": draw(st.sampled_from([None, ["P/%"], [r"p/M\_2", "q/m/x"], ["x/%"]])),
        "starts_at": dates[0],
        "ends_at": dates[1],
        "from": draw(st.sampled_from(["-infinity", time(), time()])),
        "to": draw(st.sampled_from(["infinity", time(), time()])),
    }


def expected(asked: dict[str, Any], ledger: list[Entry]) -> Decimal:
    """The plain sum of the ledger."""
    return sum(
        (each.cost_micros or Decimal() for each in ledger if _counts(asked, each)), Decimal()
    )


def _counts(asked: dict[str, Any], entry: Entry) -> bool:
    name = f"{entry.provider}/{entry.model}"
    # Upper and lower case are the same, as they are for prices.
    patterns = {"P/%": entry.provider == "p", r"p/M\_2": name == "p/m_2", "q/m/x": name == "q/m/x"}
    labels, scope = entry.labels or {}, asked["scope"]
    times = (asked["from"], asked["starts_at"]), (asked["to"], asked["ends_at"])
    first, last = (
        [datetime.fromisoformat(each) for each in pair if each and "infinity" not in each]
        for pair in times
    )
    return (
        str(entry.organization_id) == asked["organization_id"]
        and (scope != "group" or str(entry.group_id) == asked["group_id"])
        and (scope != "user" or str(entry.user_id) == asked["user_id"])
        and (asked["per"] != "member" or str(entry.user_id) == asked["subject"])
        and (asked["per"] != "value" or labels.get("k", "") == asked["subject"])
        and (asked["label_value"] is None or labels.get("k") == asked["label_value"])
        and (
            asked["model_patterns"] is None
            or any(patterns.get(each, False) for each in asked["model_patterns"])
        )
        and all(each <= entry.occurred_at for each in first)
        and all(entry.occurred_at < each for each in last)
    )


def test_the_sum_of_a_budget_is_that_of_the_ledger(
    gateway: Client, acme: Acme, database: Database
) -> None:
    for name in MODELS:
        provider, _, model = name.partition("/")
        # A token costs a millionth of a micro-unit.
        seed(price(provider=provider, model=model, input_price=1))
    record_much(gateway)
    ledger = [
        Entry(*row)
        for row in database.rows(
            "SELECT organization_id, group_id, user_id, provider, model, labels, occurred_at,"
            " cost_micros FROM ai_usage"
        )
    ]
    assert len(ledger) == RECORDS
    others = "SELECT count(*) FROM ai_usage WHERE label_set_id = ai_other_label_set()"
    assert database.rows(others)[0][0] > 50
    totals: list[Decimal] = []

    # A failure names what was asked; making it smaller would take minutes.
    @settings(max_examples=by_depth(6, 50, 300), database=None, phases=[Phase.generate])
    @given(st.lists(questions(acme), min_size=20, max_size=30))
    def agree(asked: list[dict[str, Any]]) -> None:
        found = [row[0] for row in database.rows(SUMS, json.dumps(asked))]
        wrong = [
            (each, sum_, right)
            for each, sum_ in zip(asked, found, strict=True)
            if sum_ != (right := expected(each, ledger))
        ]
        assert wrong == []
        totals.extend(found)

    agree()
    assert len(set(totals)) > 20
