"""What the samples of vendors' reports become: rows for reconciliation."""

from allowance_client.imports.problems import Findings
from tests.imports import sample, vendor_rows


def test_usage_of_openai_is_one_row_for_a_model_and_day() -> None:
    assert vendor_rows("openai", sample("openai-usage.json")) == [
        {
            "vendor": "openai",
            "model": "gpt-5.1-2025-11-13",
            "day": "2026-11-03",
            "tokens": {
                "input": 350,
                "cache_read": 880,
                "input_audio": 50,
                "cache_read_audio": 20,
                "output": 510,
                "output_audio": 30,
            },
            "requests": 7,
        }
    ]


def test_costs_of_openai_are_exact_by_model() -> None:
    found = vendor_rows("openai", sample("openai-costs.json"), account="acme")
    assert [(each["model"], each["cost_usd"]) for each in found] == [
        ("gpt-5.1-2025-11-13", "0.183456789012"),
        ("web search tool calls", "0.5"),
    ]
    assert {each["account"] for each in found} == {"acme"}
    assert "tokens" not in found[0]


def test_the_console_table_of_openai_sums_keys_and_minutes() -> None:
    (row,) = vendor_rows("openai", sample("openai-completions.csv"))
    assert row["tokens"] == {"input": 8836, "cache_read": 1280, "output": 3092}
    assert row["requests"] == 6


def test_usage_of_anthropic_keeps_both_lifetimes_of_the_cache() -> None:
    findings = Findings()
    (row,) = vendor_rows("anthropic", sample("anthropic-usage.json"), findings)
    assert row["tokens"] == {
        "input": 1500,
        "output": 500,
        "cache_read": 200,
        "cache_write": 500,
        "cache_write_1h": 1000,
    }
    assert findings.left_out == {"web searches, which a row for reconciliation has not": 1}
    (row,) = vendor_rows("anthropic", sample("anthropic-usage.csv"))
    assert row["tokens"]["input"] == 46990


def test_costs_of_anthropic_are_cents() -> None:
    found = vendor_rows("anthropic", sample("anthropic-costs.json"))
    assert [(each["model"], each["cost_usd"]) for each in found] == [
        (None, "0.1"),
        ("claude-opus-5", "1.2378912"),
    ]


def test_a_variant_of_openrouter_stands_apart() -> None:
    found = vendor_rows("openrouter", sample("openrouter.csv"))
    assert [(each["day"], each["model"], each["cost_usd"]) for each in found] == [
        ("2026-11-03", "openai/gpt-oss-120b", "0.012300000001"),
        ("2026-11-04", "openai/gpt-oss-120b:free", "0"),
    ]
    assert found[0]["tokens"] == {"input": 10100, "cache_read": 389, "output": 147}
    assert found[0]["requests"] == 2


def test_charges_for_ai_are_read_from_a_focus_file() -> None:
    findings = Findings()
    (row,) = vendor_rows("focus", sample("focus.csv"), findings)
    assert row == {
        "vendor": "AWS",
        "account": "123456789012",
        "model": "Claude Sonnet 4.5 (Amazon Bedrock Edition)",
        "day": "2026-11-03",
        "tokens": {"input": 1000},
        "cost_usd": "0.75",
    }
    assert findings.left_out == {
        "charges of services that are no AI": 1,
        "charges of the category Tax": 1,
        "counts of the meter USE1-output-tokens, which is no class of tokens": 1,
    }
