"""Changes of recorded usages, and usages of nobody, as the database takes them. Pure."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple
from uuid import UUID

from allowance.contract.fields import NIL_UUID
from allowance.usage.rating import Attribution
from allowance.usage.record_shape import OWN_SOURCE
from allowance.usage.records import Usage, key_digest_of

NO_USER = str(NIL_UUID)
"""The user of usage whose user is not known, or may be one of several."""

Reason = Literal["amend", "void", "attribute"]


class Change(NamedTuple):
    """A change of a recorded usage: everything that is booked for its key is taken back.

    `number` counts the changes of the key, with this one. `attribute` books the same for
    `attribution`; the content of `amend` is an entry of its own, with the key `entry_key`.
    """

    key_digest: bytes
    number: int
    reason: Reason
    content_sha256: bytes | None = None
    revision: int | None = None
    attribution: Attribution | None = None

    @property
    def entry_key(self) -> bytes:
        """The key of the entry that has the content from now on."""
        return key_digest_of(OWN_SOURCE, f"{UUID(bytes=self.key_digest)}/{self.number}")


def changes_text(changes: Sequence[Change]) -> str | None:
    """Return `p_changes` of record_ai_usage (0038_usage_writing.sql)."""
    return json.dumps([_stated(each) for each in changes]) if changes else None


def _stated(change: Change) -> dict[str, Any]:
    stated: dict[str, Any] = {
        "key_digest": str(UUID(bytes=change.key_digest)),
        "number": change.number,
        "reason": change.reason,
        "revision": change.revision,
    }
    if change.content_sha256 is not None:
        stated["content_sha256"] = f"\\x{change.content_sha256.hex()}"
    return stated | (change.attribution._asdict() if change.attribution is not None else {})


def unattributed_text(nobodys: Iterable[Usage], changes: Sequence[Change]) -> str | None:
    """Return `p_unattributed` of record_ai_usage: the names of users that are not known."""
    keys = {each.entry_key: each.key_digest for each in changes if each.reason == "amend"}
    stated = [
        {
            "key_digest": str(UUID(bytes=keys.get(each.key_digest, each.key_digest))),
            "entry_key": str(UUID(bytes=each.key_digest)),
            "source": each.source,
            "name": each.user,
            "named_group": each.group,
            "usage_count": each.extra_requests + 1,
        }
        for each in nobodys
    ]
    return json.dumps(stated) if stated else None
