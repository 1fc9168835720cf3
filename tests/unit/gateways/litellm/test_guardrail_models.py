"""What LiteLLM's guardrail sends is measured, and its prompts are dropped."""

import pytest

from allowance.gateways.litellm.guardrail_models import LiteLLMCall
from allowance.gateways.litellm.names import vendor_of
from tests.gateway_accounts import call_of_litellm


def test_a_prompt_is_measured_and_dropped() -> None:
    read = LiteLLMCall.model_validate(
        call_of_litellm(
            texts=["a secret prompt"],
            structured_messages=[{"role": "user", "content": "a secret prompt"}],
            images=["data:image/png;base64,secret"],
            tools=[{"type": "function", "function": {"name": "secret"}}],
            tool_calls=[{"id": "secret"}],
            additional_provider_specific_params={"user": "secret"},
        )
    )
    assert "secret" not in repr(read)


@pytest.mark.parametrize(
    ("sent", "tokens"),
    [
        ({"texts": None}, 0),
        ({"texts": ["12345"]}, 3),  # With the brackets and quotes of JSON, nine bytes.
        ({"texts": ["\N{EURO SIGN}" * 3]}, 5),
        ({"texts": [], "images": ["a", "b"]}, 1 + 2 * 1600),
        ({"texts": None, "tools": [{"name": "x"}]}, 5),
    ],
)
def test_input_is_estimated_by_its_bytes_and_images(sent: dict[str, object], tokens: int) -> None:
    assert LiteLLMCall.model_validate(call_of_litellm(**sent)).input_tokens == tokens


@pytest.mark.parametrize(
    ("model", "vendor"),
    [
        ("openai/gpt-5.1", "openai"),
        ("bedrock/us.anthropic.claude-sonnet-4-5", "bedrock"),
        ("claude-sonnet-4-5", "anthropic"),
        ("gemini-2.5-pro", "google"),
        ("gpt-5.1", "openai"),
        ("o3", "openai"),
        ("fast", "litellm"),
        ("/fast", "litellm"),
    ],
)
def test_the_vendor_of_a_model_is_told_by_its_name(model: str, vendor: str) -> None:
    assert vendor_of(model) == vendor
