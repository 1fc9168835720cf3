"""A refused call is counted, and alerts where the limit is 0."""

import json

import pytest

from tests.alerts import deliver
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import PATH, limit_everyone, of_cost, request


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
