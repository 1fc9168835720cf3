"""The references of a directory document, compared with the database: missing names, addresses of
other users.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from allowance.access.scopes import ScopeDocument
from allowance.contract.fields import UUID_FORM, Row
from allowance.directory.document import EVERYONE, DirectoryDocument, UserEntry, UserStatus
from allowance.errors import Problem
from allowance.rbac.policy import ANY, ResourceType


class Account(Row):
    """A user with the address, which is unique among users that are not deleted."""

    id: UUID | None
    username: str
    email: str | None
    status: UserStatus

    @property
    def claims_address(self) -> bool:
        """Return whether no other user may have the address."""
        return self.email is not None and self.status != "deleted"


class KnownDirectory(Row):
    """The rows of the database to which a document refers."""

    organizations: dict[str, UUID]
    organization_ids: list[UUID]
    """The organizations that the document refers to by id."""
    groups: dict[str, UUID]
    """Keys like `acme/platform`."""
    accounts: list[Account]
    """The users in the document, and the other users that have an address of one of these."""
    tokens: list[str]
    """Names like `adam/laptop`."""

    def users(self) -> dict[str, UUID]:
        """Return the ids of the accounts that exist, by username."""
        return {each.username: each.id for each in self.accounts if each.id is not None}


def final_accounts(document: DirectoryDocument, known: KnownDirectory) -> dict[str, Account]:
    """Return every account by username, as the document leaves it."""
    accounts = {each.username: each for each in known.accounts}
    for user in document.users:
        before = accounts.get(user.username) or Account(
            id=None, username=user.username, email=None, status="active"
        )
        given = {
            key: getattr(user, key) for key in ("email", "status") if key in user.model_fields_set
        }
        accounts[user.username] = before.model_copy(update=given)
    return accounts


def unresolved(document: DirectoryDocument, known: KnownDirectory) -> list[Problem]:
    """Return a problem for every reference to nothing in the document or the database, and for
    every address of another user.
    """
    organizations = {each.name for each in document.organizations} | known.organizations.keys()
    organizations |= {str(each) for each in known.organization_ids}
    groups = _final_groups(document, known)
    users = {each.username for each in document.users} | known.users().keys()
    return [
        *_memberships(document, organizations, groups),
        *_addresses(document.users, final_accounts(document, known)),
        *_tokens(document, known, organizations, groups, users),
    ]


def stored_scope(scope: ScopeDocument, known: KnownDirectory) -> dict[str, Any]:
    """Return the scope for a token's row, with ids in place of names; `known` has each name."""
    document = scope.model_dump(mode="json")
    document["by_org_id"] = {
        str(known.organizations.get(name, name)).lower(): entry
        for name, entry in document["by_org_id"].items()
    }
    ids: Mapping[str, Mapping[str, UUID]] = {
        ResourceType.GROUP: known.groups,
        ResourceType.USER: known.users(),
    }
    for entry in document["allow_list"]:
        entry["id"] = str(ids.get(entry["type"], {}).get(entry["id"], entry["id"])).lower()
    return document


def _final_groups(document: DirectoryDocument, known: KnownDirectory) -> set[str]:
    groups = set(known.groups)
    for organization in document.organizations:
        prefix = f"{organization.name}/"
        if "groups" in organization.model_fields_set:
            groups = {each for each in groups if not each.startswith(prefix)}
            groups |= {prefix + name for name in organization.groups}
        groups.add(prefix + EVERYONE)
    return groups


def _memberships(
    document: DirectoryDocument, organizations: set[str], groups: set[str]
) -> Iterable[Problem]:
    for i, user in enumerate(document.users):
        for k, membership in enumerate(user.organizations):
            path = f"users[{i}].organizations[{k}]"
            if membership.name not in organizations:
                yield Problem(f"{path}.name", f'no organization "{membership.name}"')
                continue
            for j, name in enumerate(membership.groups):
                if f"{membership.name}/{name}" not in groups:
                    yield Problem(
                        f"{path}.groups[{j}]",
                        f'no group "{name}" in organization "{membership.name}"',
                    )


def _addresses(users: list[UserEntry], accounts: Mapping[str, Account]) -> Iterable[Problem]:
    holders: defaultdict[str, list[str]] = defaultdict(list)
    for account in accounts.values():
        if account.claims_address:
            holders[(account.email or "").lower()].append(account.username)
    for i, user in enumerate(users):
        account = accounts[user.username]
        others = [each for each in holders[(account.email or "").lower()] if each != user.username]
        if others and account.claims_address:
            yield Problem(f"users[{i}].email", f'"{account.email}" is the address of "{others[0]}"')


def _tokens(
    document: DirectoryDocument,
    known: KnownDirectory,
    organizations: set[str],
    groups: set[str],
    users: set[str],
) -> Iterable[Problem]:
    ids, tokens = known.organizations, set(known.tokens)
    names: Mapping[str, set[str]] = {ResourceType.GROUP: groups, ResourceType.USER: users}
    for i, token in enumerate(document.tokens):
        if token.username not in users:
            yield Problem(f"tokens[{i}].username", f'no user "{token.username}"')
        elif token.revoked and f"{token.username}/{token.name}" not in tokens:
            yield Problem(
                f"tokens[{i}].name", f'"{token.username}" has no token "{token.name}" to revoke'
            )
        if token.scope is None:
            continue
        named: dict[str, str] = {}
        for name in token.scope.by_org_id:
            path = f"tokens[{i}].scope.by_org_id.{name}"
            if name.lower() not in organizations and name not in organizations:
                yield Problem(path, f'no organization "{name}"')
            elif (other := named.setdefault(str(ids.get(name, name)).lower(), name)) != name:
                # Two entries would become one row, and the permissions of one would be lost.
                yield Problem(path, f'is the same organization as "{other}"')
        for k, each in enumerate(token.scope.allow_list):
            if (
                each.id != ANY
                and not UUID_FORM.fullmatch(each.id)
                and each.id not in names.get(each.type, set())
            ):
                yield Problem(
                    f"tokens[{i}].scope.allow_list[{k}].id",
                    f'no {"object" if each.type == ANY else each.type} "{each.id}"',
                )
