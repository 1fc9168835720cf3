"""What LiteLLM's callback does by the operator's choices, and when something is broken."""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from allowance_client import SpillQueue
from tests.litellm_hooks import (
    HTTPException,
    VendorFailed,
    before,
    details,
    eventually,
    failed,
    key,
    request,
    success,
)
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import held

Callback = Any
Make = Callable[..., Callback]


def test_usage_without_a_hold_counts_for_the_user_of_the_key(
    make: Make, run: Callable[..., Any], database: Database, acme: Acme
) -> None:
    with pytest.raises(ValueError, match="identity must list"):
        make(identity=["user"])
    options = {"identity": ["user_api_key_alias", "user_api_key_user_id"], "ttl_seconds": 60}
    callback = make(estimate_micros=77, **options)
    run(success(callback, details("of-a-health-check")))
    asked = request()
    run(before(callback, asked))
    assert list(held(database).values()) == [77]
    lasting = database.rows(
        "SELECT round(extract(epoch FROM expires_at - granted_at)) FROM ai_reservations"
    )
    assert lasting == [(60,)]
    run(callback.async_pre_call_hook(key(), None, request(), "amoderation"))
    assert list(held(database).values()) == [77]
    rows = eventually(lambda: database.rows("SELECT user_id, input_tokens FROM ai_usage"))
    assert rows == [(acme.users["maya"], 1000)]


def test_without_allowance_the_operator_decides(
    make: Make, run: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    away = {"url": "http://127.0.0.1:9", "timeout_seconds": 0.05, "queue": tmp_path / "away"}
    with pytest.raises(HTTPException) as denied:
        run(before(make(**away), request()))
    assert denied.value.status_code == 503
    wrong = make(token="alw_wrong_wrong", on_unavailable="allow", queue=tmp_path / "wrong")
    with pytest.raises(HTTPException, match="does not take") as denied:
        run(before(wrong, request()))
    assert denied.value.status_code == 500
    allowing = make(**away, on_unavailable="allow")
    asked = request()
    run(before(allowing, asked))
    run(success(allowing, details(asked["litellm_call_id"])))
    queue = SpillQueue(tmp_path / "away")
    ((_, record),) = queue.next_batch(10)
    queue.close()
    assert record["reservation_key"]
    assert "alw_" not in caplog.text


def test_no_hook_after_a_call_raises_and_no_prompt_is_logged(
    callback: Callback,
    run: Callable[..., Any],
    database: Database,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "allowance_client")
    for broken in ({}, {"standard_logging_object": 5}, details("x", endTime=float("nan"))):
        run(success(callback, broken))
    assert "not recorded" in caplog.text
    kept, asked = request(), request()
    for each in (kept, asked):
        run(before(callback, each))
    database.run("UPDATE users SET roles = '{}' WHERE username = 'nora'")
    run(failed(callback, asked, VendorFailed()))
    assert "A hold was not released" in caplog.text
    with closing(sqlite3.connect(tmp_path / "queue.sqlite")) as file:
        file.execute("ALTER TABLE records RENAME TO elsewhere")
        run(success(callback, details(kept["litellm_call_id"])))
        file.execute("ALTER TABLE elsewhere RENAME TO records")
    (lost,) = (each for each in caplog.messages if "which is lost" in each)
    assert kept["litellm_call_id"] in lost
    assert "'prompt_tokens': 1000" in lost
    assert "secret" not in caplog.text
