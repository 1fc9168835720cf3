"""Decide what becomes of a record whose key is known: a retry, a change, or a conflict. Pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Self

from allowance.errors import Problem
from allowance.usage.look_ups import RecordedKey, UsageRecorder
from allowance.usage.models import (
    CONFLICT,
    TAKEN_BACK,
    UsageAnswer,
    conflict,
    held_result,
    rejected,
    taken_back,
)
from allowance.usage.records import Usage, Void, is_change
from allowance.usage.revisions import Change
from allowance.usage.settling import Closer

MAX_CHANGES = 10
"""Changes of one key in a batch: each takes two round trips of its own."""


class Known(NamedTuple):
    """A recorded key: each content that it had, with its cost, and the content that it has now.

    `content` is None if it is void. `revisions` are the sender's numbers of the contents.
    """

    costs: dict[bytes, int | None]
    content: bytes | None
    attributed: bool
    changes: int = 0
    revisions: tuple[tuple[int, bytes], ...] = ()

    @classmethod
    def of(cls, recorded: RecordedKey) -> Self:
        """Return what is known of a recorded key."""
        costs = {recorded.content_sha256: recorded.cost_picos}
        content: bytes | None = recorded.content_sha256
        revisions: list[tuple[int, bytes]] = []
        changes = recorded.changes or ()
        for each in changes:
            before = content
            content = None if each.content is None else bytes.fromhex(each.content)
            if content is None:
                continue
            revisions.append((each.revision, content))
            # An attribution does not change the result of a retry.
            if content != before:
                costs[content] = each.cost_picos
        return cls(costs, content, recorded.attributed, len(changes), tuple(revisions))

    def retried(self, usage: Usage) -> UsageAnswer:
        """Return the result of a record that amends nothing: any content that the key ever had is a
        retry.
        """
        if usage.content_sha256 not in self.costs:
            return CONFLICT if self.content is not None else TAKEN_BACK
        return self._duplicate(usage)

    def _duplicate(self, usage: Usage) -> UsageAnswer:
        # A lower revision may have come too late to be booked.
        cost = self.costs.get(usage.content_sha256, self.costs.get(self.content or b""))
        return held_result("duplicate", cost, usage, attributed=self.attributed)

    def amended(self, usage: Usage, revision: int | None) -> UsageAnswer | Change:
        """Return the change that a record makes, or its result if it makes none."""
        if self.content is None:
            return TAKEN_BACK
        if revision is None:
            if usage.content_sha256 == self.content:
                return self._duplicate(usage)
        elif revision <= (latest := max((number for number, _ in self.revisions), default=0)):
            if revision < latest or (latest, usage.content_sha256) in self.revisions:
                return self._duplicate(usage)
            return conflict("revision", "It was recorded with other content: send a higher number.")
        return Change(usage.key_digest, self.changes + 1, "amend", usage.content_sha256, revision)

    def voided(self, void: Void) -> UsageAnswer | Change:
        """Return the change that takes a usage back, or the result of a retry."""
        if self.content is None:
            return taken_back("duplicate")
        return Change(void.key_digest, self.changes + 1, "void")


class Changes:
    """What the changes in a batch become. Each key has one change at most."""

    def __init__(self, recorders: Iterable[UsageRecorder], closer: Closer) -> None:
        self._recorders = {each.key_digest: each for each in recorders}
        self._closer = closer

    def decide(self, usage: Usage | Void, known: Known | None) -> UsageAnswer | Change:
        """Return the change that a record makes, or its result if it makes none."""
        field = "void" if isinstance(usage, Void) else "amends"
        recorder = self._recorders.get(usage.key_digest)
        if known is None or recorder is None:
            return rejected([Problem(field, "No usage of this source and id is recorded.")])
        is_kept = recorder.is_present or known.content is None
        if is_kept and not self._may_change(recorder):
            return rejected(
                [Problem(field, "Only who recorded the usage may change it, or an owner.")]
            )
        if isinstance(usage, Void):
            decided = known.voided(usage)
        else:
            decided = known.amended(usage, usage.amends and usage.amends.revision)
        if isinstance(decided, Change) and not is_kept:
            return rejected([Problem(field, "The month of the usage was dropped: it stays as is.")])
        return decided

    def _may_change(self, recorder: UsageRecorder) -> bool:
        closer = self._closer
        return closer.closes_all or (closer.id is not None and closer.id == recorder.recorded_by)


def in_steps(
    usages: Mapping[int, Usage | Void],
) -> tuple[list[dict[int, Usage | Void]], dict[int, UsageAnswer]]:
    """Return the usages by the steps in which they are recorded, and results of those that are not.

    A change comes after all records of its key before it, and those after it come later still.
    Without changes there is one step.
    """
    if not any(map(is_change, usages.values())):
        return [dict(usages)], {}
    steps: list[dict[int, Usage | Void]] = []
    too_many: dict[int, UsageAnswer] = {}
    last: dict[bytes, tuple[int, bool]] = {}
    for place, usage in usages.items():
        changes = is_change(usage)
        step, was_change = last.get(usage.key_digest, (0, False))
        if usage.key_digest in last and (changes or was_change):
            step += 1
        if step > MAX_CHANGES:
            detail = f"At most {MAX_CHANGES} changes of a usage in a request: send it again later."
            too_many[place] = rejected([Problem("id", detail)])
            continue
        last[usage.key_digest] = step, changes
        if step == len(steps):
            steps.append({})
        steps[step][place] = usage
    return steps, too_many
