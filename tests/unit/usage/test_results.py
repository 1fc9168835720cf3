"""The statuses of usage results: each one says whether the record is in the ledger."""

from typing import get_args

from allowance.usage.models import NOT_RECORDED, RecordedStatus, Status


def test_each_status_is_either_recorded_or_not() -> None:
    recorded = set(get_args(RecordedStatus))
    assert recorded.isdisjoint(NOT_RECORDED)
    assert recorded | NOT_RECORDED == set(get_args(Status))
