"""Units, requests and stated costs of a record: what is taken, refused, and the same content."""

from typing import Any, get_args

import pytest

from allowance.errors import UsageOutOfRange
from allowance.prices.cost import TOKEN_CLASSES, Tokens
from allowance.prices.units import OtherUnit
from allowance.usage.counts import TokenCounts, UnitCounts
from allowance.usage.fast_path import plain_usages
from allowance.usage.models import without_price
from allowance.usage.records import Usage, usage_of

PLAIN = {
    "source": "litellm",
    "id": "call-1",
    "user": "maya",
    "provider": "openai",
    "model": "gpt-5.1",
    "occurred_at": "2026-11-22T06:00:00Z",
    "tokens": {"input": 1000},
}


def read(**changes: Any) -> Usage:
    made = PLAIN | changes
    return usage_of({name: value for name, value in made.items() if value is not None})


def test_a_record_takes_each_class_and_unit_of_the_registry() -> None:
    """A price per request counts the requests of the record: they are no unit of their own here."""
    tokens, units = TokenCounts.model_fields.keys(), UnitCounts.model_fields.keys()
    assert tokens.isdisjoint(units)
    assert tokens | units | {"requests"} == {*TOKEN_CLASSES, *get_args(OtherUnit)}
    assert {each for each in tokens if without_price(each).field != f"tokens.{each}"} == set()
    assert {each for each in units if without_price(each).field != f"units.{each}"} == set()


def test_tokens_of_other_kinds_and_units_are_counted_together() -> None:
    usage = read(
        tokens={"input": 5, "input_audio": 7, "output_image": 0}, units={"web_searches": 2}
    )
    assert (usage.tokens, usage.others) == (Tokens(5), {"input_audio": 7, "web_searches": 2})
    alone = read(tokens=None, units={"audio_milliseconds": 1500})
    assert (alone.tokens, alone.others) == (Tokens(), {"audio_milliseconds": 1500})
    assert plain_usages([PLAIN | {"units": {}}, PLAIN | {"tokens": {"input_audio": 1}}]) == [
        None,
        None,
    ]


USAGE = {"tokens": None, "usage_format": "openai", "usage": {"prompt_tokens": 1}}


@pytest.mark.parametrize(
    ("change", "field", "detail"),
    [
        ({"units": {"web_search": 1}}, "units.web_search", "Did you mean web_searches?"),
        ({"units": {"x": 1}}, "units.x", "Known fields: web_searches, file_searches,"),
        ({"units": {"requests": 2}}, "units.requests", "Unknown field."),
        ({"units": {"input": 2}}, "units.input", "Unknown field."),
        ({"tokens": {"pages": 2}}, "tokens.pages", "Unknown field."),
        ({"units": {"pages": 1.5}}, "units.pages", "whole number"),
        ({"units": {"pages": 10**12 + 1}}, "units.pages", "Must not exceed 1000000000000."),
        ({"tokens": {"input_audio": -1}}, "tokens.input_audio", "Must not be negative."),
        ({"units": {"pages": 1}} | USAGE, "(document)", "either tokens or units, or usage"),
        ({"tokens": None}, "(document)", "either tokens or units, or usage"),
        ({"requests": 0}, "requests", "Must be at least 1."),
        ({"requests": 10**12 + 1}, "requests", "Must not exceed 1000000000000."),
        ({"requests": True}, "requests", "whole number"),
        ({"cost_micros": -1}, "cost_micros", "Must not be negative."),
        ({"cost_micros": 10**13 + 1}, "cost_micros", "Must not exceed 10000000000000."),
        ({"cost_micros": 1.0}, "cost_micros", "whole number"),
        ({"cost_usd": -1}, "cost_usd", "Must be US dollars from 0 to 10000000"),
        ({"cost_usd": "free"}, "cost_usd", "Must be US dollars from 0 to 10000000"),
        ({"cost_usd": 1, "cost_micros": 1}, "(document)", "cost_micros or cost_usd, not both"),
    ],
)
def test_a_bad_field_is_named_with_what_is_taken(
    change: dict[str, Any], field: str, detail: str
) -> None:
    with pytest.raises(UsageOutOfRange) as refused:
        read(**change)
    (problem,) = refused.value.problems
    assert problem.field == field
    assert detail in problem.detail


@pytest.mark.parametrize(
    "same",
    [
        ({}, {"units": {}}, {"units": {"pages": 0}}, {"requests": 1}, {"tokens": {"input": 1000}}),
        ({"units": {"pages": 3}}, {"units": {"pixels": 0, "pages": 3}, "requests": 1}),
        ({"requests": 2}, {"requests": 2, "units": {}}),
        ({"tokens": None, "units": {"pages": 1}}, {"tokens": {}, "units": {"pages": 1}}),
        ({"cost_micros": 125}, {"cost_usd": 0.000125}, {"cost_usd": "1.25e-4"}),
    ],
)
def test_another_notation_is_the_same_content(same: tuple[dict[str, Any], ...]) -> None:
    assert len({read(**each).content_sha256 for each in same}) == 1


def test_other_units_requests_or_costs_are_other_content() -> None:
    others: tuple[dict[str, Any], ...] = (
        {},
        {"units": {"pages": 1}},
        {"units": {"pages": 2}},
        {"units": {"annotated_pages": 1}},
        {"tokens": {"input": 1000, "input_audio": 1}},
        {"requests": 2},
        {"cost_micros": 0},
        {"cost_micros": 1},
        {"cost_usd": "0.000000000001"},
    )
    assert len({read(**each).content_sha256 for each in others}) == len(others)


def test_a_record_may_be_of_several_requests_and_state_a_cost() -> None:
    usage = read(requests=470, cost_usd=0.5)
    assert (usage.extra_requests, usage.stated_cost_picos) == (469, 5 * 10**11)
    usage = read(**USAGE | {"requests": 3, "cost_micros": 10**13})
    assert (usage.extra_requests, usage.stated_cost_picos) == (2, 10**19)


def test_the_record_states_its_cost_before_its_object_does() -> None:
    of_object = {
        "provider": "openrouter",
        "tokens": None,
        "usage_format": "auto",
        "usage": {"prompt_tokens": 1, "cost": 0.25},
    }
    assert read(**of_object).stated_cost_picos == 25 * 10**10
    assert read(**of_object, cost_micros=7).stated_cost_picos == 7 * 10**6
