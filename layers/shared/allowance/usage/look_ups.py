"""The queries for what recording needs: months, users, prices, sources, and keys that are known."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from uuid import UUID

from allowance.contract.fields import UUID_FORM, Row
from allowance.database.arrays import texts, uuids
from allowance.database.queries import Call, call
from allowance.prices.names import Candidate, candidates
from allowance.usage.entries import UsageUser
from allowance.usage.rating import Attribution, CostFrom, UsagePrice
from allowance.usage.records import Usage, Void, is_change

candidates_of = lru_cache(maxsize=4096)(candidates)
"""Cached, because the same few names come again and again."""


class Months(Row):
    """The number of months of a batch."""

    months: int


class SourceCosts(Row):
    """Where the costs of a source's usage come from."""

    source: str
    cost_from: CostFrom


class RecordedChange(Row):
    """A change of a recorded key: the digest of the content that it led to, in hexadecimal, None
    for a void, the sender's number of it, 0 for none, and its cost.
    """

    content: str | None
    revision: int
    cost_picos: int | None


class RecordedKey(Row):
    """A recorded key, with its first content and cost, and its changes in their order.

    `attributed`: its user is known.
    """

    key_digest: bytes
    content_sha256: bytes
    cost_picos: int | None
    attributed: bool
    changes: list[RecordedChange] | None


class UsageRecorder(Row):
    """Who recorded a usage, None for the queue, for whom it is booked, and whether it is still in
    the ledger.
    """

    key_digest: bytes
    recorded_by: UUID | None
    user_id: UUID | None
    is_present: bool


def call_of_months(times: Iterable[datetime]) -> Call[Months]:
    """Return the statement that creates the months of usages in the ledger, unless they exist."""
    days = set(map(datetime.toordinal, times))
    months = {date.fromordinal(each).replace(day=1) for each in days}
    moments = [datetime(each.year, each.month, 1, tzinfo=UTC) for each in months]
    return call(Months, "ensure_usage_months", moments=moments)


def spans_of(
    names: Iterable[tuple[str, str]], times: Collection[datetime]
) -> dict[tuple[str, str], tuple[datetime, datetime]]:
    """Return the names of models, each with the time from the first usage to the last.

    It is one time for all names: most names have one price in it.
    """
    return dict.fromkeys(names, (min(times), max(times))) if times else {}


def call_of_sources(usages: Iterable[Usage]) -> list[Call[SourceCosts]]:
    """Return the query for the sources that state costs, none if no usage states one."""
    sources = {each.source for each in usages if each.stated_cost_picos is not None}
    return [call(SourceCosts, "find_usage_sources", sources=list(sources))] if sources else []


def call_of_recorders(usages: Iterable[Usage | Void]) -> list[Call[UsageRecorder]]:
    """Return the query for who recorded the usages that others change, none if none does."""
    changed = [each.key_digest for each in usages if is_change(each)]
    if not changed:
        return []
    return [call(UsageRecorder, "find_usage_recorders", key_digests=uuids(changed))]


def call_of_keys(key_digests: Collection[bytes]) -> Call[RecordedKey]:
    """Return the query for the keys that are recorded already."""
    return call(RecordedKey, "list_usage_keys", key_digests=uuids(key_digests))


def groups_of(usages: Iterable[Usage]) -> set[tuple[str, str]]:
    """Return the groups that usages name, each with the name of its user."""
    return {(each.user, each.group) for each in usages if each.group is not None}


def call_of_users(
    names: Collection[str], named_groups: Collection[tuple[str, str]] = ()
) -> Call[UsageUser]:
    """Return the query for users by UUID, username, user name, email address or external id, and
    for groups that they name.

    Each row has its `name`, which several users may have. One row of each user is without a
    `named_group`. A group that is unknown, ambiguous or not the user's has no row.
    """
    ids = [each for each in names if UUID_FORM.fullmatch(each)]
    return call(
        UsageUser,
        "find_usage_users",
        user_ids=[UUID(each) for each in ids],
        id_names=ids,
        usernames=texts([each for each in names if "@" not in each]),
        emails=texts([each for each in names if "@" in each]),
        names=texts(names),
        users_of_groups=[user for user, _ in named_groups],
        named_groups=[group for _, group in named_groups],
    )


def call_of_prices(spans: Mapping[tuple[str, str], tuple[datetime, datetime]]) -> Call[UsagePrice]:
    """Return the query for the prices of names between two times, both inclusive.

    `place` of a row is the place of its name in the mapping.
    """
    possible: list[tuple[int, Candidate]] = [
        (place, each) for place, name in enumerate(spans) for each in candidates_of(*name)
    ]
    return call(
        UsagePrice,
        "find_usage_prices",
        named_providers=[provider for provider, _ in spans],
        named_models=[model for _, model in spans],
        sinces=[since for since, _ in spans.values()],
        untils=[until for _, until in spans.values()],
        places=[place for place, _ in possible],
        providers=[each.provider for _, each in possible],
        models=[each.model for _, each in possible],
        are_sellers=[each.is_sellers for _, each in possible],
    )


def attributions_of(users: Iterable[UsageUser]) -> dict[tuple[str, str | None], Attribution]:
    """Return what usage counts against, by the names of user and group. A name of several users is
    left out.
    """
    found: dict[tuple[str, str | None], Attribution] = {}
    several: set[str] = set()
    for each in users:
        attribution = found.setdefault((each.name, each.named_group), each.attribution)
        if attribution.user_id != each.user_id:
            several.add(each.name)
    return {of: each for of, each in found.items() if of[0] not in several} if several else found
