"""Names: what a document or a record may call a thing."""

import pytest
from pydantic import TypeAdapter, ValidationError

from allowance.contract.fields import Name

NAME = TypeAdapter[str](Name)


@pytest.mark.parametrize("name", ["a", "Jürgen", "模型", "a b", "💸", "x" * 255])
def test_a_name_is_any_printable_text(name: str) -> None:
    assert NAME.validate_python(name) == name


@pytest.mark.parametrize(
    "name", ["", " a", "a ", "a\nb", "\x00", "\u200b", "x" * 256, "J\ufffdrgen", 1, None]
)
def test_what_misleads_a_reader_is_no_name(name: object) -> None:
    with pytest.raises(ValidationError):
        NAME.validate_python(name)


def test_two_names_with_damaged_bytes_are_not_the_same_name() -> None:
    """API Gateway may replace bytes that are not UTF-8 before we see them."""
    for damaged in (b"J\xfcrgen", b"J\xe4rgen"):
        with pytest.raises(ValidationError, match="UTF-8"):
            NAME.validate_python(damaged.decode(errors="replace"))
