"""The quick reader of JSON agrees with the careful one: it accepts nothing more, and reads the same
values.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.contract import json_document
from allowance.contract.json_document import json_object
from allowance.errors import InvalidJSON

plain_object = json_document._plain_object  # noqa: SLF001 # pyright: ignore
KEYS = st.sampled_from(["a", "b", ":", '"', '":', "a ", "\\", "é"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | KEYS
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """An object in any spelling; some with a key twice, with white space anywhere, or cut off."""
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : "), (",\n", "\t:\n")]))
    text = json.dumps(
        draw(st.dictionaries(KEYS, VALUES)), separators=separators, ensure_ascii=draw(st.booleans())
    )
    twice = json.dumps(draw(KEYS)) + separators[1] + "1"
    return draw(
        st.sampled_from(
            [
                text,
                text,
                f"{{{twice},{twice}}}",
                text[:-1] + f",{twice}}}",
                text[:-1],
                f'{{"k":{text}}}',
            ]
        )
    )


@given(documents())
def test_what_is_read_at_once_is_what_the_careful_reader_reads(text: str) -> None:
    content = text.encode("utf-8", "surrogatepass")
    plain = plain_object(content)
    try:
        careful = careful_object(content)
    except ValueError:
        assert plain is None
        with pytest.raises(InvalidJSON):
            json_object(content)
    else:
        assert plain is None or (plain == careful and repr(plain) == repr(careful))
        assert json_object(content) == careful


def careful_object(content: bytes) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("twice")
        return dict(pairs)

    return json.loads(content.decode(), object_pairs_hook=once)


@pytest.mark.parametrize("spaced", [False, True])
def test_a_key_that_stands_twice_is_refused_however_it_is_spelled(spaced: bool) -> None:
    separator = " :" if spaced else ":"
    with pytest.raises(InvalidJSON) as caught:
        json_object(f'{{"a"{separator}1,"b":{{"c":":","a"{separator}1,"a":2}}}}'.encode())
    assert caught.value.detail == 'An object has the key "a" twice.'


def test_a_batch_as_gateways_send_it_is_read_at_once() -> None:
    """Else the quick reader would be there for nothing."""
    content = json.dumps(
        {"records": [{"id": f"c:{n}", "tokens": {"input": n}} for n in range(100)]}
    ).encode()
    assert plain_object(content) == json.loads(content)
