"""Two months of the demo company, made by the API itself: people, usage, limits and budgets.

A second start adds nothing twice: a usage has the same id, and a limit that is there stays.
"""

import http.client
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from local.demo import ORGANIZATION, Demo, DemoFailed, Import, groups_of, valid_tokens
from local.demo_company import (
    ALLOWANCES,
    GATEWAY,
    NEARLY_USED_UP,
    OVER_THE_LIMIT,
    budgets,
    directory,
    nearly_used_up,
    whole_cents,
)
from local.demo_usage import Record, records
from local.processes import LOOPBACK

BATCH = 1000
"""Most records of a request."""

TIMEOUT_SECONDS = 60
CREATED_OR_THERE = {
    http.client.OK,
    http.client.CREATED,
    http.client.CONFLICT,
    http.client.PRECONDITION_FAILED,
}
"""A limit that is there already is 412, a budget 409."""
BUDGETS = f"/api/v2/organizations/{ORGANIZATION}/ai/budgets"


@dataclass(frozen=True)
class Caller:
    """A caller of the API."""

    port: int
    token: str

    def send(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        """Return the status and the JSON of a response. A PUT creates only."""
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "If-None-Match": "*",
        }
        sent = None if body is None else json.dumps(body)
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=TIMEOUT_SECONDS)
        with closing(connection):
            connection.request(method, path, sent, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())

    def need(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Return the JSON of a response. Raise DemoFailed unless something was created, or is there
        already.
        """
        status, result = self.send(method, path, body)
        if status not in CREATED_OR_THERE:
            raise DemoFailed(f"{method} {path} responds {status}: {json.dumps(result)}")
        return result


def fill(import_directory: Import, api_port: int, demo: Demo, saved: Path) -> Demo:
    """Make the company, what it used so far, and its limits. Return the demo with its groups. Raise
    DemoFailed.

    `saved` keeps the token of the gateway between runs.
    """
    there = groups_of(import_directory)
    groups = import_directory(directory(ORGANIZATION, there))["groups"]
    token = valid_tokens(import_directory, api_port, [GATEWAY], saved)[GATEWAY]
    admin, owner = (Caller(api_port, demo.tokens[name]) for name in ("adam", "olivia"))
    with ThreadPoolExecutor(max_workers=1) as beside:
        # Beside the usage, because the first call of each function waits for its start.
        limited = beside.submit(_limit, admin, groups)
        record(Caller(api_port, token), records(datetime.now(UTC)))
        limited.result()
    _limit_by_spend(admin, owner, groups)
    return replace(demo, groups=groups)


def record(gateway: Caller, usage: Sequence[Record]) -> None:
    """Record usage. Raise DemoFailed for a record that is neither recorded nor there already."""
    for batch in _batches(usage):
        results = gateway.need("POST", "/api/v2/ai/usage", {"records": batch})["results"]
        for sent, result in zip(batch, cast("list[dict[str, Any]]", results), strict=True):
            if result["status"] not in {"recorded", "duplicate"}:
                raise DemoFailed(f"the usage {sent['id']} is not recorded: {json.dumps(result)}")


def _batches(usage: Sequence[Record]) -> Iterator[Sequence[Record]]:
    for first in range(0, len(usage), BATCH):
        yield usage[first : first + BATCH]


def _limit(admin: Caller, groups: Mapping[str, str]) -> None:
    for name, micros in ALLOWANCES.items():
        path = f"/api/v2/groups/{groups[f'{ORGANIZATION}/{name}']}/ai/budget"
        admin.need("PUT", path, {"spend_limit_micros": micros})
    for budget in budgets(groups, ORGANIZATION):
        admin.need("POST", BUDGETS, budget)


def _limit_by_spend(admin: Caller, owner: Caller, groups: Mapping[str, str]) -> None:
    """Limit a group, and a user who is then over the limit. Without spend there is no such limit:
    the month has just begun.
    """
    group = groups[f"{ORGANIZATION}/{NEARLY_USED_UP}"]
    of_group = admin.need("GET", f"/api/v2/groups/{group}/ai/spend")["current_spend_micros"]
    if of_group > 0:
        admin.need("POST", BUDGETS, nearly_used_up(groups, ORGANIZATION, of_group))
    user = f"/api/v2/users/{OVER_THE_LIMIT}/ai"
    of_user = owner.need("GET", f"{user}/spend")["current_spend_micros"]
    if of_user > 0:
        limit = {
            "group_id": groups[f"{ORGANIZATION}/engineering"],
            "spend_limit_micros": whole_cents(of_user * 9 // 10),
        }
        owner.need("PUT", f"{user}/budget/override", limit)
