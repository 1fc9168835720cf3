"""Files that are not understood: each is refused with the place, the field and the reason."""

import gzip
import json
from typing import Any

import pytest

from allowance_client.imports.formats import format_of, require_format
from allowance_client.imports.litellm_budgets import read_litellm_budgets
from allowance_client.imports.litellm_users import read_litellm_users
from allowance_client.imports.problems import Findings, ImportRefused
from tests.imports import compressed, file_of, records, refusal, sample, vendor_rows

LOGS = "litellm-spend-logs"
TABLE = sample("litellm-spend-logs.csv")
CALL: dict[str, Any] = {
    "request_id": "c1",
    "startTime": "2026-11-03T10:00:00Z",
    "model": "gpt-5.1",
    "custom_llm_provider": "openai",
    "prompt_tokens": 1,
    "completion_tokens": 2,
    "metadata": {},
}


def call(**changes: Any) -> str:
    return json.dumps(CALL | changes)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "file: It is empty."),
        (b" \r\n", "file: It is empty."),
        (
            b"PK\x03\x04...",
            "file: It is a ZIP file or a spreadsheet (.xlsx): export it as CSV or JSON.",
        ),
        (b"PAR1...", "file: It is a Parquet file: export it as CSV."),
        (TABLE.encode("utf-16"), "file: It is text in UTF-16: save it as UTF-8."),
        (b"<html>", "file: It is XML or HTML."),
        (TABLE.replace("otto", "\xe9").encode("latin-1"), "line 2: The text is not UTF-8."),
        (
            TABLE.replace(",", ";").encode(),
            "line 1: The columns are separated by semicolons, as a spreadsheet saves them."
            " Import the file as it was downloaded.",
        ),
        (
            TABLE.replace(",", "\t").encode(),
            "line 1: The columns are separated by tabs, as a spreadsheet saves them."
            " Import the file as it was downloaded.",
        ),
        (TABLE.replace("model,", "", 1).encode(), "line 1: The columns model are missing."),
        (
            TABLE.replace("endTime", "model", 1).encode(),
            "line 1: The columns model are there twice.",
        ),
        (TABLE.replace("otto,", "", 1).encode(), "line 2: Has 14 cells instead of 15."),
        (TABLE[:-40].encode(), "line 2: Is no row of a table: unexpected end of data."),
        (compressed(TABLE)[:-9], "file: The compressed file (gzip) ends too early."),
        (
            compressed(TABLE)[:-8] + b"damaged!",
            "file: The compressed file (gzip) is damaged: CRC check failed 0x616d6164 != 0x",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_damaged_file_is_refused_by_name(content: bytes, reason: str) -> None:
    (found,) = refusal(LOGS, content)
    assert found.startswith(reason)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[" + call(), "file: The list does not end: the file is cut off."),
        ("[" + call() + ",", "file: The list does not end: the file is cut off."),
        ("[" + call() + call() + "]", "row 1: A comma or the end of the list is missing."),
        ("[" + call() + ",]", "row 2: Must be a JSON object."),
        ("[1]", "row 1: Must be a JSON object."),
        ("[]", "file: It has no rows."),
        ('{"data": [], "has_more": false}', "file: It has no rows."),
        (TABLE.split("\n")[0], "file: It has no rows."),
        (call() + "\n" + call()[:-9], "row 2: Is no JSON: "),
        (
            '{"request_id": "a", "request_id": "b"}',
            "row 1: Is no JSON of a row: a key is there twice",
        ),
        (call(spend=float("nan")), "row 1: Is no JSON of a row: NaN is no number of JSON."),
        (
            call(spend=0.5).replace("0.5", "1e400"),
            "row 1: Is no JSON of a row: the number 1e400 is",
        ),
        ("[" * 100_000, "row 1: Must be a JSON object."),
        ('{"a":' * 100_000, "row 1: Is no JSON of a row: maximum recursion depth"),
        ('{"data": [1], "total": 1}', "row 1, entry 1: Must be a JSON object."),
        ('{"data": [], "other": 1}', "row 1: Is no page of spend logs."),
    ],
)
def test_damaged_json_is_refused_by_row(content: str, reason: str) -> None:
    (found,) = refusal(LOGS, content)
    assert found.startswith(reason)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"request_id": ""}, "row 1, request_id: required, a text"),
        ({"request_id": " a"}, "row 1, request_id: must have no control characters"),
        ({"model": "x" * 256}, "row 1, model: must have at most 255 characters"),
        ({"model": "a\ufffd"}, "row 1, model: has U+FFFD"),
        ({"custom_llm_provider": ""}, "row 1, custom_llm_provider: required: the row names no"),
        ({"prompt_tokens": 1.5}, "row 1, prompt_tokens: must be a whole number"),
        ({"prompt_tokens": True}, "row 1, prompt_tokens: must be a whole number"),
        ({"prompt_tokens": -1}, "row 1, prompt_tokens: must be from 0 to 1000000000000"),
        ({"prompt_tokens": 10**13}, "row 1, prompt_tokens: must be from 0 to 1000000000000"),
        ({"prompt_tokens": "1,000"}, "row 1, prompt_tokens: has separators between its digits"),
        ({"prompt_tokens": "1.000.000"}, "row 1, prompt_tokens: has separators between its digits"),
        ({"spend": "0,25"}, "row 1, spend: has a decimal comma"),
        ({"spend": -0.1}, "row 1, spend: must be from 0 to 10000000 US dollars"),
        ({"spend": 10_000_001}, "row 1, spend: must be from 0 to 10000000 US dollars"),
        ({"spend": "1e10"}, "row 1, spend: must be at most 1000000000 US dollars"),
        ({"spend": [1]}, "row 1, spend: must be an amount like 0.25"),
        ({"endTime": "03.11.2026 10:00"}, "row 1, endTime: must be a time like"),
        ({"startTime": "03.11.2026 10:00"}, "row 1, startTime: must be a time like"),
        ({"startTime": "2026-11-31T10:00:00Z"}, "row 1, startTime: is no time: day "),
        ({"startTime": "2019-12-31T23:59:59Z"}, "row 1, startTime: must be from 2020-01-01"),
        ({"startTime": "2026-11-28T00:06:00Z"}, "row 1, startTime: must be from 2020-01-01"),
        ({"metadata": "{"}, "row 1, metadata: is no JSON"),
        ({"metadata": [1]}, "row 1, metadata: must be an object"),
        (
            {"metadata": {"usage_object": {"prompt_tokens": 9}}},
            "row 1, prompt_tokens: differs from",
        ),
        (
            {"thinking_tokens": 4},
            "row 1, thinking_tokens: unknown field, which may count something",
        ),
    ],
    ids=str,
)
def test_a_bad_value_is_refused_by_its_field(changes: dict[str, Any], problem: str) -> None:
    (found,) = refusal(LOGS, call(**changes))
    assert found.startswith(problem)


