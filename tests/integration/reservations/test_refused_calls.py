"""A refused call is counted, and alerts where the limit is 0."""

import json

import pytest

from tests.alerts import deliver
from tests.gateway import Client
from tests.organization_budgets import created
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import PATH, limit_everyone, of_cost, request, used
from tests.usage import results


def test_each_refused_decision_is_a_metric_but_no_dry_run_and_no_grant(
    gateway: Client, acme: Acme, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    limit_everyone(database, acme, 10)
    bodies = [
        (of_cost(1, 1), 201),
        (of_cost(11, 2), 403),
        (request(3, model="unpriced"), 403),
        (request(4, user="nobody"), 403),
        (of_cost(2, 1), 409),
        (of_cost(11, 5, dry_run=True), 403),
    ]
    counted: list[int] = []
    for body, status in bodies:
        capsys.readouterr()
        assert gateway.post(PATH, body).status == status
        lines = map(json.loads, capsys.readouterr().out.splitlines())
        counted.append(
            sum(each["RefusedDecisions"][0] for each in lines if "RefusedDecisions" in each)
        )
    assert counted == [0, 1, 1, 1, 0, 0]


def test_a_call_refused_by_a_limit_of_zero_alerts_once(
    gateway: Client, acme: Acme, database: Database
) -> None:
    limit_everyone(database, acme, 0)
    deliver()
    for number in range(2):
        assert gateway.post(PATH, of_cost(1, number)).status == 403
        deliver()
    assert database.rows("SELECT kind, user_id FROM ai_alerts") == [("refused", acme.users["maya"])]


def test_each_limit_of_zero_alerts_whichever_has_the_least_room(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """A limit with room has no part in the refusal."""
    adam = acme.client("adam")
    for name, limit, enforcement in (
        ("zero", 0, "enforce"),
        ("warned", 0, "warn"),
        ("large", 10**9, "enforce"),
    ):
        created(adam, name, limit_micros=limit, enforcement=enforcement, thresholds=[])
    limit_everyone(database, acme, 0)
    deliver()
    # The budget is overspent by another, so the allowance of maya has more room: none.
    assert results(gateway, used(user="otto"))[0]["status"] == "recorded"
    assert gateway.post(PATH, of_cost(1)).status == 403
    deliver()
    refused = "SELECT budget_kind, budget_name FROM ai_alerts WHERE kind = 'refused' ORDER BY 1"
    assert database.rows(refused) == [("allowance", None), ("budget", "zero")]
    assert database.rows("SELECT count(*) FROM ai_refusals") == [(2,)]
