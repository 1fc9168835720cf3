"""The directory of the tests: acme with its five people, and what is needed to tell every refusal
apart.
"""

from dataclasses import dataclass
from uuid import UUID

from allowance.access.store import Origin
from tests.gateway import Client

DIRECTORY = {
    "organizations": [
        {"name": "acme", "is_default": True, "groups": ["platform", "research"]},
        {"name": "globex", "groups": ["sales"]},
    ],
    "users": [
        {"username": "olivia", "email": "olivia@acme.example", "roles": ["owner"]},
        {
            "username": "adam",
            "email": "adam@acme.example",
            "organizations": [{"name": "acme", "roles": ["organization-admin"]}],
        },
        {
            "username": "maya",
            "email": "maya@acme.example",
            "organizations": [{"name": "acme", "groups": ["platform"]}],
        },
        {"username": "otto", "email": "otto@acme.example", "organizations": [{"name": "acme"}]},
        {
            "username": "ana",
            "email": "ana@acme.example",
            "organizations": [{"name": "acme", "roles": ["organization-auditor"]}],
        },
        {
            "username": "gus",
            "organizations": [
                {"name": "globex", "roles": ["organization-admin"], "groups": ["sales"]}
            ],
        },
        {"username": "nora"},
    ],
    "tokens": [
        {"username": name, "name": "test"}
        for name in ("olivia", "adam", "maya", "otto", "ana", "gus", "nora")
    ],
}

EVERY_STEP = {
    "organizations": [
        {
            "name": "hooli",
            "renamed_from": "acme",
            "external_id": "1",
            "groups": [{"name": "core", "renamed_from": "research", "external_id": "1"}, "next"],
        },
        {"name": "globex", "deleted": True},
    ],
    "users": [
        {"username": "maya", "email": "otto@acme.example", "primary_group": "hooli/Everyone"},
        {"username": "otto", "email": "maya@acme.example", "user_name": "Otto"},
        {
            "username": "eve",
            "renamed_from": "ana",
            "identities": [{"issuer": "https://i", "sub": "1"}],
        },
    ],
    "tokens": [{"username": "maya", "name": "next"}],
    "confirm_deletions": True,
}
"""A directory document that runs each statement of an import."""


@dataclass(frozen=True)
class Acme:
    """Ids and tokens of the directory. A path is for acme's group `platform` by default."""

    organizations: dict[str, UUID]
    groups: dict[str, UUID]
    users: dict[str, UUID]
    tokens: dict[str, str]

    @classmethod
    def of(cls, imported: dict[str, dict[str, str]]) -> "Acme":
        """Of ImportDirectory's answer."""
        organizations, groups, users = (
            {name: UUID(id_) for name, id_ in imported[key].items()}
            for key in ("organizations", "groups", "users")
        )
        return cls(organizations, groups, users, imported["tokens"])

    def client(self, username: str) -> Client:
        return Client(self.tokens[f"{username}/test"])

    def origin(self, username: str) -> Origin:
        """Where a change by this user's token comes from."""
        token_id = self.tokens[f"{username}/test"].split("_")[1]
        return Origin(self.users[username], username, "test", token_id)

    def budget_path(self, group: str = "acme/platform") -> str:
        return f"/api/v2/groups/{self.groups[group]}/ai/budget"
