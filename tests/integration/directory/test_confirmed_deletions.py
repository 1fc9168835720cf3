"""A document deletes a group that has a budget only if it confirms deletions."""

from tests.directory_documents import apply, problems
from tests.people import Acme
from tests.postgres import Database

WOULD = 'would be deleted with its budget: rename it with "renamed_from", or give'


def refusal(path: str, group: str) -> str:
    return f'{path}: "{group}" {WOULD} "confirm_deletions": true'


def test_groups_with_budgets_go_only_when_confirmed(database: Database, acme: Acme) -> None:
    adam = acme.client("adam")
    adam.put(acme.budget_path(), {"spend_limit_micros": 5})
    about = {
        "name": "lab",
        "scope": {"type": "group", "group_id": str(acme.groups["acme/research"])},
        "limit_micros": 1,
        "period": {"unit": "month"},
        "enforcement": "warn",
        "per": "total",
    }
    budgets = "/api/v2/organizations/acme/ai/budgets"
    assert adam.post(budgets, about).status == 201
    omitting = {"organizations": [{"name": "acme", "groups": ["next"]}]}
    assert problems(omitting) == [
        refusal("organizations[0].groups", "acme/platform"),
        refusal("organizations[0].groups", "acme/research"),
    ]
    assert problems(omitting | {"confirm_deletions": False}) == problems(omitting)
    assert adam.get(acme.budget_path()).status == 200
    # An ended budget holds nothing up.
    assert adam.delete(f"{budgets}/lab").status == 204
    assert problems(omitting) == [refusal("organizations[0].groups", "acme/platform")]
    groups = apply(omitting | {"confirm_deletions": True})["groups"]
    assert groups.keys() == {"acme/Everyone", "acme/next"}


def test_a_deleted_organization_with_budgets_is_confirmed_too(
    database: Database, acme: Acme
) -> None:
    gus = acme.client("gus")
    gus.put(acme.budget_path("globex/sales"), {"spend_limit_micros": 5})
    whole = {
        "name": "all",
        "scope": {"type": "organization"},
        "limit_micros": 1,
        "period": {"unit": "month"},
        "enforcement": "warn",
        "per": "total",
    }
    assert gus.post("/api/v2/organizations/globex/ai/budgets", whole).status == 201
    gone = {"organizations": [{"name": "globex", "deleted": True}]}
    assert problems(gone) == [
        refusal("organizations[0].deleted", "globex/Everyone"),
        refusal("organizations[0].deleted", "globex/sales"),
    ]
    assert apply(gone | {"confirm_deletions": True})["organizations"] == {}


def test_groups_without_budgets_need_no_confirmation(database: Database, acme: Acme) -> None:
    groups = apply({"organizations": [{"name": "acme", "groups": []}]})["groups"]
    assert groups.keys() == {"acme/Everyone"}
