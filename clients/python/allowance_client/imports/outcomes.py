"""What the service answered to the records of a file, added up."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from allowance_client.imports.problems import MAX_SHOWN
from allowance_client.imports.rows import UsageRow

NOT_RECORDED = frozenset({"conflict", "rejected"})

MAX_NAMES = 1000
"""A file may name a million users. The first ones are named, and the others counted together."""

OTHERS = "others"

RECORDED_BEFORE = "It came before by another way, or from another file, and counts once."


class Outcome:
    """The results of the records of one file."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.unpriced: Counter[str] = Counter()
        self.unattributed: Counter[str] = Counter()
        self.not_recorded: list[dict[str, str]] = []

    def add(self, rows: Sequence[UsageRow], results: Sequence[Mapping[str, Any]]) -> None:
        """Add the results of a batch, which are in the order of its rows."""
        for row, result in zip(rows, results, strict=True):
            status, record = result["status"], row.record
            self.statuses[status] += 1
            if status in NOT_RECORDED:
                self._add_refusal(row, result)
            elif status == "recorded":
                if not result["priced"]:
                    _count(self.unpriced, f"{record['provider']}/{record['model']}")
                if not result["attributed"]:
                    _count(self.unattributed, record["user"])

    @property
    def is_complete(self) -> bool:
        """Return whether every record is in the ledger, now or from before."""
        return not NOT_RECORDED & self.statuses.keys()

    def document(self) -> dict[str, Any]:
        """Return everything as JSON. `not_recorded` are the first rows that were refused."""
        return {
            "rows": self.statuses.total(),
            **{status: self.statuses[status] for status in ("recorded", "duplicate")},
            **{status: self.statuses[status] for status in sorted(NOT_RECORDED)},
            "unpriced": dict(self.unpriced.most_common()),
            "unattributed": dict(self.unattributed.most_common()),
            "not_recorded": self.not_recorded,
        }

    def _add_refusal(self, row: UsageRow, result: Mapping[str, Any]) -> None:
        if len(self.not_recorded) == MAX_SHOWN:
            return
        reasons = [f"{each['field']}: {each['detail']}" for each in result["validations"]]
        if any("other content" in reason for reason in reasons):
            reasons.append(RECORDED_BEFORE)
        self.not_recorded.append(
            {"place": row.place, "id": row.record["id"], "reason": " ".join(reasons)}
        )


def _count(names: Counter[str], name: str) -> None:
    is_full = name not in names and len(names) >= MAX_NAMES
    names[OTHERS if is_full else name] += 1
