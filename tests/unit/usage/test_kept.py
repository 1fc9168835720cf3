"""Usage objects that stay without a cost, and the reasons for it."""

from pathlib import Path
from typing import Any

import pytest

from allowance.errors import Problem
from allowance.prices.cost import Tokens
from allowance.prices.terms import Variant
from allowance.usage import changes
from allowance.usage.kept import MAX_PATH, MAX_REASONS, Understood, understand
from allowance.usage.reading.formats import UsageFormat

READ = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}


def understood(
    usage: dict[str, Any],
    variant: Variant | None = None,
    usage_format: UsageFormat = "openai",
) -> Understood:
    return understand(usage_format, usage, "openai", "gpt-5.1", variant)


@pytest.mark.parametrize(
    ("of_record", "of_object", "found"),
    [
        (None, None, None),
        ("batch", None, "batch"),
        (None, "batch", "batch"),
        ("batch", "batch", "batch"),
        ("batch", "default", "batch"),
    ],
)
def test_record_and_object_state_one_variant(
    of_record: Variant | None, of_object: str | None, found: Variant | None
) -> None:
    usage = READ | {"service_tier": of_object}
    assert understood(usage, of_record) == Understood(Tokens(1000, 100), found, ())


def test_a_variant_that_differs_from_the_object_leaves_it_unread() -> None:
    found = understood(READ | {"service_tier": "flex"}, "batch")
    reason = Problem("variant", "Is batch, but the usage object says flex.")
    assert found == Understood(Tokens(), "batch", (reason,))


def test_other_units_of_an_object_are_counted_beside_its_tokens() -> None:
    usage = {
        "input_tokens": 1000,
        "output_tokens": 100,
        "server_tool_use": {"web_search_requests": 3},
        "service_tier": "batch",
    }
    assert understood(usage, usage_format="anthropic") == Understood(
        Tokens(1000, 100), "batch", (), {"web_searches": 3}
    )


@pytest.mark.parametrize(
    ("of_record", "of_object", "found"), [(1, 470, 470), (470, 470, 470), (470, 1, 470), (1, 1, 1)]
)
def test_record_and_object_state_one_number_of_requests(
    of_record: int, of_object: int, found: int
) -> None:
    usage = {"input_tokens": 1000, "input_cached_tokens": 0, "num_model_requests": of_object}
    read = understand("openai", usage, "openai", "gpt-5.1", None, of_record)
    assert read == Understood(Tokens(1000), None, (), {}, found)


def test_another_number_of_requests_leaves_the_object_unread() -> None:
    usage = {"input_tokens": 1000, "num_model_requests": 470}
    read = understand("openai", usage, "openai", "gpt-5.1", None, 469)
    reason = Problem("requests", "Is 469, but the usage object says 470.")
    assert read == Understood(Tokens(), None, (reason,), {}, 469)


def test_many_or_long_reasons_are_shortened() -> None:
    """A response has at most 6 MB, and each of a thousand records may have such an object."""
    usage = READ | {"x" * 500: {f"y{n}": 1 for n in range(MAX_REASONS + 5)}}
    *shown, last = understood(usage).reasons
    assert len(shown) == MAX_REASONS
    assert {each.field for each in shown} == {f"usage.{'x' * 500}"[:MAX_PATH] + "..."}
    assert last == Problem("usage", "And 5 reasons more.")


@pytest.mark.parametrize("folder", ["prices", "usage", "usage/reading"])
def test_other_code_of_reading_or_pricing_changes_the_rules(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a deployment with a better reader leads to passes over usage without a cost."""
    monkeypatch.setattr(changes, "PACKAGE", tmp_path)
    (tmp_path / folder).mkdir(parents=True)
    file = tmp_path / folder / "code.py"
    found = set[str]()
    for code in ("", "x = 1"):
        file.write_text(code)
        found.add(changes.rules.__wrapped__())
    assert len(found) == 2