def test_a_row_names_all_of_its_problems() -> None:
    assert [each.split(": ")[0] for each in refusal(LOGS, '{"spend": "x"}')] == [
        "row 1, custom_llm_provider",
        "row 1, spend",
        "row 1, prompt_tokens",
        "row 1, completion_tokens",
        "row 1, startTime",
        "row 1, request_id",
        "row 1, model",
    ]
    assert len(refusal("bedrock-logs", '{"schemaType": "ModelInvocationLog"}')) == 3


def test_a_file_names_all_problems_up_to_twenty_and_their_number() -> None:
    rows = "\n".join(call(request_id=f"c{number}", model="") for number in range(25))
    found = refusal(LOGS, rows)
    assert found[0] == "row 1, model: required, a text"
    assert found[19] == "row 20, model: required, a text"
    assert found[20:] == ["and 5 more problems"]


def test_harmless_spellings_are_read() -> None:
    plain = records(LOGS, TABLE)
    assert records(LOGS, "\ufeff" + TABLE) == plain
    assert records(LOGS, TABLE.replace("\n", "\r\n")) == plain
    assert records(LOGS, TABLE + "\n\n") == plain
    (record,) = records(LOGS, call(prompt_tokens=1.0, startTime="2026-11-03 11:00:00+01"))
    assert record["usage"]["prompt_tokens"] == 1
    assert record["occurred_at"] == "2026-11-03T10:00:00.000000Z"


