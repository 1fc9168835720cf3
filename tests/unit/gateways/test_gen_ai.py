"""Token counts by the semantic conventions, and what is kept without a cost."""

from typing import Any

import pytest

from allowance.gateways.otlp.logs import read_logs
from allowance.gateways.parsed import Parsed, Sender
from allowance.prices.names import candidates
from allowance.usage.records import Usage, usage_of
from tests.otlp import GEN_AI, export, log_record

USAGE = "gen_ai.usage."


def read(**counts: Any) -> Parsed:
    """One call with these attributes: those in GEN_AI are there, and None takes one away."""
    changed = {name: each for name, each in (GEN_AI | counts).items() if each is not None}
    return read_logs(export(log_record(changed), resource={"a": "b"}), Sender("otlp"))


def usage(parsed: Parsed) -> Usage:
    (record,) = parsed.records
    found = usage_of(record)
    assert isinstance(found, Usage)
    return found


def fields(parsed: Parsed) -> list[str]:
    return [each.field.partition("logRecords[0].")[2] for each in parsed.refused]


def test_cached_tokens_are_parts_of_the_input() -> None:
    found = usage(
        read(
            **{
                f"{USAGE}cache_read.input_tokens": 600,
                f"{USAGE}cache_creation.input_tokens": 100,
                f"{USAGE}reasoning.output_tokens": 150,
            }
        )
    )
    tokens = found.tokens
    assert (tokens.input, tokens.output) == (300, 200)
    assert (tokens.cache_read, tokens.cache_write) == (600, 100)
    assert found.kept is None


def test_kinds_are_parts_of_input_and_output() -> None:
    kinds = {
        f"{USAGE}audio.input_tokens": 10,
        f"{USAGE}image.input_tokens": 20,
        f"{USAGE}video.input_tokens": 30,
        f"{USAGE}text.input_tokens": 940,
        f"{USAGE}audio.output_tokens": 50,
        f"{USAGE}text.output_tokens": 150,
    }
    found = usage(read(**kinds))
    assert (found.tokens.input, found.tokens.output) == (940, 150)
    assert found.others == {
        "input_audio": 10,
        "input_image": 20,
        "input_video": 30,
        "output_audio": 50,
    }


@pytest.mark.parametrize(
    ("counts", "field"),
    [
        ({f"{USAGE}cache_read.input_tokens": 1001}, f"{USAGE}input_tokens"),
        (
            {f"{USAGE}cache_read.input_tokens": 1, f"{USAGE}audio.input_tokens": 1},
            f"{USAGE}cache_read.input_tokens",
        ),
        ({f"{USAGE}reasoning.output_tokens": 201}, f"{USAGE}output_tokens"),
        ({f"{USAGE}audio.output_tokens": 201}, f"{USAGE}output_tokens"),
        ({f"{USAGE}total_tokens": 1201}, f"{USAGE}total_tokens"),
        ({f"{USAGE}cache_write_1h.input_tokens": 5}, f"{USAGE}cache_write_1h.input_tokens"),
        ({f"{USAGE}cost": 0.5}, f"{USAGE}cost"),
    ],
)
def test_what_is_not_understood_whole_is_kept_without_a_cost(
    counts: dict[str, Any], field: str
) -> None:
    parsed = read(**counts)
    found = usage(parsed)
    assert found.kept is not None
    assert not any(found.tokens)
    assert all(f'"{name}"' in str(found.kept.usage_object) for name in counts)
    assert [each.field.partition("logRecords[0].")[2] for each in parsed.noted] == [field]


def test_a_total_that_agrees_changes_nothing() -> None:
    assert usage(read(**{f"{USAGE}total_tokens": 1200})).kept is None


@pytest.mark.parametrize("operation", ["invoke_agent", "execute_tool", "create_agent", "x"])
def test_operations_that_repeat_counts_are_refused(operation: str) -> None:
    found = read(**{"gen_ai.operation.name": operation})
    assert (found.records, fields(found)) == ([], ["gen_ai.operation.name"])


@pytest.mark.parametrize(
    ("missing", "field"),
    [
        ("gen_ai.provider.name", "gen_ai.provider.name"),
        ("gen_ai.request.model", "gen_ai.request.model"),
        (f"{USAGE}input_tokens", f"{USAGE}input_tokens"),
    ],
)
def test_a_call_without_a_needed_attribute_is_refused(missing: str, field: str) -> None:
    assert fields(read(**{missing: None})) == [field]


@pytest.mark.parametrize("wrong", ["x", -1, 1.5, True])
def test_a_count_that_is_none_is_refused(wrong: Any) -> None:
    assert fields(read(**{f"{USAGE}output_tokens": wrong})) == [f"{USAGE}output_tokens"]


def test_the_response_names_the_model_and_the_tier() -> None:
    answer = {
        "gen_ai.response.model": "gpt-5.1-2025-11-13",
        "openai.response.service_tier": "priority",
    }
    found = usage(read(**answer))
    assert (found.model, found.variant) == ("gpt-5.1-2025-11-13", "priority")


def test_the_deprecated_name_of_the_provider_is_taken() -> None:
    older = {"gen_ai.provider.name": None, "gen_ai.system": "anthropic"}
    assert usage(read(**older)).provider == "anthropic"


def test_what_envoy_does_not_know_is_not_stated() -> None:
    """Envoy writes numbers as texts, and a dash for what does not exist."""
    envoy = {
        "gen_ai.operation.name": None,
        "gen_ai.response.model": "-",
        f"{USAGE}input_tokens": "15",
        f"{USAGE}output_tokens": "7",
        f"{USAGE}cache_read.input_tokens": "-",
    }
    found = usage(read(**envoy))
    assert (found.model, found.tokens.input, found.tokens.output) == ("gpt-5.1", 15, 7)


def test_an_embedding_has_no_output() -> None:
    embedding = {"gen_ai.operation.name": "embeddings", f"{USAGE}output_tokens": None}
    assert usage(read(**embedding)).tokens.output == 0


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("aws.bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("azure.ai.openai", "gpt-4o"),
        ("gcp.gemini", "gemini-2.5-pro"),
        ("gcp.vertex_ai", "gemini-2.5-pro"),
        ("mistral_ai", "mistral-large-latest"),
        ("moonshot_ai", "kimi-k2"),
        ("x_ai", "grok-4"),
    ],
)
def test_the_price_book_knows_the_providers_of_the_conventions(provider: str, model: str) -> None:
    found = {each.provider for each in candidates(provider, model)}
    assert found & {"bedrock", "azure", "google", "mistral", "moonshotai", "x-ai"}
