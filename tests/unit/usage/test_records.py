"""The fast reader of usage records agrees with the careful one, and accepts nothing more."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.errors import UsageOutOfRange
from allowance.prices.terms import Variant
from allowance.usage.content import MAX_OBJECT_BYTES, MAX_OBJECT_DEPTH
from allowance.usage.fast_path import plain_usages
from allowance.usage.reading.formats import UsageFormat
from allowance.usage.record_shape import OWN_SOURCE
from allowance.usage.records import Usage, require_time, usage_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PLAIN = {
    "source": "litellm",
    "id": "call-1",
    "user": "maya",
    "provider": "openai",
    "model": "gpt-5.1",
    "occurred_at": "2026-11-22T06:00:00Z",
    "tokens": {"input": 1000, "output": 200},
}
TEXTS = st.sampled_from(
    [
        "a",
        "a b",
        " a",
        "a ",
        "",
        "é",
        "a\nb",
        "a\x00",
        OWN_SOURCE,
        "x" * 255,
        "x" * 256,
        "~",
        "a\u00a0b",
        'a"b',
        "a\\b",
    ]
)
MOMENTS = st.sampled_from([
    "2026-11-22T06:00:00Z", "2026-11-22t06:00:00z", "2026-11-22T06:00:00.123456+05:30",
    "2026-11-22 06:00:00Z", "2026-11-22T06:00:00.123456Z", "2026-11-22T06:00:00.123456+00:00",
    "2026-11-22T06:00:00.12+00:00", "2026-11-22T06:00:00.123456-00:00",
    "2026-02-30T00:00:00Z", "2026-11-22T06:00:00", "2026-11-22T06:00:00.1234567Z",
    "2026-11-22T24:00:00Z",
    "0001-01-01T00:00:00+23:59", "2026-11-22T06:00:00-00:00", "2026-11-22T06:00:60Z",
    "2019-12-31T23:59:59Z",
    "2026-11-22T06:00:00.123456789Z", "2026-11-22T06:00:00.999999999+01:00",
    "2026-11-22T06:00:00.1234567891Z", "2026-11-22T06:00Z", "2026-11-22T06:00:00+0100",
    "2026-11-22T06:00:00+00", "2026-11-22T06:00:00 01:00",
    "2026-11-22T06:00:00+24:00", "\uff12\uff1026-11-22T06:00:00Z", "2026-11-22T06:00:00Z\n",
])  # fmt: skip
COUNTS = st.sampled_from(
    [0, 1, 10**12, 10**12 + 1, -1, 1.0, 1.5, 1e30, True, "1", "01", None, 10**30]
)
CLASSES = st.sampled_from(
    ["input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning"]
)
LABEL_KEYS = st.sampled_from([*"abcdefghi", "", "a b", "allowance/x", "x" * 64, "x" * 65])
CHANGES: dict[str, st.SearchStrategy[Any]] = {
    **{
        name: TEXTS | st.none() | st.integers()
        for name in ("source", "id", "user", "provider", "model")
    },
    "occurred_at": MOMENTS | st.none() | st.integers(),
    "tokens": st.dictionaries(CLASSES, COUNTS, max_size=3)
    | st.none()
    | st.lists(st.integers(), max_size=1),
    "variant": st.sampled_from(
        [*get_args(Variant), "Batch", "default", "STANDARD", "", "auto", None, 1, ["batch"]]
    ),
    "usage_format": st.sampled_from([*get_args(UsageFormat), None]),
    "usage": st.just({"prompt_tokens": 5}) | st.none(),
    "reservation": st.just("x"),
    "labels": st.dictionaries(LABEL_KEYS, TEXTS | st.none() | st.integers(), max_size=9)
    | st.sampled_from([None, "", False, [], {"a": []}]),
    "group": TEXTS | st.none() | st.integers(),
    "provider_name": TEXTS | st.none(),
}


@st.composite
def records(draw: st.DrawFn) -> object:
    """Return the plain record with at most three changes and one missing field, or no object."""
    changed = draw(st.sets(st.sampled_from(sorted(CHANGES)), max_size=3))
    made: dict[str, Any] = PLAIN | {name: draw(CHANGES[name]) for name in sorted(changed)}
    made.pop(draw(st.sampled_from([*PLAIN, "nothing", "nothing"])), None)
    return draw(st.sampled_from([made] * 9 + [[made]]))


def careful(record: object) -> Usage | None:
    try:
        return usage_of(record)
    except UsageOutOfRange:
        return None


@given(st.lists(records(), max_size=5))
def test_the_fast_reader_gives_what_the_careful_reader_gives(batch: list[object]) -> None:
    read = plain_usages(batch)
    assert all(usage in (None, careful(record)) for usage, record in zip(read, batch, strict=True))
    assert read == [usage for record in batch for usage in plain_usages([record])]


@pytest.mark.parametrize("field", ["user", "provider", "model", "source", "id"])
def test_the_fast_reader_leaves_names_that_json_escapes(field: str) -> None:
    batch = [PLAIN | {field: f"a{chr(code)}b"} for code in range(0x20, 0x7F)]
    read = [usage_of(each) for each in batch]
    escaped = {'a"b', "a\\b"}
    assert plain_usages(batch) == [
        None if getattr(each, field) in escaped else each for each in read
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"user": " a"}, {"user": "a "}, {"id": ""}, {"id": 1}, {"variant": "auto"},
        {"tokens": {"input": -1}}, {"tokens": {"output": 10**12 + 1}},
        {"tokens": {"cache_read": True}}, {"tokens": {"input": 1.0}},
    ],
)  # fmt: skip
def test_the_fast_reader_leaves_what_is_not_plain(change: dict[str, Any]) -> None:
    assert plain_usages([PLAIN, PLAIN | change]) == [usage_of(PLAIN), None]


@pytest.mark.parametrize(
    "tokens",
    [
        {"input": 1, "output": 2, "cache_read": 3}, {"input": 1, "output": 2, "cache_write": 3},
        {"input": 1, "output": 2, "cache_write_1h": 3}, {"output": 2}, {},
    ],
)  # fmt: skip
def test_both_readers_give_the_same_digest_of_tokens(tokens: dict[str, int]) -> None:
    record = PLAIN | {"tokens": tokens}
    assert plain_usages([record]) == [usage_of(record)]


def test_the_fast_reader_gives_times_in_utc() -> None:
    (usage,) = plain_usages([PLAIN | {"occurred_at": "2026-12-01T01:00:00+02:00"}])
    assert usage is not None
    assert (usage.occurred_at.month, usage.occurred_at.utcoffset()) == (11, timedelta(0))


def test_the_fast_reader_takes_the_records_of_gateways() -> None:
    """Without this, the fast reader would have no use."""
    odd, finer = (
        PLAIN | {"user": "zoë"},
        PLAIN | {"variant": "flex", "occurred_at": "2026-11-22T06:00:00.5+01:00"},
    )
    assert plain_usages([PLAIN, odd, finer]) == [usage_of(PLAIN), None, usage_of(finer)]


@pytest.mark.parametrize(
    "change",
    [{"source": OWN_SOURCE}, {"tokens": {"input": -1}}, {"occurred_at": "2026-02-30T00:00:00Z"}],
)
def test_a_bad_value_is_rejected_by_its_field(change: dict[str, Any]) -> None:
    with pytest.raises(UsageOutOfRange) as refused:
        usage_of(PLAIN | change)
    assert [each.field.partition(".")[0] for each in refused.value.problems] == list(change)


@pytest.mark.parametrize("moment", ["2019-12-31T23:59:59.999999Z", "2026-11-22T12:05:00.000001Z"])
def test_a_usage_before_the_ledger_or_in_the_future_is_rejected(moment: str) -> None:
    with pytest.raises(UsageOutOfRange):
        require_time(usage_of(PLAIN | {"occurred_at": moment}), NOW)
    require_time(usage_of(PLAIN | {"occurred_at": "2026-11-22T12:05:00Z"}), NOW)


def test_the_content_hash_of_a_record_never_changes() -> None:
    """Keys are never deleted: a retry after an upgrade must still match its first record."""
    content = (
        '{"model":"gpt-5.1","occurred_at":"2026-11-22T06:00:00.000000Z","provider":"openai",'
        '"tokens":{"input":1000,"output":200},"user":"maya"}'
    )
    assert usage_of(PLAIN).content_sha256 == sha256(content.encode()).digest()
    finer = PLAIN | {
        "variant": "batch",
        "occurred_at": "2026-11-22T07:00:00.120000+01:00",
        "tokens": {"cache_write_1h": 7},
    }
    content = (
        '{"model":"gpt-5.1","occurred_at":"2026-11-22T06:00:00.120000Z","provider":"openai",'
        '"tokens":{"cache_write_1h":7},"user":"maya","variant":"batch"}'
    )
    assert usage_of(finer).content_sha256 == sha256(content.encode()).digest()
    read = PLAIN | {"tokens": None, "usage_format": "auto", "usage": {"b": [1.0, "é"], "a": None}}
    content = (
        '{"model":"gpt-5.1","occurred_at":"2026-11-22T06:00:00.000000Z","provider":"openai",'
        '"usage":{"a":null,"b":[1.0,"\\u00e9"]},"usage_format":"auto","user":"maya"}'
    )
    assert usage_of(read).content_sha256 == sha256(content.encode()).digest()


def test_a_class_without_tokens_is_no_other_content() -> None:
    """Clients that always send each class send the same record as those that send some."""
    sparse = PLAIN | {"tokens": {"input": 5}}
    full = PLAIN | {"tokens": {"output": 0, "cache_read": 0, "input": 5}}
    assert usage_of(sparse).content_sha256 == usage_of(full).content_sha256
    (plain_sparse, plain_full) = plain_usages([sparse, full])
    assert plain_sparse == plain_full == usage_of(full)


def nested(depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {"x": 1}
    for _ in range(depth - 1):
        made = {"x": made}
    return made


@pytest.mark.parametrize(
    ("usage", "is_taken"),
    [
        ({"x": "y" * (MAX_OBJECT_BYTES - len('{"x":""}'))}, True),
        ({"x": "y" * (MAX_OBJECT_BYTES - len('{"x":""}') + 1)}, False),
        (nested(MAX_OBJECT_DEPTH), True),
        (nested(MAX_OBJECT_DEPTH + 1), False),
        (nested(3000), False),
        ({"x": 10**40 - 1}, True),
        ({"x": 10**5000}, False),
        ({"x": [-(10**40)]}, False),
        ({"x": float("inf")}, False),
        ({"x": "a\x00b"}, False),
        ({"x": {"a\x00b": 1}}, False),
    ],
)
def test_an_object_that_no_database_could_keep_is_rejected(
    usage: dict[str, Any], is_taken: bool
) -> None:
    record = PLAIN | {"tokens": None, "usage_format": "openai", "usage": usage}
    if is_taken:
        kept = usage_of(record).kept
        assert kept is not None
        assert kept.usage_object is not None
        assert json.loads(kept.usage_object) == usage
        return
    with pytest.raises(UsageOutOfRange) as refused:
        usage_of(record)
    assert [each.field for each in refused.value.problems] == ["usage"]
