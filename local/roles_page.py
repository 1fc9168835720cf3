"""Writes docs/roles.md: what each role may do, from the table of roles. A test compares them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from allowance.rbac.policy import Action, Permission, ResourceType
from allowance.rbac.roles import ORGANIZATION_ROLES, SITE_ROLES, OrganizationRole

PAGE = Path(__file__).resolve().parent.parent / "docs" / "roles.md"

THINGS: Mapping[ResourceType, str] = {
    ResourceType.GROUP: "groups, with their budgets and spend; budgets and policy of organizations",
    ResourceType.GROUP_MEMBER: "a member's spend in groups, alerts and reservations",
    ResourceType.USER: "users, with their overrides and spend",
    ResourceType.AI_MODEL_PRICE: "model prices, aliases and held changes",
    ResourceType.AI_USAGE: (
        "recording usage, reserving and settling; lists of usage; sources; reports of vendors"
    ),
    ResourceType.API_TOKEN: "tokens",
    ResourceType.DIRECTORY: "the directory",
    ResourceType.AUDIT_LOG: "the audit log",
}
"""What hangs on each type that a role may be about. Other types belong to jobs."""

HEAD = """\
# Roles

`make roles` generates this page from the table of roles, and a test compares them. A user has
roles in the whole deployment (`roles` of the user) and in each organization (`roles` of the
membership): see [the directory](directory.md). A refusal looks like an absence (404), unless the
caller may read the thing: then its `detail` names the roles that may. Model prices are no secret:
403.

## Roles in the whole deployment

Every user has `member` without asking. *Own* is what belongs to the caller.

"""

MIDDLE = """
## Roles in one organization

They count in that organization only; *everywhere* marks what they also give outside it. Every
member has `organization-member` without asking. A member may also read each group that the member
is in, and the group Everyone.

"""

FOOT = """
## Tokens of your own

`POST /api/v2/users/me/tokens` makes a token for the caller: `{"name", "expires_at", "scope"}`. The
response has the secret, once. If the response is lost, revoke the name and make another.

- A token keeps the scopes of the tokens that made it (`maker_scopes`), and all of them must allow
  an action. So a token never gives more than the one that made it. Without a `scope` it gives the
  same.
- `expires_at` is at most `TokenMaxDays` (90) days away. A token ends no later than its maker.
- Revoking a token also revokes what it made, and what that made. It counts on the next request.
- A name exists once: 409. A revoked token leaves its name to a new one. A directory document does
  not make a token again whose name was ever used.
- A user has at most 100 tokens, a chain at most 8 makers, and a scope at most 16 KiB.
- Organizations in a scope are those of the user, by id or name. Objects on its allow-list are ids.
- Owners and user admins list and revoke the tokens of everybody, and make none for others.
- A token whose scope lacks `create` on `api_token` makes no token. Gateways need none.

Lists show the last use, written at most once a minute. Each token made or revoked has its audit
entry, without its secret.
"""


def page() -> str:
    """Return the text of the page."""
    site = {
        name: [("", role.site), ("own: ", role.user if name == "member" else ())]
        for name, role in SITE_ROLES.items()
    }
    here = {name: _levels(role) for name, role in ORGANIZATION_ROLES.items()}
    return HEAD + _table(site) + MIDDLE + _table(here) + FOOT


def _levels(role: OrganizationRole) -> list[tuple[str, tuple[Permission, ...]]]:
    return [("", role.org), ("own: ", role.member), ("everywhere: ", role.site)]


def _table(roles: Mapping[str, Iterable[tuple[str, tuple[Permission, ...]]]]) -> str:
    """Return a table with a column for each role and a row for each type that one of them has."""
    names = " | ".join(f"`{name}`" for name in roles)
    lines = [f"| | {names} |", "|---" * (len(roles) + 1) + "|"]
    for kind, thing in THINGS.items():
        cells = [_cell(kind, levels) for levels in roles.values()]
        if any(cells):
            lines.append(f"| {thing} (`{kind}`) | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(kind: ResourceType, levels: Iterable[tuple[str, tuple[Permission, ...]]]) -> str:
    return "; ".join(
        prefix + ", ".join(actions)
        for prefix, permissions in levels
        if (actions := [each for each in Action if _gives(permissions, kind, each)])
    )


def _gives(permissions: Iterable[Permission], kind: ResourceType, action: Action) -> bool:
    return any(each.covers(kind, action) for each in permissions)


if __name__ == "__main__":
    PAGE.write_text(page())
