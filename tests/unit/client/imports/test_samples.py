"""What each format's sample becomes."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from allowance_client.imports.formats import FORMATS, USAGE, VENDORS, format_of
from allowance_client.imports.litellm_budgets import read_litellm_budgets
from allowance_client.imports.litellm_users import read_litellm_users
from allowance_client.imports.problems import Findings
from tests.imports import SAMPLES, compressed, file_of, records, sample, vendor_rows

KEY = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b"


@pytest.mark.parametrize("path", sorted(SAMPLES.iterdir()), ids=lambda path: path.name)
def test_each_sample_shows_its_format(path: Path) -> None:
    name = format_of(file_of(path.read_bytes()))
    assert name in FORMATS
    assert path.name.startswith(name)


def test_every_format_has_a_sample() -> None:
    names = [path.name for path in SAMPLES.iterdir()]
    assert all(any(name.startswith(each) for name in names) for each in FORMATS)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*[!l]")), ids=lambda path: path.name)
def test_a_compressed_file_is_the_same(path: Path) -> None:
    name = format_of(file_of(path.read_bytes()))
    read: Any = records if name in USAGE else vendor_rows
    if name in USAGE or name in VENDORS:
        assert read(name, compressed(path.read_text())) == read(name, path.read_bytes())


def test_spend_logs_become_records_and_name_what_they_leave_out() -> None:
    findings = Findings()
    first, second = records("litellm-spend-logs", sample("litellm-spend-logs.json"), findings)
    assert first == {
        "source": "litellm",
        "id": "chatcmpl-1",
        "user": "maya",
        "provider": "openai",
        "model": "gpt-5.1",
        "occurred_at": "2026-11-03T10:00:02.500000Z",
        "usage_format": "litellm",
        "usage": {
            "prompt_tokens": 1000,
            "completion_tokens": 200,
            "total_tokens": 1200,
            "prompt_tokens_details": {"cached_tokens": 400},
            "completion_tokens_details": {"reasoning_tokens": 50},
        },
        "cost_usd": "0.00001325",
    }
    assert second["user"] == f"litellm-key:{KEY}", "the user of the master key is nobody"
    assert second["usage"]["cache_read_input_tokens"] == 1500
    assert second["occurred_at"] == "2026-11-03T11:00:04.000000Z"
    assert findings.left_out == {
        "calls that LiteLLM served from its cache": 1,
        "calls that failed and used nothing": 1,
    }


def test_spend_logs_as_a_table_and_as_a_page_say_the_same() -> None:
    (row,) = records("litellm-spend-logs", sample("litellm-spend-logs.csv"))
    assert row["usage"]["prompt_tokens_details"] == {"cached_tokens": 4}
    assert (row["user"], row["cost_usd"]) == ("otto", "0.0001")
    listed = sample("litellm-spend-logs.json")
    page = f'{{"data": {listed}, "total": 4, "page": 1, "page_size": 50, "total_pages": 1}}'
    assert records("litellm-spend-logs", page) == records("litellm-spend-logs", listed)


def test_the_user_of_a_spend_log_is_the_first_field_that_names_one() -> None:
    found = records(
        "litellm-spend-logs",
        sample("litellm-spend-logs.json"),
        identity=("metadata.user_api_key_user_email", "end_user"),
    )
    assert [each["user"] for each in found] == ["maya@acme.example", f"litellm-key:{KEY}"]


def test_a_cost_without_tokens_is_named() -> None:
    findings = Findings()
    row = '{"request_id": "i1", "startTime": "2026-11-03T10:00:00Z", "model": "gpt-image-1", '
    row += '"custom_llm_provider": "openai", "prompt_tokens": 0, "completion_tokens": 0, '
    row += '"spend": 0.04, "metadata": {"status": "success"}}'
    (record,) = records("litellm-spend-logs", row, findings)
    assert record["cost_usd"] == "0.04"
    assert record["usage"]["response_cost"] == 0.04, "or it would count as a call without a price"
    left_out = {"tokens of calls that state a cost and no tokens, such as images": 1}
    assert findings.left_out == left_out


def test_bedrock_logs_become_records_without_their_prompts() -> None:
    findings = Findings()
    found = records("bedrock-logs", sample("bedrock-logs.json"), findings)
    assert [each["id"] for each in found] == ["b1", "b2", "b3"]
    assert found[0]["user"] == "arn:aws:sts::123456789012:assumed-role/Developers/maya"
    assert found[0]["usage"]["cacheReadInputTokens"] == 10
    assert found[1]["tokens"] == {"input": 7, "output": 3}
    assert found[2]["usage"] == {}, "an image: kept without a price"
    assert "secret" not in str(found)
    assert findings.left_out == {"calls that failed": 1}


def test_the_user_of_a_bedrock_log_may_be_in_its_metadata() -> None:
    identity = ("requestMetadata.user", "identity.arn")
    found = records("bedrock-logs", sample("bedrock-logs.json"), identity=identity)
    assert [each["user"] for each in found[:2]] == ["maya", "arn:aws:iam::123456789012:user/otto"]


def test_budgets_of_litellm_become_budgets_of_an_organization() -> None:
    findings = Findings()
    with findings.all_of_them():
        plan = read_litellm_budgets(yaml.safe_load(sample("litellm-config.yaml")), findings)
    made = [
        (each["name"], each["per"], each["models"], each["limit_micros"], each["period"]["unit"])
        for each in plan.budgets
    ]
    assert made == [
        ("litellm", "total", ["*"], 500_000_000, "month"),
        ("litellm-users", "member", ["*"], 25_000_000, "month"),
        ("litellm-openai", "total", ["openai/*"], 100_000_000, "day"),
        ("litellm-openai-gpt-5.1", "total", ["openai/gpt-5.1"], 10_500_000, "day"),
    ]
    assert plan.without_counterpart == {
        "router_settings.provider_budget_config.azure.time_period": (
            "a period of 12h: use 1d, 7d, 30d or 1mo"
        ),
        "model_list[1].litellm_params.max_budget": (
            "the model gpt-5-mini names no provider: set a budget for provider/model"
        ),
        "litellm_settings.max_end_user_budget": "end users are no users here: use labels",
        "litellm_settings.upperbound_key_generate_params.max_budget": (
            "keys have no budget here: limit their users or groups"
        ),
        "litellm_settings.tag_budget_config.product:search.max_budget": (
            "a tag is no label: record a label, and set a budget for it"
        ),
        "litellm_settings.tag_budget_config.product:search.budget_duration": (
            "a tag is no label: record a label, and set a budget for it"
        ),
    }


def test_invited_users_of_litellm_become_a_directory_document() -> None:
    findings = Findings()
    with findings.all_of_them():
        plan = read_litellm_users(
            file_of(sample("litellm-users.csv")), "acme", frozenset(), findings
        )
    assert list(plan.groups) == ["platform", "research"]
    assert plan.document == {
        "users": [
            {
                "username": "lena-ohm",
                "email": "Lena.Ohm@acme.example",
                "organizations": [{"name": "acme", "groups": ["platform", "research"]}],
            },
            {
                "username": "omar",
                "email": "omar@acme.example",
                "organizations": [{"name": "acme", "groups": ["platform"]}],
            },
        ],
    }
    assert plan.without_counterpart == {
        "line 3, user_role": "proxy_admin: give omar a role of Allowance yourself, if it needs one",
        "line 3, max_budget": "US$25 for 30d: set an override of omar after the import",
        "line 3, models": "models are allowed by the gateway",
    }


def test_a_user_who_exists_is_not_in_the_document() -> None:
    """An entry would take the other memberships of the user away."""
    content, known = sample("litellm-users.csv"), frozenset({"omar", "lena.ohm@acme.example"})
    plan = read_litellm_users(file_of(content), "acme", known, Findings())
    assert plan.document == {"users": []}
    assert plan.without_counterpart == {
        "line 2, user_email": "a user lena.ohm@acme.example exists, and stays as it is",
        "line 3, user_email": "a user omar exists, and stays as it is",
    }
