"""`allowance spend`, `tokens`, `prices` and `usage` against the real API."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.command_line import Command
from tests.gateway import Client
from tests.loopback_api import Served
from tests.own_tokens import ask_token
from tests.people import Acme
from tests.usage import record, results

MONTH = "2026-10"


def raw(body: str) -> Any:
    """The document with its dollars, minus what each request changes."""
    return json.loads(re.sub(r'"last_used_at":"[^"]*"', '"last_used_at":null', body))


def test_spend_is_what_the_ledger_has(command: Command, acme: Acme, gateway: Client) -> None:
    at = f"{MONTH}-20T10:00:00Z"
    kinds = [
        record(1, occurred_at=at),
        record(2, occurred_at=at, model="M", tokens={"input": 1}),
        record(3, occurred_at=at, user="ghost"),
        record(4, occurred_at=at, user="otto", labels={"team": ""}),
    ]
    counted = {"cost_from": "book", "unknown_users": "unattributed", "organization": "acme"}
    assert acme.client("olivia").put("/api/v2/ai/sources/litellm", counted).status == 200
    results(gateway, *kinds)
    period = f"--month {MONTH}"
    assert command(f"spend {period}", by="maya").rows == [
        [f"{MONTH}-01", "2026-11-01", "$0.003002", "$0.00", "", "", "", "0"]
    ]
    assert command(f"spend user maya --by model --top 1 {period}").rows == [
        ["m", "$0.003", "1100", "1", "0"],
        ["(rest)", "$0.000002", "1", "1", "0"],
        ["(total)", "$0.003002", "1101", "2", "0"],
    ]
    assert command(f"spend org --by label:team {period}").rows == [
        ["(none)", "$0.006002", "2201", "3", "0"],
        ['""', "$0.003", "1100", "1", "0"],
        ["(total)", "$0.009002", "3301", "4", "0"],
        ["(of it without a user)", "$0.003", "", "1", ""],
    ]
    assert command(f"spend org --by user --model M {period}").rows == [
        ["maya", "$0.000002", "1", "1", "0"],
        ["(total)", "$0.000002", "1", "1", "0"],
    ]
    days = f"--from {MONTH}-20 --to {MONTH}-21"
    group = command(f"spend group acme/Everyone --by user {days}")
    assert group.rows[-1][0] == "(total)"
    assert command(f"spend org acme {days}", by="olivia").rows[0][1] == "$0.009002"
    document = command(f"spend org --by model {period} --json").json()
    assert document["total_micros"] == 9002
    refused = command("spend --from 2026-10-20T01:00:00Z", by="maya")
    assert (refused.code, "  to: Must be given beside `from`" in refused.err) == (1, True)


def test_a_token_is_shown_once_or_saved(command: Command, acme: Acme, tmp_path: Path) -> None:
    created = command("tokens create ci --expires 30d", by="maya")
    token, end = created.out.splitlines()[0], created.out.count("\n")
    assert (end, created.code, token in created.err) == (1, 0, False)
    assert Client(token).get("/api/v2/users/me").json()["username"] == "maya"

    saved = tmp_path / "token"
    again = command(f"tokens create ci --expires 30d --save {saved}", by="maya")
    assert (again.code, saved.exists()) == (1, False)
    made = command(f"tokens create two --expires 30d --save {saved} --json", by="maya")
    assert "token" not in made.json()
    assert command(f"tokens list --token-file {saved}", by="otto").rows[0][0] == "ci"
    before = saved.read_text()
    kept = command(f"tokens create three --expires 30d --save {saved}", by="maya")
    assert (kept.code, saved.read_text()) == (2, before)

    scope = tmp_path / "scope.json"
    scope.write_text('{"site": [], "user": [{"resource_type": "user", "action": "read"}]}')
    command(f"tokens create four --expires 30d --scope {scope}", by="maya")
    rows = {row[0]: row[5] for row in command("tokens list --user maya", by="olivia").rows}
    assert rows == {"test": "all", "ci": "all", "two": "all", "four": "limited"}
    assert command("tokens revoke ci --user maya", by="olivia").code == 0
    assert Client(token).get("/api/v2/users/me").status == 401


def test_a_price_far_from_the_book_needs_confirm(command: Command, gateway: Client) -> None:
    refused = command("prices set p/m --input 0.10", by="olivia")
    assert (refused.code, refused.out) == (1, "")
    assert "$2.00" in refused.err
    assert "repeat the command with --confirm" in refused.err
    forced = command("prices set p/m --input 0.10 --cache-read unknown --confirm", by="olivia")
    assert forced.rows[0][:5] == ["p/m", "custom", "$0.10", "$10.00", ""]
    assert command("prices list --source all", by="olivia").out.count("p/m\t") == 2
    assert command("prices resolve p/m", by="olivia").rows[4:6] == [
        ["input", "$0.10"],
        ["output", "$10.00"],
    ]
    lost = command("prices resolve x/y", by="olivia")
    assert (lost.code, lost.rows[1]) == (0, ["price", "none"])
    assert "--confirm" in command("prices alias x/free --free", by="olivia").err
    assert command("prices alias x/y p/m --limit 3", by="olivia").code == 2
    assert command("prices alias x/team/chat:v1 p/m", by="olivia").rows[0][:2] == [
        "x/team/chat:v1",
        "p/m",
    ]
    assert command("prices unset p/m --from 2999-01-01", by="olivia").code == 0
    assert command("prices list --source custom", by="olivia").out.count("p/m\t") == 1


def test_lists_are_the_documents_of_the_api(command: Command, acme: Acme, gateway: Client) -> None:
    results(gateway, record(1, user="ghost"), record(2, user="spirit"), record(3, model="x"))
    olivia = acme.client("olivia")
    for words, path in (
        ("usage unpriced", "/api/v2/ai/usage/unpriced"),
        ("usage unattributed", "/api/v2/ai/usage/unattributed"),
        ("usage unattributed --limit 1", "/api/v2/ai/usage/unattributed?limit=1"),
        ("tokens list", "/api/v2/users/me/tokens"),
        ("prices resolve p/m", "/api/v2/ai/model-prices/resolve?provider=p&model=m"),
    ):
        ran = command(f"{words} --json", by="olivia")
        answer = olivia.get(path)
        assert ran.code == 0
        assert raw(json.dumps(ran.json(), separators=(",", ":"))) == raw(answer.body), words
    assert command("usage assign litellm ghost maya", by="olivia").code == 0
    rows = command("usage unattributed", by="olivia").rows
    assert [row[1] for row in rows] == ["spirit"]


def test_the_installed_command_shows_any_name(acme: Acme, server_of_commands: Served) -> None:
    assert ask_token(acme.client("maya"), "Zoë 東京").status == 201
    ran = subprocess.run(
        [Path(sys.executable).parent / "allowance", "tokens", "list"],
        env=os.environ
        | {
            "ALLOWANCE_URL": server_of_commands.url,
            "ALLOWANCE_TOKEN": acme.tokens["maya/test"],
            "PYTHONIOENCODING": "ascii",
        },
        check=False,
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert r"Zo\xeb \u6771\u4eac" in ran.stdout
