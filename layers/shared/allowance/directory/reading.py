"""A directory document as a whole: its entries, valid by themselves and together.

The event of 50,000 users is some 60 MB of Python's own dicts, and models of all of them would be
twice that. So the document keeps the event's entries, and makes models of one slice at a time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Protocol
from uuid import UUID

from pydantic import Field, ValidationError

from allowance.contract.fields import Body
from allowance.contract.validation import as_phrases, path_of, problems_of, unencodable
from allowance.directory.document import Identified, OrganizationEntry, TokenEntry, UserEntry
from allowance.errors import Problem, ValidationFailed

MAX_USERS = 50_000
MAX_TOKENS = 40_000
"""Most users and tokens in one document. Their ids and new tokens fit into a response of 6 MB,
unless names are long.
"""

ROWS_PER_SLICE = 4000
"""Most rows that one statement of an import writes, unless one entry has more. A statement then
takes a small part of the role's statement timeout of 5 s, also on a small database.
"""

MAX_PROBLEMS = 1000
"""Most problems in one error: a Lambda's response has at most 6 MB."""


class Entry(Protocol):
    """An entry of a document that is applied in slices."""

    @property
    def row_count(self) -> int:
        """Return how many rows the entry may write."""
        ...


type Slice[E] = list[tuple[int, E]]
"""Entries of a document with their places in it."""


class _Outline(Body):
    """The document before its users and tokens are read."""

    organizations: list[OrganizationEntry] = []
    users: Annotated[list[Any], Field(max_length=MAX_USERS)] = []
    tokens: Annotated[list[Any], Field(max_length=MAX_TOKENS)] = []
    confirm_deletions: bool = False


class DirectoryDocument:
    """The event of ImportDirectory: each entry is valid, and no two contradict each other."""

    def __init__(self, outline: _Outline) -> None:
        self._users, self._tokens = outline.users, outline.tokens
        self.organizations = outline.organizations
        self.confirms_deletions = outline.confirm_deletions
        self.organization_names = {each.name for each in outline.organizations}
        """The organizations that are listed or referred to by name, also in a scope."""
        self.organization_ids: set[UUID] = set()
        """The organizations that a token's scope refers to by id."""
        self.places: dict[str, int] = {}
        """The place of each listed user, by username."""
        self.matched: list[int] = []
        """The places of users who are found by more than the name."""
        self.identified: list[int] = []
        """The places of users with a list of identities."""
        self.referred: set[str] = set()
        """The users of tokens, and those that a scope refers to, by username."""

    def users(self) -> Iterator[Slice[UserEntry]]:
        """Return the users in the document's order, in slices."""
        return _slices((i, UserEntry.model_validate(each)) for i, each in enumerate(self._users))

    def users_by_name(self) -> Iterator[Slice[UserEntry]]:
        """Return the users in the order of their names, in slices."""
        return self.users_at(i for _, i in sorted(self.places.items()))

    def users_at(self, places: Iterable[int]) -> Iterator[Slice[UserEntry]]:
        """Return the users at these places, in this order, in slices."""
        return _slices((i, UserEntry.model_validate(self._users[i])) for i in places)

    def tokens(self) -> Iterator[Slice[TokenEntry]]:
        """Return the tokens in the document's order, in slices."""
        return _slices((i, TokenEntry.model_validate(each)) for i, each in enumerate(self._tokens))


def read_directory(event: Mapping[str, Any]) -> DirectoryDocument:
    """Return the document of an event. Raise ValidationFailed, with the path of every problem that
    the document alone shows.
    """
    refuse(unencodable(event))
    try:
        outline = _Outline.model_validate(event)
    except ValidationError as error:
        raise ValidationFailed(as_phrases(problems_of(error))) from error
    refuse(_invalid("users", UserEntry, outline.users))
    refuse(_invalid("tokens", TokenEntry, outline.tokens))
    document = DirectoryDocument(outline)
    refuse(_contradictions(document))
    return document


def refuse(problems: Iterable[Problem]) -> None:
    """Raise ValidationFailed if there are problems, with MAX_PROBLEMS of them at most."""
    found: list[Problem] = []
    for problem in problems:
        if len(found) == MAX_PROBLEMS:
            found.append(Problem("(document)", "has more problems"))
            break
        found.append(problem)
    if found:
        raise ValidationFailed(found)


