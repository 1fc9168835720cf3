"""What was spent of a budget that has ended stays as it was."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.gateway import Client
from tests.organization_budgets import BUDGETS, created
from tests.people import Acme
from tests.postgres import Database
from tests.usage import record, results


def test_usage_after_its_end_counts_in_no_budget(
    acme: Acme, adam: Client, gateway: Client, database: Database
) -> None:
    """Also where nobody touched its counter while it was in force. A quarter is cut by the end."""

    def use(number: int, project: str, **ago: float) -> None:
        at = (datetime.now(UTC) - timedelta(**ago)).isoformat()
        usage = record(number, occurred_at=at, labels={"project": project}, tokens={"input": 5})
        assert results(gateway, usage)[0]["status"] == "recorded"

    def spend(id_: str) -> Any:
        return adam.get(f"{BUDGETS}/{id_}/spend").json()

    use(1, "search", hours=2)
    always: dict[str, Any] = {"period": {"unit": "none"}}
    value = {"type": "label", "key": "project"}
    total, members, values = (
        created(adam, name, **always, **terms)["id"]
        for name, terms in (
            ("all", {}),
            ("members", {"per": "member"}),
            ("projects", {"scope": value, "per": "value"}),
        )
    )
    for id_ in (total, members, values):
        assert adam.delete(f"{BUDGETS}/{id_}").status == 204
    use(2, "search", hours=0)
    for hours in (0, 1):
        database.run(
            "UPDATE ai_budgets SET ended_at = ended_at - make_interval(hours => %s)", hours
        )
        assert spend(total)["total"]["spent_micros"] == 10
        for id_ in (members, values):
            assert sum(row["spent_micros"] for row in spend(id_)["subjects"]) == 10
    use(3, "chat", hours=0)
    assert [row["value"] for row in spend(values)["subjects"]] == ["search"]
