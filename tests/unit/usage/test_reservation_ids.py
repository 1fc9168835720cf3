"""The time in an id, and the digest of a key."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.usage.reservation_ids import granted_at, key_digest_of

EXAMPLE = UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
"""RFC 9562, A.6: Tuesday, February 22, 2022 2:22:22.00 PM GMT-05:00."""


def test_the_time_of_the_example_in_the_rfc() -> None:
    assert granted_at(EXAMPLE) == datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


@given(st.integers(0, 250_000_000_000_000))
def test_an_id_has_its_time_in_milliseconds(milliseconds: int) -> None:
    found = granted_at(UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | 5))
    assert found == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


@pytest.mark.parametrize(
    "id_", [uuid4(), UUID(int=7), UUID(int=(1 << 48) - 1 << 80 | 7 << 76 | 2 << 62)]
)
def test_an_id_of_another_version_or_beyond_the_calendar_has_no_time(id_: UUID) -> None:
    assert granted_at(id_) is None


def test_a_key_is_of_its_maker() -> None:
    one, other = uuid4(), uuid4()
    digests = {key_digest_of(one, "a"), key_digest_of(other, "a"), key_digest_of(one, "b")}
    assert len(digests) == 3
    assert {len(each) for each in digests} == {16}
    assert key_digest_of(one, "a") == key_digest_of(one, "a")
