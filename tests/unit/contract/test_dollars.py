"""Dollars beside the amounts of a response, in its JSON."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.contract import pages
from allowance.contract.fields import Row
from allowance.contract.money import with_dollars
from tests.dollars import without_dollars


class Spent(Row):
    spent_micros: int


def compact(document: Any, *, ascii_only: bool = False) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=ascii_only)


AMOUNTS = st.none() | st.integers(-(10**36), 10**36)
TEXTS = st.text() | st.sampled_from(['"x_micros":1', '_micros":5,"', '\\"a_micros":', "_micros"])
AMOUNT_NAMES = st.sampled_from(["cost_micros", "spend_limit_micros", "_micros", "größe_micros"])
OTHER_NAMES = st.text().filter(lambda name: not name.endswith(("_micros", "_usd")))
DOCUMENTS: st.SearchStrategy[Any] = st.recursive(
    TEXTS | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none(),
    lambda inner: st.lists(inner) | st.builds(
        lambda amounts, others: others | amounts,
        st.dictionaries(AMOUNT_NAMES, AMOUNTS),
        st.dictionaries(OTHER_NAMES, inner, max_size=3),
    ),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.parametrize(
    ("micros", "dollars"),
    [
        (25_000_000, '"25.000000"'),
        (0, '"0.000000"'),
        (1, '"0.000001"'),
        (-1, '"-0.000001"'),
        (999_999, '"0.999999"'),
        (-1_000_000, '"-1.000000"'),
        (10**36 + 7, '"1000000000000000000000000000000.000007"'),
        (None, "null"),
    ],
)
def test_dollars_follow_an_amount_with_six_decimals(micros: int | None, dollars: str) -> None:
    amount = json.dumps(micros)
    made = with_dollars(f'{{"a":"b","spent_micros":{amount},"c":[]}}')
    assert made == f'{{"a":"b","spent_micros":{amount},"spent_usd":{dollars},"c":[]}}'


@given(DOCUMENTS, st.booleans())
def test_nothing_else_of_a_document_changes(document: Any, ascii_only: bool) -> None:
    made = with_dollars(compact(document, ascii_only=ascii_only))
    assert without_dollars(json.loads(made)) == document


@pytest.mark.parametrize("value", ["12.5", "1e3", '"7"', "[1]", '{"a":1}', "true"])
def test_what_is_no_whole_amount_has_no_dollars(value: str) -> None:
    document = f'{{"cost_micros":{value}}}'
    assert with_dollars(document) == document


def test_a_page_has_room_for_the_dollars_of_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Spent(spent_micros=25_000_000)
    sent = len(json.dumps('{"spent_micros":25000000,"spent_usd":"25.000000"}')) - len('""')
    monkeypatch.setattr(pages, "MAX_CONTENT_BYTES", 3 * sent)
    assert len(pages.fitting([row] * 10, 10)) == 3
