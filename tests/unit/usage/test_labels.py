"""Labels, group and provider name of a record: what is taken, refused, and the same content."""

from hashlib import sha256
from typing import Any

import pytest

from allowance.errors import UsageOutOfRange
from allowance.usage.fast_path import plain_usages
from allowance.usage.records import Usage, usage_of
from tests.usage import record

LABELS = {"project": "search", "env": "prod"}


@pytest.mark.parametrize(
    "change",
    [
        {"labels": LABELS},
        {"labels": {"team": "Zoë 'x' \"y\"\n", "empty": ""}, "group": "platform"},
        {"labels": {}, "provider_name": "azure-eu"},
        {"labels": None, "group": None, "provider_name": None},
        {"labels": {f"k{n}": "v" * 255 for n in range(8)}, "variant": "batch"},
        {"labels": {"k" * 64: ""}},
    ],
)
def test_the_fast_reader_takes_labels_and_groups(change: dict[str, Any]) -> None:
    plain = record()
    careful = [usage_of(plain | change), usage_of(plain)]
    assert plain_usages([plain | change, plain]) == careful


def test_labels_are_read_in_any_order_and_without_any_they_are_none() -> None:
    usage = usage_of(record(labels=LABELS))
    assert usage.labels == '{"env":"prod","project":"search"}'
    other = usage_of(record(labels=dict(reversed(LABELS.items()))))
    assert other == usage
    assert usage_of(record(labels={})) == usage_of(record())


@pytest.mark.parametrize("names", [("labels",), ("group", "provider_name", "labels")])
def test_labels_group_and_provider_name_are_content(names: tuple[str, ...]) -> None:
    given = {"labels": LABELS, "group": "platform", "provider_name": "azure-eu"}
    more = {name: given[name] for name in names}
    text = '"labels":{"env":"prod","project":"search"},"model":"m",'
    text += '"occurred_at":"2026-11-20T10:00:00.000000Z","provider":"p",'
    if "group" in names:
        text = f'"group":"platform",{text}"provider_name":"azure-eu",'
    content = f'{{{text}"tokens":{{"input":1000,"output":100}},"user":"maya"}}'
    made = record(**more)
    expected = sha256(content.encode()).digest()
    read: list[Usage | None] = [usage_of(made), *plain_usages([made])]
    assert [each and each.content_sha256 for each in read] == [expected] * 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"labels": {"": "x"}}, "labels."),
        ({"labels": {"k" * 65: "x"}}, f"labels.{'k' * 65}"),
        ({"labels": {"a:b": "x"}}, "labels.a:b"),
        ({"labels": {"é": "x"}}, "labels.é"),
        ({"labels": {".a": "x"}}, "labels..a"),
        ({"labels": {"allowance/group": "x"}}, "labels.allowance/group"),
        ({"labels": {"a": "v" * 256}}, "labels.a"),
        ({"labels": {"a": "x\x00"}}, "labels.a"),
        ({"labels": {"a": "\ufffd"}}, "labels.a"),
        ({"labels": {"a": "half \ud800"}}, "labels.a"),
        ({"labels": {"a": 1}}, "labels.a"),
        ({"labels": {"a": None}}, "labels.a"),
        ({"labels": {"a": ["x"]}}, "labels.a"),
        ({"labels": {f"k{n}": "" for n in range(9)}}, "labels"),
        ({"labels": []}, "labels"),
        ({"labels": ""}, "labels"),
        ({"labels": "a=b"}, "labels"),
        ({"labels": False}, "labels"),
        ({"group": 1}, "group"),
        ({"group": " platform"}, "group"),
        ({"provider_name": "x" * 256}, "provider_name"),
    ],
)
def test_a_bad_label_group_or_name_is_rejected_by_its_field(
    change: dict[str, Any], field: str
) -> None:
    with pytest.raises(UsageOutOfRange) as refused:
        usage_of(record() | change)
    assert [each.field for each in refused.value.problems] == [field]
    assert plain_usages([record() | change, record()]) == [None, usage_of(record())]
