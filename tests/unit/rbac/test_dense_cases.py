"""12,000 recorded decisions, half of them allowed: the rule must reach each of them.

The subjects hold many roles, negated permissions, access lists and narrow scopes at once. Names
stand for ids, "" for none, and `workspace` for a second resource type.
"""

import gzip
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from allowance.rbac.authorize import allowed
from allowance.rbac.policy import (
    AccessList,
    Action,
    AllowedObject,
    Object,
    OrganizationPermissions,
    Permission,
    Permissions,
    ResourceType,
    Role,
    Scope,
    Subject,
)

CASES = Path(__file__).parents[2] / "data/rbac_dense.json.gz"
IDS = {
    name: UUID(int=number) for number, name in enumerate(("u1", "u2", "o1", "o2", "g1", "g2"), 1)
}
WILDCARD = {"*": "*"}
OBJECT_IDS = WILDCARD | {name: str(each) for name, each in IDS.items()}
ACTIONS = WILDCARD | {"read": Action.READ, "update": Action.UPDATE}
TYPE_PAIRS = [
    (ResourceType.GROUP, ResourceType.USER),
    (ResourceType.AUDIT_LOG, ResourceType.GROUP_MEMBER),
]


class Reader:
    """Builds what the rule takes. A name that no table here has is a KeyError."""

    def __init__(self, group: ResourceType, workspace: ResourceType) -> None:
        self.types: dict[str, Any] = WILDCARD | {"group": group, "workspace": workspace}

    def permissions(self, documents: list[dict[str, Any]]) -> Permissions:
        return tuple(
            Permission(self.types[each["resource_type"]], ACTIONS[each["action"]], each["negate"])
            for each in documents
        )

    def role(self, document: dict[str, Any]) -> Role:
        return Role(
            self.permissions(document["site"]),
            self.permissions(document["user"]),
            {
                IDS[name]: OrganizationPermissions(
                    self.permissions(entry["org"]), self.permissions(entry["member"])
                )
                for name, entry in document["by_org_id"].items()
            },
        )

    def scope(self, document: dict[str, Any]) -> Scope:
        listed = (
            AllowedObject(self.types[each["type"]], OBJECT_IDS[each["id"]])
            for each in document["allow_list"]
        )
        return Scope(self.role(document), tuple(listed))

    def subject(self, document: dict[str, Any]) -> Subject:
        return Subject(
            IDS[document["id"]],
            tuple(map(self.role, document["roles"])),
            frozenset(IDS[name] for name in document["groups"]),
            self.scope(document["scope"]),
        )

    def object(self, document: dict[str, Any]) -> Object:
        return Object(
            self.types[document["type"]],
            OBJECT_IDS[document["id"]] if document["id"] else None,
            IDS[document["org_owner"]] if document["org_owner"] else None,
            IDS[document["owner"]] if document["owner"] else None,
            access_list(document["acl_user_list"]),
            access_list(document["acl_group_list"]),
        )


def access_list(document: dict[str, list[str]]) -> AccessList:
    return {
        IDS[name]: frozenset(ACTIONS[each] for each in granted)
        for name, granted in document.items()
    }


@pytest.fixture(scope="module")
def cases() -> list[tuple[dict[str, Any], bool]]:
    return json.loads(gzip.decompress(CASES.read_bytes()))


def test_half_of_the_recorded_cases_are_allowed(cases: list[tuple[dict[str, Any], bool]]) -> None:
    assert [sum(expected is each for _, expected in cases) for each in (True, False)] == [6000] * 2


@pytest.mark.parametrize("pair", TYPE_PAIRS, ids="-".join)
def test_the_rule_decides_every_recorded_case(
    cases: list[tuple[dict[str, Any], bool]], pair: tuple[ResourceType, ResourceType]
) -> None:
    reader = Reader(*pair)
    wrong = [
        (number, expected)
        for number, (case, expected) in enumerate(cases)
        if allowed(
            reader.subject(case["subject"]), ACTIONS[case["action"]], reader.object(case["object"])
        )
        is not expected
    ]
    assert wrong[:5] == [], f"{len(wrong)} cases, by number and by what was expected"
