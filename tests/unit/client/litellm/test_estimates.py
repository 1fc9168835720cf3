"""What a call is estimated to use, and which calls are asked about."""

from typing import Any

import pytest

from allowance_client.litellm.estimates import costs, tokens_of

TEXT = "x" * 300


def estimate(kind: str = "acompletion", **fields: Any) -> tuple[int, int]:
    found = tokens_of(kind, fields, 4096)
    return found["input"], found["output"]


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({"messages": [{"content": TEXT}]}, 103),
        ({"input": TEXT, "instructions": TEXT, "tools": [{"name": TEXT}]}, 302),
        ({"system": [{"type": "text", "text": TEXT}]}, 104),
        ({"prompt": [[1, 2, 3], [4, 5]]}, 5),
        (
            {"messages": [{"content": [{"type": "image_url", "image_url": {"url": TEXT * 99}}]}]},
            1603,
        ),
        ({"input": "é\ud800"}, 2),
        ({"input": None, "metadata": TEXT}, 0),
    ],
)
def test_the_input_is_measured_wherever_it_stands(fields: dict[str, Any], tokens: int) -> None:
    assert estimate(**fields)[0] == tokens


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({}, 4096),
        ({"max_tokens": 300}, 300),
        ({"max_tokens": 300, "max_completion_tokens": 5000}, 5000),
        ({"max_output_tokens": 200, "n": 3}, 600),
        ({"max_tokens": 100, "n": 2, "best_of": 5}, 500),
        ({"max_tokens": -1, "n": 0}, 4096),
        ({"max_tokens": True}, 4096),
        ({"max_tokens": "300"}, 4096),
        ({"max_tokens": 10**9, "n": 10}, 10**9),
    ],
)
def test_the_output_is_the_largest_that_the_caller_allows(
    fields: dict[str, Any], tokens: int
) -> None:
    assert estimate(**fields)[1] == tokens


def test_an_embedding_has_no_output() -> None:
    assert estimate("aembedding", input=TEXT, max_tokens=5) == (100, 0)


@pytest.mark.parametrize(
    ("kind", "is_asked"),
    [
        ("acompletion", True),
        ("completion", True),
        ("anthropic_messages", True),
        ("aresponses", True),
        ("atext_completion", True),
        ("aembedding", True),
        ("add_message", True),
        ("_arealtime", True),
        ("a_kind_of_tomorrow", True),
        ("amoderation", False),
        ("acreate_batch", False),
        ("aretrieve_batch", False),
        ("acreate_file", False),
        ("afile_content", False),
        ("aget_responses", False),
        ("call_mcp_tool", False),
    ],
)
def test_every_call_to_a_model_is_asked_about(kind: str, is_asked: bool) -> None:
    assert costs(kind, {"model": "m"}) is is_asked
    assert not costs(kind, {})
