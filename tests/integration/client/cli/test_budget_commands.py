"""`allowance budgets` against the real API: what is set, what stays, and two admins at once."""

import re
from uuid import uuid4

from tests.command_line import Command
from tests.gateway import Client
from tests.loopback_api import Served
from tests.organization_budgets import BUDGETS
from tests.people import Acme

CANNOT_BE_MEANT = [
    ("budgets set 1", "Use --group, --user or --name"),
    ("budgets set 1 --group platform --period day", "Only a budget with a --name has --period"),
    ("budgets set 1 --group platform --until 2030-01-01", "has no end"),
    ("budgets set 1 --name x --group platform", "--scope group:NAME"),
    ("budgets set 1 --name x", "A new budget needs --scope"),
    ("budgets set 1 --name x --scope team:a", "'team:a' is no scope"),
    ("budgets set 1 --user maya", "needs the --group"),
    ("budgets set 1 --name x --scope organization --until 2020-01-01", "2020-01-01 is over"),
    ("budgets set 1 --user maya --until 2020-01-01T00:00:00+02:00", "is over"),
    ("budgets unset", "Use one of"),
    ("budgets unset --group platform --user maya", "Use one of"),
    ("budgets unset --name ..", "'..' is no name"),
    ("spend maya", "Choose from"),
    ("spend me maya", "Write user, group or org"),
    ("spend user", "Which user?"),
    ("spend --top 3", "--top needs --by"),
    ("spend --model m", "--model needs --by"),
    ("prices set p/m", "Which price?"),
    ("prices resolve gpt-5", "Write provider/model"),
    ("prices alias --free", "Which name?"),
    ("prices alias a/b c/d --free", "Use one of"),
    ("usage assign litellm ghost", "Name a user, or use --nobody"),
    ("usage assign litellm ghost maya --nobody", "Name a user, or use --nobody"),
]
OVERRIDE = "/api/v2/users/maya/ai/budget/override"


def test_a_limit_that_is_too_high_is_refused_in_dollars(command: Command, acme: Acme) -> None:
    of_name = command("budgets set 9999999999 --name x --scope organization")
    assert "The limit: Must not exceed $1000000000.00." in of_name.err


def test_what_is_not_stated_stays(command: Command, acme: Acme, adam: Client) -> None:
    olivia = acme.client("olivia")
    first = command(
        "budgets set 10 --user maya --group acme/platform --until 2030-12-24", by="olivia"
    )
    assert first.rows[0][1:3] == ["maya", "$10.00"]
    command("budgets set '$12.50' --user maya", by="olivia")
    kept = olivia.get(OVERRIDE).json()
    assert kept["spend_limit_micros"] == 12_500_000
    assert kept["group_id"] == str(acme.groups["acme/platform"])
    assert kept["expires_at"] == "2030-12-24T00:00:00.000000Z"
    command("budgets set 0 --user maya --until never", by="olivia")
    assert olivia.get(OVERRIDE).json()["expires_at"] is None

    made = command(
        "budgets set 50 --name deep --scope label:project --per value --model anthropic/*"
        " --model openai/* --period week --time-zone Europe/Berlin --week-starts 7"
        " --enforcement warn --threshold 50 --rollover 0.000001 --starts 2029-01-01"
        " --until 2030-01-01T00:00:00+01:00 --json"
    ).json()
    before = adam.get(f"{BUDGETS}/deep").json()
    assert made["id"] == before["id"]
    assert before["scope"] == {"type": "label", "key": "project", "value": None}
    period = {"unit": "week", "time_zone": "Europe/Berlin", "week_starts": 7, "year_starts": 1}
    assert before["period"] == period
    assert (before["models"], before["thresholds"]) == (["anthropic/*", "openai/*"], [50])
    assert (before["rollover_micros"], before["per"]) == (1, "value")
    assert before["ends_at"] == "2029-12-31T23:00:00.000000Z"
    assert command("budgets set 60 --name deep --enforcement enforce --until never").code == 0
    changed = {"limit_micros": 60_000_000, "enforcement": "enforce", "ends_at": None}
    after = adam.get(f"{BUDGETS}/deep").json()
    assert after | {"updated_at": ""} == before | changed | {"updated_at": ""}


def test_two_admins_at_once_lose_no_change(
    command: Command, acme: Acme, server_of_commands: Served
) -> None:
    olivia = acme.client("olivia")
    group = {"spend_limit_micros": 1}
    own = group | {"group_id": str(acme.groups["acme/platform"])}
    named = {"name": "all", "scope": {"type": "organization"}, "per": "total", "limit_micros": 1}
    named |= {"period": {"unit": "month"}}
    cases = [
        ("--group acme/platform", acme.budget_path(), group),
        ("--user maya --group acme/platform", OVERRIDE, own),
        ("--name all -o acme", f"{BUDGETS}/all", named),
    ]
    assert olivia.post(BUDGETS, named).status == 201
    for options, path, body in cases:

        def change(method: str, path: str = path, body: object = body) -> None:
            if method in ("PUT", "DELETE"):
                assert olivia.put(path, body).status == 200

        # First the one that nobody has set yet, then the one that both have read.
        for line in (f"set 25 {options}", f"set 25 {options}", f"unset {options.split(' --g')[0]}"):
            server_of_commands.meanwhile = change
            ran = command(f"budgets {line}", by="olivia")
            server_of_commands.meanwhile = None
            assert (ran.code, ran.out) == (1, ""), line
            assert "changed by someone else" in ran.err or "exists" in ran.err, ran.err
            shown = olivia.get(path).json()
            assert shown.get("spend_limit_micros", shown.get("limit_micros")) == 1


def test_a_refusal_names_the_field_and_the_request(command: Command) -> None:
    capped = command("budgets set 1000000.000001 --group platform")
    assert (capped.code, capped.out) == (1, "")
    assert "  The limit: Must not exceed $1000000.00." in capped.err.splitlines()
    assert re.search(r"^request id: [0-9a-f-]{36}$", capped.err, re.MULTILINE)
    # An id is no name for a new budget.
    missing = command(f"budgets set 1 --name {uuid4()} --scope organization")
    assert (missing.code, "not found" in missing.err) == (1, True)
    small = command("budgets set 0.001 --group platform")
    assert (small.code, "The limit is US$ 0.001" in small.err) == (0, True)
    hidden = command("budgets set 1 --group platform", by="maya")
    assert (hidden.code, "organization-admin" in hidden.err) == (1, True)


def test_what_cannot_be_meant_is_refused_before_a_change(command: Command) -> None:
    for line, says in CANNOT_BE_MEANT:
        ran = command(line)
        assert (ran.code, ran.out) == (2, ""), line
        assert says in ran.err, line
