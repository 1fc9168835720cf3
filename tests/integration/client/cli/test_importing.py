"""`allowance import` against the real API: what becomes of a file, twice, and of a bad one."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Command
from tests.gateway import Client
from tests.imports import SAMPLES, compressed, sample
from tests.loopback_api import Served
from tests.organization_budgets import BUDGETS
from tests.people import Acme
from tests.postgres import Database

KEY = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b"
LOGS = SAMPLES / "litellm-spend-logs.json"
FUNCTIONS = Path(__file__).parents[4] / "functions"


def ledger(database: Database) -> list[Any]:
    """Every entry, and the sums of it."""
    return [
        *database.rows(
            "SELECT source, source_id, cost_micros, user_id FROM ai_usage ORDER BY 1, 2"
        ),
        *database.rows("SELECT sum(usage_count), sum(cost_micros) FROM ai_usage_quarter_hourly"),
    ]


def calls(count: int, **changes: Any) -> str:
    row = {
        "startTime": "2026-11-03T10:00:00Z",
        "model": "m",
        "custom_llm_provider": "p",
        "user": "maya",
        "prompt_tokens": 1,
        "completion_tokens": 2,
        "metadata": {"status": "success"},
    }
    return "\n".join(json.dumps({"request_id": f"c{n}", **row, **changes}) for n in range(count))


def test_an_import_counts_once_however_often_it_runs(
    command: Command, gateway: Client, database: Database
) -> None:
    first = command(f"import auto {LOGS}", by="nora")
    assert (first.code, first.rows) == (
        0,
        [
            ["recorded", "2"],
            ["duplicate", "0"],
            ["no price: openai/gpt-5.1", "1"],
            ["no price: anthropic/claude-sonnet-4-5", "1"],
            [f"no user: litellm-key:{KEY}", "1"],
        ],
    )
    assert "left out: calls that failed and used nothing (1)" in first.err
    before = ledger(database)
    assert len(before) == 3
    again = command(f"import litellm-spend-logs {LOGS}", by="nora")
    assert again.rows == [["recorded", "0"], ["duplicate", "2"]]
    assert ledger(database) == before
    as_json = command(f"import auto {LOGS} --json", by="nora").json()
    assert (as_json["rows"], as_json["duplicate"], as_json["not_recorded"]) == (2, 2, [])


def test_a_file_with_a_bad_row_sends_nothing(
    command: Command, server_of_commands: Served, tmp_path: Path
) -> None:
    methods: list[str] = []
    server_of_commands.meanwhile = methods.append
    bad = tmp_path / "bad.json"
    bad.write_text(calls(1500) + "\n" + calls(1, prompt_tokens="1,5"))
    ran = command(f"import auto {bad}", by="nora")
    assert (ran.code, ran.out) == (2, "")
    assert "row 1501, prompt_tokens: has a decimal comma" in ran.err
    assert set(methods) <= {"GET"}
    assert command(f"import auto {tmp_path / 'none.json'}").code == 2
    assert "looks like litellm-spend-logs" in command(f"import openai {LOGS}").err


def test_what_the_service_would_refuse_sends_nothing(
    command: Command, acme: Acme, server_of_commands: Served, tmp_path: Path
) -> None:
    methods: list[str] = []
    server_of_commands.meanwhile = methods.append
    file = tmp_path / "file"
    bad = {"usage_object": {"prompt_tokens_details": {"cached_tokens": -1}}}
    file.write_text(calls(1500) + "\n" + calls(1, metadata=bad))
    ran = command(f"import auto {file}", by="nora")
    assert (ran.code, ran.out) == (2, "")
    assert "row 1501, metadata.usage_object.prompt_tokens_details.cached_tokens: must" in ran.err
    file.write_text(calls(1))
    typo = command(f"import auto {file} --user-from usr", by="nora")
    assert (typo.code, "usr: no field of this format" in typo.err) == (2, True)
    file.write_text("litellm_settings: {max_budget: 1}\nmodel_list: [{litellm_params: 010}]")
    octal = command(f"import litellm-config {file}")
    assert (octal.code, "line 2: 010 is a number that" in octal.err) == (2, True)
    report = SAMPLES / "openai-usage.json"
    long = command(f"import auto {report} --organization acme --account {'x' * 256}", by="olivia")
    assert (long.code, "--account: must have at most 255" in long.err) == (2, True)
    assert set(methods) <= {"GET"}


def test_a_dry_run_needs_no_server(command: Command, server_of_commands: Served) -> None:
    methods: list[str] = []
    server_of_commands.meanwhile = methods.append
    assert command(f"import auto {LOGS} --dry-run").rows == [["would send", "2"]]
    report = command(f"import auto {SAMPLES / 'openai-costs.json'} --dry-run --json").json()
    assert [each["cost_usd"] for each in report["rows"]] == ["0.183456789012", "0.5"]
    budgets = command(f"import auto {SAMPLES / 'litellm-config.yaml'} --dry-run")
    assert {row[-1] for row in budgets.rows} == {"would create"}
    assert "no counterpart: litellm_settings.max_end_user_budget: end users" in budgets.err
    assert methods == []


def test_a_row_with_other_content_is_named_and_fails_the_command(
    command: Command, gateway: Client, tmp_path: Path
) -> None:
    file = tmp_path / "calls.json"
    file.write_text(calls(2))
    assert command(f"import auto {file}", by="nora").code == 0
    file.write_text(calls(2, completion_tokens=3))
    ran = command(f"import auto {file}", by="nora")
    assert ran.code == 1
    assert ran.rows == [["recorded", "0"], ["duplicate", "0"], ["conflict", "2"]]
    assert "row 1 (c0): id: It was recorded with other content" in ran.err
    assert "allowance: Some calls were recorded before with other content" in ran.err
    assert "It came before by another way, or from another file, and counts once." in ran.err


def test_an_import_that_breaks_off_goes_on_when_it_runs_again(
    command: Command,
    gateway: Client,
    database: Database,
    server_of_commands: Served,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "calls.json.gz"
    file.write_bytes(compressed(calls(150)))
    monkeypatch.setattr("allowance_client.imports.batches.MAX_ROWS", 100)
    sent: list[str] = []

    def fail_the_second(method: str) -> None:
        sent.append(method)
        if sent.count("POST") > 1:
            raise ConnectionError

    server_of_commands.meanwhile = fail_the_second
    server_of_commands.handle_error = lambda *_: None  # type: ignore[method-assign]
    broken = command(f"import auto {file} --timeout 0.5", by="nora")
    assert broken.code == 3
    assert "100 of 150 rows were sent. Import the file again" in broken.err
    server_of_commands.meanwhile = None
    whole = command(f"import auto {file}", by="nora")
    assert whole.rows == [["recorded", "50"], ["duplicate", "100"]]
    (sums,) = database.rows("SELECT sum(usage_count) FROM ai_usage_quarter_hourly")
    assert sums[0] == 150


def test_the_settings_of_the_source_name_the_user(
    command: Command, acme: Acme, gateway: Client, tmp_path: Path
) -> None:
    settings = {"cost_from": "book", "identity": ["end_user", "user"]}
    acme.client("olivia").put("/api/v2/ai/sources/other", settings)
    file = tmp_path / "calls.json"
    file.write_text(calls(1, end_user="otto", user="maya"))
    rows = command(f"import auto {file} --source other", by="nora").rows
    assert rows[0] == ["recorded", "1"]
    taken = command(f"import auto {file} --user-from end_user --source other", by="nora")
    assert taken.rows == [["recorded", "0"], ["duplicate", "1"]]
    other = command(f"import auto {file} --user-from user --source other", by="nora")
    assert other.code == 1, "another user is other content"


def test_budgets_of_litellm_are_created_once_or_not_at_all(
    command: Command, acme: Acme, adam: Client
) -> None:
    path = SAMPLES / "litellm-config.yaml"
    assert {row[-1] for row in command(f"import auto {path}").rows} == {"created"}
    made = adam.get(f"{BUDGETS}/litellm-users").json()
    assert (made["per"], made["limit_micros"], made["period"]["unit"]) == (
        "member",
        25_000_000,
        "month",
    )
    assert {row[-1] for row in command(f"import auto {path}").rows} == {"unchanged"}
    adam.delete(f"{BUDGETS}/litellm-openai")
    command("budgets set 1 --name litellm")
    ran = command(f"import auto {path}")
    assert ran.code == 2
    assert "Nothing is created: litellm exist with other terms." in ran.err
    assert adam.get(f"{BUDGETS}/litellm-openai").status == 404


def test_invited_users_become_a_document_without_those_who_exist(
    command: Command, acme: Acme, tmp_path: Path
) -> None:
    users = tmp_path / "users.csv"
    users.write_text(sample("litellm-users.csv") + "maya@elsewhere.example,internal_user,,,,\n")
    ran = command(f"import litellm-users {users} --organization acme", by="olivia")
    assert [each["username"] for each in ran.json()["users"]] == ["lena-ohm", "omar"]
    assert "no counterpart: line 4, user_email: a user maya exists, and stays as it is" in ran.err
    assert "these groups must exist before the document is imported: platform, research" in ran.err


def test_what_a_vendor_counted_is_stored_once(command: Command, acme: Acme) -> None:
    usage, costs = SAMPLES / "openai-usage.json", SAMPLES / "openai-costs.json"
    line = "import auto {} --organization acme"
    assert command(line.format(usage), by="olivia").rows == [["created", "1"]]
    assert command(line.format(usage), by="olivia").rows == [["unchanged", "1"]]
    assert command(line.format(costs), by="olivia").rows == [["created", "1"], ["replaced", "1"]]
    route = "/api/v2/organizations/acme/ai/reconciliation?month=2026-11"
    lines = acme.client("olivia").get(route).json()["lines"]
    of_model = [each for each in lines if "gpt-5.1" in each["model"]]
    assert len(of_model) == 1, "two reports of one model fill one line"
    assert of_model[0]["counted"]["tokens"]["cache_read"] == 880
    assert of_model[0]["counted"]["cost_micros"] == 183_457