def test_an_unknown_field_that_counts_nothing_is_named() -> None:
    findings = Findings()
    assert len(records(LOGS, call(new_color="red", new_tokens=0), findings)) == 1
    assert findings.left_out["the field new_color, which is not read"] == 1


def test_a_row_without_a_provider_takes_the_named_one() -> None:
    (record,) = records(LOGS, call(custom_llm_provider=None), provider="openai")
    assert record["provider"] == "openai"


def test_a_bedrock_log_that_contradicts_itself_is_refused() -> None:
    log = sample("bedrock-logs.json").split("\n")[0]
    changed = log.replace('"inputTokenCount": 25', '"inputTokenCount": 26')
    assert refusal("bedrock-logs", changed) == [
        "row 1, input.inputTokenCount: differs from the usage in output.outputBodyJson"
    ]
    later = log.replace('"schemaVersion": "1.0"', '"schemaVersion": "2.0"')
    assert refusal("bedrock-logs", later) == ["row 1, schemaVersion: must be one of 1.0"]
    newer = log.replace('"outputTokenCount"', '"thinkingTokenCount": 9, "outputTokenCount"')
    assert refusal("bedrock-logs", newer) == [
        "row 1, output.thinkingTokenCount: unknown field, which may count something"
    ]


def test_a_configuration_of_something_else_is_refused() -> None:
    with pytest.raises(ImportRefused, match=r"no config\.yaml"):
        read_litellm_budgets({"services": {}}, Findings())
    findings = Findings()
    read_litellm_budgets({"litellm_settings": {"max_budget": "10,5"}}, findings)
    assert [str(each) for each in findings.problems] == [
        "config.yaml, litellm_settings.max_budget: has a decimal comma: must be an amount like 0.25"
    ]


def test_users_who_cannot_be_named_are_refused() -> None:
    rows = "user_email,user_role,teams\nA.B@x.example,internal_user,\na-b@y.example,internal_user,"
    rows += "\nnobody,internal_user,\nc@x.example,king,Everyone\n"
    findings = Findings()
    read_litellm_users(file_of(rows), "acme", frozenset(), findings)
    assert [str(each).split(" (")[0] for each in findings.problems] == [
        "line 3, user_email: the username a-b is there twice",
        "line 4, user_email: must be an e-mail address",
        "line 5, user_role: must be one of internal_user, internal_user_view_only,"
        " internal_user_viewer, proxy_admin, proxy_admin_view_only, proxy_admin_viewer",
        "line 5, teams: Everyone is the group of all members: leave it out",
    ]


def test_a_file_of_another_format_is_refused_by_name() -> None:
    with pytest.raises(ImportRefused, match="The file looks like openai, not anthropic"):
        require_format(file_of(sample("openai-usage.json")), "anthropic")
    with pytest.raises(ImportRefused, match="There is no format excel, only anthropic, bedrock"):
        require_format(file_of(sample("openai-usage.json")), "excel")
    for content in ("a,b\n1,2\n", '{"a": 1}', "hello: 1"):
        with pytest.raises(ImportRefused, match="Is none of anthropic, bedrock-logs"):
            format_of(file_of(content))


def test_a_compressed_part_after_another_is_read() -> None:
    """S3 and `cat` append compressed files."""
    first = sample("litellm-spend-logs.json").encode()
    both = gzip.compress(first) + gzip.compress(first)
    assert len(records(LOGS, both)) == 4
    assert vendor_rows("focus", sample("focus.csv"))
