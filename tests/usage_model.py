"""What a sequence of records leaves, in plain Python: the contents of each key, and its user."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.random_usage import NOBODY, TO_COME

Result = tuple[int | None, bool]


@dataclass
class Key:
    """A key: each content that it had with its result, the one that it has now, and its user.

    `content` is None if it is void. `numbers` are the revisions, each with its content.
    """

    content: dict[str, Any] | None
    user: str
    results: dict[str, Result | None] = field(default_factory=dict)
    numbers: list[tuple[int, str]] = field(default_factory=list)
    is_gone: bool = False


def text(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True)


@dataclass
class UsageModel:
    """The keys by their ids."""

    keys: dict[str, Key] = field(default_factory=dict)

    def expected(
        self, each: dict[str, Any], *, amends: bool = False, revision: int | None = None
    ) -> str:
        """The status of a record."""
        if each["occurred_at"] == TO_COME:
            return "rejected"
        known = self.keys.get(each["id"])
        if known is None:
            return "rejected" if amends else "recorded"
        if not amends:
            return "duplicate" if text(each) in known.results else "conflict"
        if known.content is None:
            return "conflict"
        latest = max((number for number, _ in known.numbers), default=0)
        if revision is None:
            if each == known.content:
                return "duplicate"
        elif revision < latest:
            return "duplicate"
        elif revision == latest:
            return "duplicate" if (revision, text(each)) in known.numbers else "conflict"
        return "rejected" if known.is_gone else "amended"

    def expected_of_void(self, name: str) -> str:
        """The status of a void."""
        known = self.keys.get(name)
        if known is None:
            return "rejected"
        if known.content is None:
            return "duplicate"
        return "rejected" if known.is_gone else "voided"

    def keep(
        self, each: dict[str, Any], result: Result | None, revision: int | None = None
    ) -> None:
        """A record is booked, with this result. None: nobody has seen it."""
        known = self.keys.setdefault(each["id"], Key(each, each["user"]))
        if known.content != each or result is None or text(each) not in known.results:
            known.results[text(each)] = result
        known.content, known.user = each, each["user"]
        latest = max((number for number, _ in known.numbers), default=0)
        known.numbers.append((revision or latest, text(each)))

    def void(self, name: str) -> None:
        """A usage is taken back."""
        self.keys[name].content = None

    def forget(self, before: datetime) -> None:
        """The months before a time are dropped."""
        for known in self.keys.values():
            if known.content is not None:
                at = datetime.fromisoformat(known.content["occurred_at"])
                known.is_gone = known.is_gone or at.astimezone(UTC) < before

    def attribute(self, user: str) -> int:
        """A user gets the usage of nobody. Return how many."""
        of_nobody = [
            known
            for known in self.keys.values()
            if known.user == NOBODY and known.content is not None and not known.is_gone
        ]
        for known in of_nobody:
            known.user = user
        return len(of_nobody)

    @property
    def present(self) -> dict[str, dict[str, Any]]:
        """The contents that are not void."""
        return {name: each.content for name, each in self.keys.items() if each.content is not None}
