"""The people of the demo company, in groups of acme beside the five people of the README."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]

GATEWAY = "gateway"
"""The account that records what the people use."""

OVER_THE_LIMIT = "tom-walker"
NEARLY_USED_UP = "support"
"""The group that has spent 90% of a budget."""

ALLOWANCES = {"engineering": 60_000_000, "support": 5_000_000, "marketing": 5_000_000}
"""The groups, and the limit of each member and month in micro-units of US dollars."""

MONTH = {"unit": "month"}
MICROS_PER_CENT = 10_000


@dataclass(frozen=True)
class Employee:
    """A person who uses models, and about how often on a working day."""

    username: str
    name: str
    group: str
    calls: int


EMPLOYEES = (
    Employee("lena-fischer", "Lena Fischer", "engineering", 9),
    Employee("omar-haddad", "Omar Haddad", "engineering", 7),
    Employee("priya-nair", "Priya Nair", "engineering", 8),
    Employee("jonas-berg", "Jonas Berg", "engineering", 4),
    Employee("mei-chen", "Mei Chen", "engineering", 10),
    Employee("sofia-rossi", "Sofia Rossi", "engineering", 6),
    Employee(OVER_THE_LIMIT, "Tom Walker", "engineering", 12),
    Employee("aisha-khan", "Aisha Khan", "support", 8),
    Employee("bruno-costa", "Bruno Costa", "support", 6),
    Employee("clara-jensen", "Clara Jensen", "support", 5),
    Employee("david-okafor", "David Okafor", "support", 7),
    Employee("elif-demir", "Elif Demir", "marketing", 4),
    Employee("felix-martin", "Felix Martin", "marketing", 3),
    Employee("grace-lee", "Grace Lee", "marketing", 5),
    Employee("hugo-silva", "Hugo Silva", "marketing", 2),
)


def directory(organization: str, groups: Collection[str]) -> Document:
    """Return the directory document of the company. `groups` are all other groups of the
    organization: what the document leaves out would be deleted.
    """
    return {
        "organizations": [{"name": organization, "groups": sorted({*groups, *ALLOWANCES})}],
        "users": [
            {"username": GATEWAY, "display_name": "AI gateway", "roles": ["gateway"]},
            *(
                {
                    "username": each.username,
                    "display_name": each.name,
                    "email": f"{each.username}@{organization}.example",
                    "organizations": [{"name": organization, "groups": [each.group]}],
                    "primary_group": f"{organization}/{each.group}",
                }
                for each in EMPLOYEES
            ),
        ],
    }


def budgets(groups: Mapping[str, str], organization: str) -> list[Document]:
    """Return budgets of the organization whose limits do not depend on what was spent. `groups` has
    the id of each group.
    """
    return [
        {
            "name": "company",
            "scope": {"type": "organization"},
            "per": "total",
            "limit_micros": 250_000_000,
            "period": MONTH,
        },
        {
            "name": "checkout project",
            "scope": {"type": "label", "key": "project", "value": "checkout"},
            "per": "total",
            "limit_micros": 100_000_000,
            "period": MONTH,
            "enforcement": "warn",
        },
        {
            "name": "each client",
            "scope": {"type": "label", "key": "client", "value": None},
            "per": "value",
            "limit_micros": 100_000_000,
            "period": MONTH,
            "enforcement": "warn",
        },
        {
            "name": "engineering on Claude",
            "scope": {"type": "group", "group_id": groups[f"{organization}/engineering"]},
            "per": "total",
            "models": ["anthropic/*"],
            "limit_micros": 120_000_000,
            "period": MONTH,
        },
    ]


def nearly_used_up(groups: Mapping[str, str], organization: str, spent_micros: int) -> Document:
    """Return a budget of which 90% are spent."""
    return {
        "name": "support team",
        "scope": {"type": "group", "group_id": groups[f"{organization}/{NEARLY_USED_UP}"]},
        "per": "total",
        "limit_micros": whole_cents(spent_micros * 10 // 9),
        "period": MONTH,
    }


def whole_cents(micros: int) -> int:
    """Return an amount without its part of a cent, at least a cent: 0 would block."""
    return max(micros // MICROS_PER_CENT, 1) * MICROS_PER_CENT
