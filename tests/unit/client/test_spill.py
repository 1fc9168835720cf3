"""The queue on the disk: nothing leaves it before the service has it."""

import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from allowance_client.errors import Validation
from allowance_client.spill import QueueClosed, QueueFull, SpillQueue

REASONS = (Validation("tokens", "is wrong"),)


def record(n: int, **more: Any) -> dict[str, Any]:
    return {"id": str(n), **more}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue"


@pytest.fixture
def queue(path: Path) -> Generator[SpillQueue]:
    with closing(SpillQueue(path)) as made:
        yield made


def next_ids(queue: SpillQueue, most: int = 1000) -> list[str]:
    return [each["id"] for _, each in queue.next_batch(most)]


def test_records_come_in_order_until_they_are_removed(queue: SpillQueue, path: Path) -> None:
    first, second = queue.put([record(1), record(2, name="é")])
    queue.put([record(3)])
    assert queue.next_batch(2) == [(first, record(1)), (second, record(2, name="é"))]
    assert next_ids(queue) == ["1", "2", "3"]
    queue.remove([first, second])
    with closing(SpillQueue(path)) as again:
        assert next_ids(again) == ["3"]
        assert again.pending() == 1


def test_what_json_does_not_have_is_kept_nowhere(queue: SpillQueue) -> None:
    for value in (float("nan"), "\ud800"):
        with pytest.raises(ValueError, match=r"JSON|surrogates"):
            queue.put([record(1), record(2, value=value)])
    assert queue.pending() == 0


def test_a_full_queue_says_so_and_takes_all_or_none(path: Path) -> None:
    size = len('{"id":"1"}')
    with closing(SpillQueue(path, max_bytes=3 * size)) as queue:
        ids = queue.put([record(1), record(2)])
        with pytest.raises(QueueFull, match="no room"):
            queue.put([record(3), record(4)])
        assert next_ids(queue) == ["1", "2"]
        queue.put([record(3)])
        queue.bury(ids[0], REASONS)
        with pytest.raises(QueueFull):
            queue.put([record(4)])
        queue.forget(queue.dead()[0])
        queue.put([record(4)])
        assert next_ids(queue) == ["2", "3", "4"]


def test_what_the_service_does_not_take_is_kept_with_its_reasons(queue: SpillQueue) -> None:
    (id_, _) = queue.put([record(1), record(2)])
    queue.bury(id_, REASONS)
    assert next_ids(queue) == ["2"]
    (dead,) = queue.dead()
    assert (dead.record, dead.reasons) == (record(1), REASONS)
    queue.revive(dead)
    assert (next_ids(queue), queue.dead()) == (["1", "2"], [])


def test_usage_under_a_hold_waits_and_its_last_record_settles(queue: SpillQueue) -> None:
    later = time.time() + 60
    queue.put([record(1), record(2)], hold="h", ready_at=later)
    queue.put([record(3)])
    assert next_ids(queue) == ["3"]
    assert queue.close_hold("h")
    assert [each for _, each in queue.next_batch(9)] == [
        record(1),
        record(2, reservation_id="h"),
        record(3),
    ]
    assert not queue.close_hold("h")
    assert not queue.close_hold("another")


def test_usage_under_a_lost_hold_does_not_wait_forever(queue: SpillQueue) -> None:
    queue.put([record(1)], hold="h", ready_at=time.time() - 1)
    assert next_ids(queue) == ["1"]


def test_one_process_sends_at_a_time(queue: SpillQueue, path: Path) -> None:
    with closing(SpillQueue(path)) as other:
        assert queue.take_turn(60)
        assert queue.take_turn(60)
        assert not other.take_turn(60)
        other.end_turn()
        assert not other.take_turn(60)
        queue.end_turn()
        assert other.take_turn(0.01)
        time.sleep(0.02)
        assert queue.take_turn(60), "the turn of a killed process ends"


def test_two_that_write_at_once_lose_nothing(path: Path) -> None:
    def write(name: str) -> None:
        with closing(SpillQueue(path)) as queue:
            for n in range(50):
                queue.put([record(n, by=name)])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, "ab"))
    with closing(SpillQueue(path)) as queue:
        found = [each for _, each in queue.next_batch(1000)]
    for name in "ab":
        assert [each["id"] for each in found if each["by"] == name] == [str(n) for n in range(50)]


def test_a_sealed_queue_sends_all_and_takes_no_more(path: Path) -> None:
    with closing(SpillQueue(path)) as queue:
        later = time.time() + 1000
        for number, hold in enumerate("abc"):
            queue.put([{"id": str(number)}], hold=hold, ready_at=later)
        assert queue.next_batch(9) == []
        queue.unpark("b")
        ((id_, record),) = queue.next_batch(9)
        assert record == {"id": "1"}
        queue.replace(id_, {"id": "1", "void": True})
        queue.seal()
        sent = [record for _, record in queue.next_batch(9)]
        assert sent == [{"id": "0"}, {"id": "1", "void": True}, {"id": "2"}]
        with pytest.raises(QueueClosed):
            queue.put([{"id": "3"}])
        assert queue.pending() == 3
