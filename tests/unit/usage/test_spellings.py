"""Other spellings of a record are the same record, and what has two readings is refused by name."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.contract.json_document import json_object
from allowance.errors import UsageOutOfRange
from allowance.usage.fast_path import plain_usages
from allowance.usage.records import Usage, usage_of

PLAIN: dict[str, Any] = {
    "source": "litellm",
    "id": "4711",
    "user": "12",
    "provider": "openai",
    "model": "gpt-5.1",
    "occurred_at": "2026-11-22T06:00:00.123456Z",
    "tokens": {"input": 1000, "output": 200},
}

TIMES: dict[str, list[str]] = {
    "2026-11-22T06:00:00.123456Z": [
        "2026-11-22T06:00:00.123456789Z",
        "2026-11-22T06:00:00.1234569Z",
        "2026-11-22t06:00:00.123456z",
        "2026-11-22 06:00:00.123456+00:00",
        "2026-11-22T06:00:00.123456+0000",
        "2026-11-22 06:00:00.123456+00",
        "2026-11-22T11:30:00.123456+05:30",
        "2026-11-22T07:00:00.123456 01:00",
    ],
    "2026-11-22T06:00:00Z": [
        "2026-11-22T06:00Z",
        "2026-11-22T07:00+01:00",
        "2026-11-22 06:00 00:00",
    ],
    "2026-10-31T23:59:59.999999Z": ["2026-10-31T23:59:59.999999999Z"],
}
COUNTS = [1000, 1000.0, 1e3, "1000"]
SPELLINGS: dict[str, tuple[Any, list[Any]]] = {
    "id": ("4711", [4711]),
    "user": ("12", [12]),
    "variant": (None, ["", "default", "Default", "standard", "ON_DEMAND"]),
    "group": (None, [""]),
    "provider_name": (None, [""]),
    "requests": (1, [None, "1", 1.0]),
    "reservation_id": (None, [""]),
    "reservation_key": (None, [""]),
    "usage_format": (None, [""]),
    "tokens": (
        {"input": 1000, "output": 200},
        [{"input": each, "output": "200", "cache_read": None} for each in COUNTS],
    ),
    "units": ({"pages": 3}, [{"pages": "3"}, {"pages": 3.0, "pixels": None}]),
}


def spelled(name: str, value: Any) -> Usage:
    return usage_of(PLAIN | {name: value})


@pytest.mark.parametrize("usual", TIMES)
def test_a_time_in_another_spelling_is_the_same_time(usual: str) -> None:
    expected = spelled("occurred_at", usual)
    assert [spelled("occurred_at", each) for each in TIMES[usual]] == [expected] * len(TIMES[usual])


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_value_in_another_spelling_is_the_same_record(name: str) -> None:
    usual, others = SPELLINGS[name]
    expected = spelled(name, usual)
    # Also after JSON: a parser gives other types for some of the spellings.
    sent = [json_object(json.dumps({"value": each}).encode())["value"] for each in others]
    assert [spelled(name, each) for each in sent] == [expected] * len(others)


@pytest.mark.parametrize("word", ["Batch", "BATCH", "batch"])
def test_a_variant_in_capitals_is_that_variant(word: str) -> None:
    assert spelled("variant", word) == spelled("variant", "batch")
    assert plain_usages([PLAIN | {"variant": word}]) == [spelled("variant", "batch")]


def test_a_format_in_capitals_is_that_format() -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 1}
    read = PLAIN | {"tokens": None, "usage": usage}
    assert usage_of(read | {"usage_format": "OpenAI"}) == usage_of(
        read | {"usage_format": "openai"}
    )


def test_a_whole_float_in_a_usage_object_is_a_count() -> None:
    """The object is kept, and compared, as it was sent."""
    read = PLAIN | {"tokens": None, "usage_format": "openai"}
    whole, floats = (
        usage_of(read | {"usage": {"prompt_tokens": each, "completion_tokens": each}})
        for each in (5, 5.0)
    )
    assert (floats.tokens, floats.kept) == (whole.tokens, None)
    assert floats.content_sha256 != whole.content_sha256


@pytest.mark.parametrize(
    "change",
    [
        {"occurred_at": "2026-11-22T06:00:00.123456789Z"},
        {"occurred_at": "2026-11-22T06:00:00.1234567+01:00"},
        {"variant": "default"},
        {"variant": "Standard"},
    ],
)
def test_the_spellings_of_many_gateways_are_read_by_columns(change: dict[str, Any]) -> None:
    assert plain_usages([PLAIN, PLAIN | change]) == [usage_of(PLAIN), usage_of(PLAIN | change)]


@pytest.mark.parametrize(
    ("change", "field", "wanted"),
    [
        ({"occurred_at": "2026-11-22T06:00:00"}, "occurred_at", "offset"),
        ({"occurred_at": "2026-11-22 06:00"}, "occurred_at", "offset"),
        ({"occurred_at": "11/22/2026 06:00 Z"}, "occurred_at", "offset"),
        ({"occurred_at": "2026-11-22T06:00:00.1234567891Z"}, "occurred_at", "offset"),
        ({"occurred_at": 1795413600}, "occurred_at", "offset"),
        ({"occurred_at": "1795413600"}, "occurred_at", "offset"),
        ({"id": 1.0}, "id", "string"),
        ({"id": True}, "id", "string"),
        ({"id": -1}, "id", "string"),
        ({"id": 1 << 64}, "id", "string"),
        ({"provider": 1}, "provider", "string"),
        ({"variant": "auto"}, "variant", "response"),
        ({"variant": "very fast"}, "variant", "batch"),
        ({"variant": "x" * 65}, "variant", "batch"),
        ({"variant": "+us"}, "variant", "batch"),
        ({"variant": ["batch"]}, "variant", "string"),
        ({"tokens": {"input": 1.5}}, "tokens.input", "whole number"),
        ({"tokens": {"input": 2.0**53}}, "tokens.input", "whole number"),
        ({"tokens": {"input": "010"}}, "tokens.input", "whole number"),
        ({"tokens": {"input": "+1"}}, "tokens.input", "whole number"),
        ({"tokens": {"input": "1.0"}}, "tokens.input", "whole number"),
        ({"tokens": {"input": ""}}, "tokens.input", "whole number"),
        ({"tokens": {"input": "\u0663"}}, "tokens.input", "whole number"),
        ({"tokens": {"input": True}}, "tokens.input", "whole number"),
        ({"tokens": {"input": "1000000000001"}}, "tokens.input", "1000000000000"),
        ({"tokens": {"input": -1.0}}, "tokens.input", "negative"),
        ({"requests": "0"}, "requests", "at least 1"),
        ({"cost_micros": 1.0}, "cost_micros", "whole number"),
        ({"cost_micros": "1"}, "cost_micros", "whole number"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_by_name(
    change: dict[str, Any], field: str, wanted: str
) -> None:
    with pytest.raises(UsageOutOfRange) as refused:
        usage_of(PLAIN | change)
    (problem,) = refused.value.problems
    assert problem.field == field
    assert wanted in problem.detail


@given(
    st.dictionaries(st.sampled_from(sorted(SPELLINGS)), st.integers(0, 9), min_size=1, max_size=4),
    st.sampled_from([(usual, each) for usual, others in TIMES.items() for each in others]),
)
def test_any_mix_of_spellings_is_the_usual_record(
    chosen: dict[str, int], times: tuple[str, str]
) -> None:
    usual, other = dict(PLAIN), dict(PLAIN)
    usual["occurred_at"], other["occurred_at"] = times
    for name, place in chosen.items():
        expected, spellings = SPELLINGS[name]
        usual[name], other[name] = expected, spellings[place % len(spellings)]
    assert usage_of(other) == usage_of(usual)
    assert plain_usages([other])[0] in (None, usage_of(usual))
