"""The references of a directory document, compared with the database: missing names, addresses of
other users.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from allowance.access.handle import Handle
from allowance.access.scopes import ScopeDocument
from allowance.contract.fields import UUID_FORM
from allowance.directory.document import TokenEntry, UserEntry
from allowance.directory.known import Account, KnownOrganizations, known_accounts, known_tokens
from allowance.directory.names import EVERYONE
from allowance.directory.reading import DirectoryDocument
from allowance.directory.unique_names import UniqueNames
from allowance.errors import Problem
from allowance.rbac.policy import ANY, ResourceType

type HandedOver = dict[str, dict[str, str]]
"""Values by username and column."""


@dataclass
class Resolved:
    """A document, compared with the database."""

    problems: list[Problem] = field(default_factory=list)
    handed_over: HandedOver = field(default_factory=dict[str, dict[str, str]])
    """The addresses and user names that pass to another user of the document, by the username
    that has each now, and by column.
    """


def final_account(user: UserEntry, before: Account | None) -> Account:
    """Return the account of a user as the document leaves it."""
    old = before or Account(
        id=None, username=user.username, user_name=None, email=None, status="active"
    )
    keys: tuple[Literal["user_name", "email", "status"], ...] = ("user_name", "email", "status")
    given = {key: getattr(user, key) for key in keys if key in user.model_fields_set}
    return old.model_copy(update=given)


def resolve(db: Handle, document: DirectoryDocument, known: KnownOrganizations) -> Resolved:
    """Return a problem for every reference to nothing in the document or the database, and for
    every address and user name of another user. One round trip for each slice of users, two for
    one of tokens.
    """
    organizations = {each.name for each in document.organizations} | known.organizations.keys()
    groups = _final_groups(document, known)
    found = Resolved()
    uniques = (
        UniqueNames("email", "address", lambda account: account.email_key),
        UniqueNames("user_name", "user name", lambda account: account.user_name_key),
    )
    revived: set[str] = set()
    for part in document.users():
        emails = [user.email.lower() for _, user in part if user.email is not None]
        names = [user.user_name.lower() for _, user in part if user.user_name is not None]
        accounts = known_accounts(db, (user.username for _, user in part), emails, names)
        for i, user in part:
            before = accounts.pop(user.username, None)
            after = final_account(user, before)
            found.problems += _memberships(f"users[{i}]", user, organizations, groups)
            for each in uniques:
                each.note(before, after)
            if before and before.status == "deleted" != after.status:
                revived.add(user.username)
        for name, account in accounts.items():
            if name not in document.places:
                for each in uniques:
                    each.note(None, account)
    for each in uniques:
        found.problems += each.problems(document.places)
        for name, value in each.handed_over().items():
            found.handed_over.setdefault(name, {})[each.column] = value
    organizations |= {str(each) for each in known.organization_ids}
    for tokens in document.tokens():
        names = {name for _, token in tokens for name in token.usernames()}
        users = document.places.keys() | known_accounts(db, names).keys()
        existing = {key for key in known_tokens(db, tokens) if key.partition("/")[0] not in revived}
        for i, token in tokens:
            found.problems += _of_token(f"tokens[{i}]", token, users, existing)
            if token.scope is not None:
                path = f"tokens[{i}].scope"
                found.problems += _of_organizations(path, token.scope, known, organizations)
                names_by_type: dict[str, set[str]] = {
                    ResourceType.GROUP: groups,
                    ResourceType.USER: users,
                }
                found.problems += _of_allow_list(path, token.scope, names_by_type)
    return found


def stored_scope(
    scope: ScopeDocument, known: KnownOrganizations, users: Mapping[str, Account]
) -> dict[str, Any]:
    """Return the scope for a token's row, with ids in place of names, each of which is known."""
    document = scope.model_dump(mode="json")
    document["by_org_id"] = {
        str(known.organizations.get(name, name)).lower(): entry
        for name, entry in document["by_org_id"].items()
    }
    for entry in document["allow_list"]:
        name, id_ = entry["id"], None
        if entry["type"] == ResourceType.GROUP:
            id_ = known.groups.get(name)
        elif entry["type"] == ResourceType.USER and name in users:
            id_ = users[name].id
        entry["id"] = str(id_ or name).lower()
    return document


def _final_groups(document: DirectoryDocument, known: KnownOrganizations) -> set[str]:
    listed = {each.name for each in document.organizations if "groups" in each.model_fields_set}
    groups = {key for key in known.groups if key.partition("/")[0] not in listed}
    for organization in document.organizations:
        groups |= {f"{organization.name}/{name}" for name in (EVERYONE, *organization.group_names)}
    return groups


def _memberships(
    path: str, user: UserEntry, organizations: set[str], groups: set[str]
) -> Iterable[Problem]:
    for k, membership in enumerate(user.organizations):
        where, name = f"{path}.organizations[{k}]", membership.name
        if name not in organizations:
            yield Problem(f"{where}.name", f'no organization "{name}"')
            continue
        for j, group in enumerate(membership.groups):
            if f"{name}/{group}" not in groups:
                detail = f'no group "{group}" in organization "{name}"'
                yield Problem(f"{where}.groups[{j}]", detail)
    if user.primary_group is not None and user.primary_group not in groups:
        yield Problem(f"{path}.primary_group", f'no group "{user.primary_group}"')


def _of_token(
    path: str, token: TokenEntry, users: set[str], existing: set[str]
) -> Iterable[Problem]:
    if token.username not in users:
        yield Problem(f"{path}.username", f'no user "{token.username}"')
    elif token.revoked and token.key not in existing:
        yield Problem(f"{path}.name", f'"{token.username}" has no token "{token.name}" to revoke')


def _of_organizations(
    path: str, scope: ScopeDocument, known: KnownOrganizations, organizations: set[str]
) -> Iterable[Problem]:
    named: dict[str, str] = {}
    for name in scope.by_org_id:
        where = f"{path}.by_org_id.{name}"
        id_ = str(known.organizations.get(name, name)).lower()
        if name.lower() not in organizations and name not in organizations:
            yield Problem(where, f'no organization "{name}"')
        elif (other := named.setdefault(id_, name)) != name:
            # Two entries would become one row, and the permissions of one would be lost.
            yield Problem(where, f'is the same organization as "{other}"')


def _of_allow_list(
    path: str, scope: ScopeDocument, names: Mapping[str, set[str]]
) -> Iterable[Problem]:
    for k, each in enumerate(scope.allow_list):
        known = (
            each.id == ANY or UUID_FORM.fullmatch(each.id) or each.id in names.get(each.type, ())
        )
        if not known:
            kind = "object" if each.type == ANY else each.type
            yield Problem(f"{path}.allow_list[{k}].id", f'no {kind} "{each.id}"')
