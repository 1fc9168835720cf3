"""The entries of the ledger, and the users whose usage they are. Pure."""

from typing import Literal, NamedTuple

from allowance.budgets.effective import LimitSource
from allowance.contract.fields import Row
from allowance.usage.rating import Attribution, Rated
from allowance.usage.records import Usage
from allowance.usage.revisions import Change


class Entry(NamedTuple):
    """A usage, or a correction of the usage whose entry `corrects` names.

    `unpriced_count` is added to the number of usages without a cost. `stated_difference_picos` is
    what the entry adds to our cost less the stated one, None if one of them is missing. `reason` is
    set for the content of an amendment.
    """

    usage: Usage
    attribution: Attribution
    rated: Rated
    corrects: int | None
    unpriced_count: int
    stated_difference_picos: int | None = None
    reason: Literal["amend"] | None = None


class UsageUser(Row):
    """A user under the name in the batch, what a usage counts against now that names the group
    `named_group`, or None, and the limit.
    """

    name: str
    named_group: str | None
    user_id: str
    group_id: str
    organization_id: str
    spend_limit_micros: int | None
    limit_source: LimitSource | None

    @property
    def attribution(self) -> Attribution:
        """What a usage counts against if it is recorded now."""
        return Attribution(self.user_id, self.group_id, self.organization_id)


def amended(entry: Entry, change: Change) -> Entry:
    """Return the entry of a new content as an amendment books it, with its key."""
    usage = entry.usage._replace(key_digest=change.entry_key)
    return entry._replace(usage=usage, reason="amend")
