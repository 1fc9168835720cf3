"""Ids and names in the lists of a query, and the pattern of a search."""

from uuid import UUID

import pytest
from pydantic import TypeAdapter, ValidationError

from allowance.contract.query import Keys, names_in, pattern_of

KEYS = TypeAdapter[list[UUID | str]](Keys)
ID = UUID("6cb07611-f869-4f10-9f09-a6d791899a4f")


def test_a_list_has_ids_and_names_once_each() -> None:
    keys = KEYS.validate_python(f"platform,{ID},{str(ID).upper()},a b,platform,Zürich")
    assert keys == ["platform", ID, "a b", "Zürich"]
    assert names_in(keys) == ["platform", "a b", "Zürich"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a,",
        ",a",
        "a,\0",
        "a" * 256,
        ID.hex,
        f"a,{ID.hex.upper()}",
        f"{{{ID.hex}}}",
        ",".join(f"n{n}" for n in range(101)),
    ],
)
def test_a_list_that_is_no_list_of_names_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        KEYS.validate_python(text)


def test_a_list_has_a_hundred_at_most() -> None:
    assert len(KEYS.validate_python(",".join(f"n{n}" for n in range(100)))) == 100


@pytest.mark.parametrize(
    ("search", "pattern"),
    [(None, None), ("", None), ("Ma", "%Ma%"), (r"5%_\x", r"%5\%\_\\x%")],
)
def test_a_search_takes_wildcards_as_they_are(search: str | None, pattern: str | None) -> None:
    assert pattern_of(search) == pattern
