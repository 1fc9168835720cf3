"""Users whom the directory does not know: to whom their names are assigned, and what their source
says about them.
"""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from allowance.access.handle import Handle
from allowance.contract.fields import NIL_UUID, Row
from allowance.database.queries import Call, call
from allowance.errors import Problem
from allowance.usage.entries import UsageUser
from allowance.usage.look_ups import UsageRecorder, attributions_of, call_of_users
from allowance.usage.models import BOOKED_USER, OTHER_GROUP, UNKNOWN_USER, UsageProblem
from allowance.usage.rating import Attribution
from allowance.usage.records import Usage
from allowance.usage.revisions import NO_USER
from allowance.usage.sources import UnknownUsers


class Sent(NamedTuple):
    """A name that no user has, or several have, as a record sends it, with its source and group."""

    source: str
    user: str
    group: str | None

    @property
    def assigned(self) -> str:
        """The name of the rows of `find_assigned_users`: no name contains a line feed."""
        return f"{self.source}\n{self.user}"


def unknown_in(
    usages: Collection[Usage], users: Sequence[UsageUser], recorded: Container[bytes]
) -> set[Sent]:
    """Return the names of usages to record, or to amend, that no user has, or several have."""
    missing = {each.user for each in usages} - {name for name, _ in attributions_of(users)}
    if not missing:
        return set()
    return {
        Sent(each.source, each.user, each.group)
        for each in usages
        if each.user in missing and (each.key_digest not in recorded or each.amends is not None)
    }


class BookedFor(NamedTuple):
    """The user for whom a usage is booked, or its call was reserved, and the name that its record
    sends now.
    """

    key_digest: bytes
    sent: Sent
    user_id: str


class AssignedOnce(Row):
    """A user to whom a name of a source was assigned at some time."""

    source: str
    name: str
    user_id: str


def booked_in(
    usages: Iterable[Usage], recorders: Iterable[Sequence[UsageRecorder]]
) -> list[BookedFor]:
    """Return the users for whom usages to amend are booked, by the rows of `call_of_recorders`."""
    users = {each.key_digest: each.user_id for found in recorders for each in found}
    return [
        BookedFor(each.key_digest, Sent(each.source, each.user, each.group), str(user_id))
        for each in (usages if users else ())
        if each.amends is not None
        and (user_id := users.get(each.key_digest)) not in {None, NIL_UUID}
    ]


class SourceRule(Row):
    """What a source says about users who are not known, and the organization of their usage."""

    source: str
    unknown_users: UnknownUsers | None
    organization_id: str


def calls_of_unknown(sent: Collection[Sent]) -> tuple[Call[SourceRule], Call[UsageUser]]:
    """Return the queries for the rules of the sources, and for the users to whom names are
    assigned.

    The `name` of a user's row is source, line feed and name.
    """
    names = list({(each.source, each.user) for each in sent})
    groups = list({each for each in sent if each.group is not None})
    return (
        call(SourceRule, "find_source_rules", sources=list({source for source, _ in names})),
        call(
            UsageUser,
            "find_assigned_users",
            sources=[source for source, _ in names],
            names=[name for _, name in names],
            users_of_groups=[each.assigned for each in groups],
            named_groups=[each.group for each in groups],
        ),
    )


class SourceRules:
    """The rules of sources, by the rows of the queries; without rows, each has the defaults.
    `booked` usage keeps a user to whom its name was assigned.
    """

    def __init__(
        self, rows: Sequence[Sequence[Any]] = (), booked: Collection[BookedFor] = ()
    ) -> None:
        rules: Iterable[SourceRule]
        once: Iterable[AssignedOnce]
        rules, assigned, users, once = [*rows, (), (), (), ()][:4]
        self._rules = {each.source: each for each in rules}
        self.users: Sequence[UsageUser] = [*assigned, *users]
        were_assigned = {(each.source, each.name, each.user_id) for each in once}
        self._booked = {
            each.key_digest: each.user_id
            for each in booked
            if (each.sent.source, each.sent.user, each.user_id) in were_assigned
        }

    def attribution(
        self, usage: Usage, attributions: Mapping[tuple[str, str | None], Attribution]
    ) -> tuple[Attribution | None, tuple[UsageProblem, ...]]:
        """Return what a usage counts against that is not in a named group of a known user, and what
        its result says. None: it is rejected.

        A user of the directory comes first, then the one for whom the usage is booked or reserved
        already, then the one to whom an owner assigned the name.
        """
        sent = Sent(usage.source, usage.user, usage.group)
        if (known := attributions.get((sent.user, None))) is not None:
            return known, (OTHER_GROUP,)
        assigned = attributions.get((sent.assigned, None))
        name, said = sent.assigned, ()
        if (booked := self._booked.get(usage.key_digest)) is not None:
            name = booked
            said = () if assigned and assigned.user_id == booked else (BOOKED_USER,)
        if (counted := attributions.get((name, sent.group))) is not None:
            return counted, said
        if (counted := attributions.get((name, None))) is not None:
            return counted, (OTHER_GROUP, *said)
        if self.says(sent.source) == "deny":
            return None, ()
        organization_id = self.organization_of(sent.source)
        return Attribution(NO_USER, str(NIL_UUID), organization_id), (UNKNOWN_USER,)

    def says(self, source: str) -> UnknownUsers | None:
        """Return what a source says about users who are not known."""
        rule = self._rules.get(source)
        return rule and rule.unknown_users

    def organization_of(self, source: str) -> str:
        """Return the organization of usage whose user is not known, or the nil UUID."""
        rule = self._rules.get(source)
        return str(NIL_UUID) if rule is None else rule.organization_id


NO_RULES = SourceRules()


def rules_of(
    db: Handle, unknown: Collection[Sent], booked: Collection[BookedFor] = ()
) -> SourceRules:
    """Return what is known of these names, and of the users of what is booked by such a name: one
    round trip if there are any.
    """
    if not unknown:
        return NO_RULES
    calls = calls_of_unknown(unknown)
    by_unknown = [each for each in booked if each.sent in unknown]
    if not by_unknown:
        return SourceRules(db.all_in_one_trip(*calls))
    groups = {(each.user_id, each.sent.group) for each in by_unknown if each.sent.group is not None}
    users = call_of_users({each.user_id for each in by_unknown}, groups)
    once = call(
        AssignedOnce,
        "find_users_assigned_once",
        sources=[each.sent.source for each in by_unknown],
        names=[each.sent.user for each in by_unknown],
        user_ids=[UUID(each.user_id) for each in by_unknown],
    )
    return SourceRules(db.all_in_one_trip(*calls, users, once), by_unknown)


def denied(source: str) -> list[Problem]:
    """Return why a record is rejected whose user is not known."""
    return [
        Problem(
            "user",
            "There is no such user, or there are several, and the settings of the source"
            f" {source} deny unknown users.",
        )
    ]
