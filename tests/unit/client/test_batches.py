"""Records are split into requests that the service takes, and none is left out."""

import json

from hypothesis import given
from hypothesis import strategies as st

from allowance_client.batches import MAX_BYTES, MAX_RECORDS, batches


def body_bytes(batch: object) -> int:
    return len(json.dumps({"records": batch}, ensure_ascii=False, separators=(",", ":")).encode())


SIZES = st.lists(st.sampled_from([0, 1, 300, 200_000, 524_266, 600_000, 1_100_000]), max_size=12)


@given(SIZES, st.sampled_from(["a", "é"]))
def test_batches_have_all_records_in_order_and_fit(sizes: list[int], letter: str) -> None:
    records = [
        {"n": n, "text": letter * (size // len(letter.encode()))} for n, size in enumerate(sizes)
    ]
    found = list(batches(records))
    assert [each for batch in found for each in batch] == records
    assert all(batch for batch in found)
    assert all(body_bytes(batch) <= MAX_BYTES for batch in found if len(batch) > 1)
    for first, second in zip(found, found[1:], strict=False):
        assert body_bytes([*first, second[0]]) > MAX_BYTES, "the first has room for more"


def test_a_batch_has_at_most_a_thousand_records() -> None:
    records = [{"n": n} for n in range(2 * MAX_RECORDS + 1)]
    assert [len(batch) for batch in batches(records)] == [MAX_RECORDS, MAX_RECORDS, 1]
    assert list(batches([])) == []
