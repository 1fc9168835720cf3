"""Hints of validation errors: the known fields, the field that was meant, and its description."""

from typing import Annotated, Any

import pytest
from pydantic import Field, ValidationError

from allowance.contract.fields import Body
from allowance.contract.hints import MAX_HINTS, nearest
from allowance.contract.validation import problems_of


class Wheel(Body):
    """A part."""

    size_mm: Annotated[int | None, Field(ge=0, description="In millimetres.")] = None
    colour: str | None = None


class Bicycle(Body):
    """A whole."""

    owner: Annotated[str, Field(description="A username.")]
    wheels: list[Wheel] = []
    spares: dict[str, Wheel | None] = {}
    anything: Any = None
    owned_since: Annotated[str, Field(alias="from", description="A year.")] = ""
    engine: Annotated[None, Field(description="It has none.")] = None


def details(document: object) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        Bicycle.model_validate(document)
    return {each.field: each.detail for each in problems_of(caught.value, Bicycle)}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, {"owner": "Required. A username."}),
        ({"owner": 1}, {"owner": "Must be a string. A username."}),
        (
            {"owner": "a", "wheel": []},
            {"wheel": "Unknown field. Did you mean wheels?"},
        ),
        # A document has a field by its alias.
        ({"owner": "a", "form": 1}, {"form": "Unknown field. Did you mean from? A year."}),
        ({"owner": "a", "from": 1}, {"from": "Must be a string. A year."}),
        ({"owner": "a", "engine": 1}, {"engine": "Must be null. It has none."}),
        (
            {"username": "a", "ownr": "b"},
            {
                "owner": "Required. A username.",
                "username": "Unknown field. Known fields: owner, wheels, spares, anything,"
                " from, engine.",
                "ownr": "Unknown field. Did you mean owner?",
            },
        ),
        (
            {"owner": "a", "wheels": [{}, {"size": 1}]},
            {"wheels[1].size": "Unknown field. Did you mean size_mm? In millimetres."},
        ),
        (
            {"owner": "a", "spares": {"x": {"sizeInMm": 1}}},
            {"spares.x.sizeInMm": "Unknown field. Did you mean size_mm? In millimetres."},
        ),
        (
            {"owner": "a", "wheels": [{"x": 1, "y": 1}, {"z": 1}]},
            {
                "wheels[0].x": "Unknown field. Known fields: size_mm, colour.",
                "wheels[0].y": "Unknown field.",
                "wheels[1].z": "Unknown field. Known fields: size_mm, colour.",
            },
        ),
        (
            {"owner": "a", "wheels": [{"size_mm": -1}]},
            {"wheels[0].size_mm": "Must not be negative."},
        ),
    ],
)
def test_a_problem_says_what_is_taken(document: object, expected: dict[str, str]) -> None:
    assert details(document) == expected


def test_the_document_itself_has_no_description() -> None:
    assert details([]) == {"(document)": "Must be an object."}


def test_only_the_first_unknown_fields_get_a_hint() -> None:
    document = {"owner": "a"} | {f"owner_{n}": 1 for n in range(MAX_HINTS + 3)}
    hinted = [each for each in details(document).values() if "Did you mean owner?" in each]
    assert len(hinted) == MAX_HINTS


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("limit", "spend_limit_micros"),
        ("spendLimitUSD", "spend_limit_micros"),
        ("spent_limit", "spend_limit_micros"),
        ("group", "group_id"),
        ("groups", "group_id"),
        ("goup_id", "group_id"),
        ("grp", None),
        ("", None),
        ("x" * 65, None),
        ("\ud800", None),
        ("limit" * 100_000, None),
    ],
)
def test_a_name_resembles_another_by_its_words_or_its_spelling(
    name: str, meant: str | None
) -> None:
    assert nearest(name, ("spend_limit_micros", "group_id")) == meant


def test_without_known_names_none_is_meant() -> None:
    assert nearest("limit", ()) is None


def test_a_missing_name_is_meant_before_one_that_is_there() -> None:
    known = ("id", "requests")
    assert nearest("request_id", known) == "requests"
    assert nearest("request_id", known, frozenset({"id"})) == "id"