def _slices[E: Entry](entries: Iterable[tuple[int, E]]) -> Iterator[Slice[E]]:
    part: Slice[E] = []
    rows = 0
    for place, entry in entries:
        if part and rows + entry.row_count > ROWS_PER_SLICE:
            yield part
            part, rows = [], 0
        part.append((place, entry))
        rows += entry.row_count
    if part:
        yield part


def _invalid(key: str, model: type[Body], entries: list[Any]) -> Iterable[Problem]:
    for i, entry in enumerate(entries):
        try:
            model.model_validate(entry)
        except ValidationError as error:
            yield from as_phrases(problems_of(error, within=(key, i)))


def _contradictions(document: DirectoryDocument) -> Iterable[Problem]:
    """Yield the problems of entries together, and note in the document what it refers to."""
    organizations = document.organizations
    yield from _twice("organizations", "name", [each.name for each in organizations])
    yield from _same_rows("organizations", organizations)
    for i, organization in enumerate(organizations):
        yield from _twice(f"organizations[{i}].groups", "", organization.group_names)
        yield from _same_rows(f"organizations[{i}].groups", organization.groups)
    yield from _several_defaults(organizations)
    deleted = {
        each.name: f"organizations[{i}]" for i, each in enumerate(organizations) if each.deleted
    }
    for each in organizations:
        if each.deleted and each.model_fields_set - {"name", "deleted"}:
            yield Problem(deleted[each.name], "is deleted, and so takes no other key but its name")
    for part in document.users():
        for i, user in part:
            yield from _of_user(document, f"users[{i}]", i, user, deleted)
    named: dict[str, int] = {}
    for part in document.tokens():
        for i, token in part:
            yield from _again("tokens", "name", token.key, i, named)
            names = token.organization_names()
            for name in sorted(names & deleted.keys()):
                yield Problem(f"tokens[{i}].scope", f'"{name}" is deleted by {deleted[name]}')
            document.organization_names |= names
            document.organization_ids |= token.organization_ids()
            document.referred |= token.usernames()


def _of_user(
    document: DirectoryDocument, path: str, place: int, user: UserEntry, deleted: Mapping[str, str]
) -> Iterable[Problem]:
    yield from _again("users", "username", user.username, place, document.places)
    if user.is_matched:
        document.matched.append(place)
    if "identities" in user.model_fields_set:
        document.identified.append(place)
        yield from _twice(f"{path}.identities", "", [each.key for each in user.identities])
    names = [each.name for each in user.organizations]
    yield from _twice(f"{path}.organizations", "name", names)
    document.organization_names.update(names)
    for k, membership in enumerate(user.organizations):
        yield from _twice(f"{path}.organizations[{k}].groups", "", membership.groups)
        if membership.name in deleted:
            where = f"{path}.organizations[{k}].name"
            yield Problem(where, f'"{membership.name}" is deleted by {deleted[membership.name]}')
    if user.primary_group is not None:
        name = user.primary_group.partition("/")[0]
        document.organization_names.add(name)
        if name in deleted:
            yield Problem(f"{path}.primary_group", f'"{name}" is deleted by {deleted[name]}')


def _twice(path: str, key: str, names: list[str]) -> Iterable[Problem]:
    first: dict[str, int] = {}
    for i, name in enumerate(names):
        yield from _again(path, key, name, i, first)


def _again(path: str, key: str, name: str, place: int, first: dict[str, int]) -> Iterable[Problem]:
    """Yield a problem if the name has an earlier place, else note its place."""
    if (before := first.setdefault(name, place)) != place:
        where = path_of((path, place, key)) if key else f"{path}[{place}]"
        yield Problem(where, f'"{name}" is listed at {path}[{before}] already')


def _same_rows(path: str, entries: Sequence[Identified]) -> Iterable[Problem]:
    """Yield a problem for each entry that has the id or the external id of an earlier one."""
    for key in ("id", "external_id"):
        first: dict[str, int] = {}
        for i, each in enumerate(entries):
            if (value := getattr(each, key)) is not None:
                yield from _again(path, key, str(value), i, first)


def _several_defaults(organizations: list[OrganizationEntry]) -> Iterable[Problem]:
    defaults = [i for i, each in enumerate(organizations) if each.is_default]
    for i in defaults[1:]:
        yield Problem(f"organizations[{i}].is_default", "only one organization can be the default")
