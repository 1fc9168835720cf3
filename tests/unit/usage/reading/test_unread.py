"""What no rule explains leaves the whole object unread, with the name of the counter."""

import copy
from collections.abc import Iterator
from random import Random
from typing import Any, cast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from allowance.errors import UsageOutOfRange
from allowance.prices.cost import MAX_TOKENS, Tokens
from allowance.usage.reading.formats import UsageFormat, read_usage
from allowance.usage.reading.sides import Reading
from tests.read_objects import THOUGHTS, Example
from tests.usage_objects import FLAVOURS, Flavour, Made, unread_in
from tests.vendor_objects import EXAMPLES

TOTALS = {"total_tokens", "totalTokens", "totalTokenCount", "total_token_count"}

type Place = tuple[str, dict[str, Any]]


def objects_in(path: str, value: object) -> Iterator[Place]:
    """Every object inside a value, with its path."""
    if isinstance(value, dict):
        yield path, cast("dict[str, Any]", value)
        for name, inner in cast("dict[str, object]", value).items():
            yield from objects_in(f"{path}.{name}", inner)
    elif isinstance(value, list):
        for place, inner in enumerate(cast("list[object]", value)):
            yield from objects_in(f"{path}[{place}]", inner)


RANDOMS = st.integers(0, 2**32).map(Random)

SAYING = st.one_of(
    st.integers(1, MAX_TOKENS), st.just(value=True), st.floats(0.001, 10), st.just("ultra")
)


@given(
    random=RANDOMS,
    flavour=st.sampled_from(FLAVOURS),
    name=st.sampled_from(("sapient_tokens", "input_tokens_", "cost_of_tokens", "")),
    value=SAYING,
)
def test_an_unknown_counter_anywhere_leaves_an_object_unread_in(
    random: Random, flavour: Flavour, name: str, value: object
) -> None:
    made = flavour.make(random)
    assert unread_in(made.usage_format, made.usage, made.provider, made.model) == []
    path, holder = random.choice(list(objects_in("usage", made.usage)))
    holder[name] = value
    assert f"{path}.{name}" in unread_in(made.usage_format, made.usage, made.provider, made.model)


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda each: f"{each.usage_format}-{each.provider}"
)
def test_an_unknown_counter_in_each_part_is_named(example: Example) -> None:
    count = len(list(objects_in("usage", example.usage)))
    for place in range(count):
        usage = copy.deepcopy(example.usage)
        path, holder = list(objects_in("usage", usage))[place]
        holder["sapient_tokens"] = {"deep": [0, {"number": 7}]}
        found = unread_in(example.usage_format, usage, example.provider, example.model)
        assert f"{path}.sapient_tokens.deep[1].number" in found


@given(
    random=RANDOMS,
    flavour=st.sampled_from(FLAVOURS),
    by=st.sampled_from((-1, 1)),
)
def test_a_total_that_is_off_by_one_leaves_an_object_unread_in(
    random: Random, flavour: Flavour, by: int
) -> None:
    made = flavour.make(random)
    assume(made.total is not None and is_checked(made, by))
    (name, total) = made.total or ("", 0)
    assume(total + by >= 0)
    made.usage[name] = total + by
    assert f"usage.{name}" in unread_in(made.usage_format, made.usage, made.provider, made.model)


def is_checked(made: Made, by: int) -> bool:
    """Gemini through OpenAI's names counts thoughts in the total alone. A higher total means
    thoughts, if the object states none, or exactly as many as it states.
    """
    reasoning = made.usage.get("completion_tokens_details", {}).get("reasoning_tokens", 0)
    return made.name != "google/chat" or by < 0 or reasoning > 1


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda each: f"{each.usage_format}-{each.provider}"
)
def test_a_changed_total_of_an_example_is_unread_in(example: Example) -> None:
    if example.usage is THOUGHTS:
        # Nothing else counts the thoughts: any total above the parts is right.
        return
    for name in TOTALS & example.usage.keys():
        for by in (-1, 1, 5000):
            changed = example.usage | {name: example.usage[name] + by}
            assert unread_in(example.usage_format, changed, example.provider, example.model)


@given(random=RANDOMS, flavour=st.sampled_from(FLAVOURS))
def test_no_token_is_lost_or_counted_twice(random: Random, flavour: Flavour) -> None:
    made = flavour.make(random)
    assume(made.total is not None and made.name != "x-ai/realtime")
    found = read_usage(made.usage_format, made.usage, made.provider, made.model)
    of_units = sum(
        int(count)
        for unit, count in found.others.items()
        if unit.rpartition("_")[2] in {"audio", "image", "video"}
    )
    assert sum(found.tokens) + of_units == (made.total or ("", 0))[1]


@pytest.mark.parametrize("bad", [-1, 1.5, "12", True, MAX_TOKENS + 1, [], float("nan")])
@pytest.mark.parametrize(
    ("usage_format", "usage", "name"),
    [
        (
            "openai",
            {"input_tokens": 1, "completion_tokens": 1, "prompt_tokens": 1},
            "prompt_tokens",
        ),
        ("anthropic", {"input_tokens": 1}, "cache_read_input_tokens"),
        ("gemini", {"promptTokenCount": 1}, "candidatesTokenCount"),
        ("bedrock", {"inputTokens": 1}, "totalTokens"),
        ("cohere", {"billed_units": {}}, "cached_tokens"),
        ("voyage", {}, "total_tokens"),
    ],
)
def test_a_malformed_count_is_refused(
    usage_format: UsageFormat, usage: dict[str, Any], name: str, bad: object
) -> None:
    with pytest.raises(UsageOutOfRange) as caught:
        read_usage(usage_format, usage | {name: bad}, "a-provider", "a-model")
    assert f"usage.{name}" in [problem.field for problem in caught.value.problems]


def test_what_says_nothing_is_no_obstacle() -> None:
    nothing: dict[str, Any] = {"a": 0, "b": None, "c": "", "d": False, "e": {}, "f": [{"g": 0.0}]}
    found = read_usage("openai", {"prompt_tokens": 1} | nothing, "openai", "gpt-4.1")
    assert found == Reading(Tokens(1), {}, None, ())


def test_a_sum_above_the_highest_count_is_refused() -> None:
    usage = {"promptTokenCount": MAX_TOKENS, "toolUsePromptTokenCount": 1}
    with pytest.raises(UsageOutOfRange):
        read_usage("gemini", usage, "google", "gemini-2.5-flash")
    parts = [{"modality": "AUDIO", "tokenCount": MAX_TOKENS}]
    usage = {
        "promptTokenCount": MAX_TOKENS,
        "promptTokensDetails": parts,
        "toolUsePromptTokenCount": MAX_TOKENS,
        "toolUsePromptTokensDetails": parts,
    }
    with pytest.raises(UsageOutOfRange):
        read_usage("gemini", usage, "google", "gemini-2.5-flash")
