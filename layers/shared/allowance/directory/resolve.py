"""The references of a directory document, held against what the database knows: what is missing or
taken.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Literal
from uuid import UUID

from allowance.access.scopes import ScopeDocument
from allowance.contract.fields import UUID_FORM, Row
from allowance.directory.document import EVERYONE, DirectoryDocument, UserEntry
from allowance.errors import Problem
from allowance.rbac.policy import ANY, ResourceType


class Account(Row):
    """A user as far as the address goes: it is unique among those who are not deleted."""

    id: UUID | None
    username: str
    email: str | None
    status: Literal["active", "suspended", "deleted"]


class KnownDirectory(Row):
    """What the database holds of what a document speaks of."""

    organizations: dict[str, UUID]
    organization_ids: list[UUID]
    """Of those that the document names by their id."""
    groups: dict[str, UUID]
    """By `acme/platform`."""
    accounts: list[Account]
    """Users that the document names, and those who hold an address that matters to it."""
    tokens: list[str]
    """`adam/laptop`"""

    def users(self) -> dict[str, UUID]:
        return {each.username: each.id for each in self.accounts if each.id is not None}


def final_accounts(document: DirectoryDocument, known: KnownDirectory) -> dict[str, Account]:
    """Every account, by username, as it will be once the document is applied."""
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
    """Every reference to what neither the document nor the database holds, and every address that
    is taken.
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
    """The scope as a token's row holds it: ids in place of names. What it names is known by now."""
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
        if account.email is not None and account.status != "deleted":
            holders[account.email.lower()].append(account.username)
    for i, user in enumerate(users):
        address = accounts[user.username].email
        others = [name for name in holders[(address or "").lower()] if name != user.username]
        if others and accounts[user.username].status != "deleted":
            yield Problem(f"users[{i}].email", f'"{address}" is the address of "{others[0]}"')


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
                # Two entries would become one, and a refusal in the other would be lost.
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
