"""Which records change a usage, and which are retries, conflicts, or refused."""

from typing import Any

import pytest

from tests.amendments import COST, TWICE, VOID, amended, spent, statuses
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.usage import failed, message, record, rerate, results


def test_what_a_key_ever_had_is_a_retry(gateway: Client, database: Database) -> None:
    results(gateway, record())
    assert statuses(gateway, amended(tokens=TWICE), amended(tokens=TWICE)) == [
        "amended",
        "duplicate",
    ]
    late, again, other = results(gateway, record(), record(tokens=TWICE), record(model="x"))
    assert (late["status"], late["cost_micros"]) == ("duplicate", COST)
    assert (again["status"], again["cost_micros"]) == ("duplicate", 2 * COST)
    assert other["status"] == "conflict"
    assert spent(database) == (2 * COST, 1, 2000)


def test_a_lower_revision_changes_nothing(gateway: Client, database: Database) -> None:
    results(gateway, record())

    def revised(revision: int, tokens: int) -> dict[str, Any]:
        return amended(revision=revision, tokens={"input": tokens})

    assert statuses(gateway, revised(3, 30)) == ["amended"]
    assert statuses(gateway, revised(2, 20), revised(3, 30), revised(3, 31)) == [
        "duplicate",
        "duplicate",
        "conflict",
    ]
    assert spent(database)[2] == 30
    # The same content with a higher number: what is below that is too late from then on.
    assert statuses(gateway, revised(5, 30), revised(4, 40), revised(6, 60)) == [
        "amended",
        "duplicate",
        "amended",
    ]
    # Without a number, the number stays.
    assert statuses(gateway, amended(tokens={"input": 7}), revised(6, 60)) == [
        "amended",
        "duplicate",
    ]
    assert spent(database)[1:] == (1, 7)


def test_a_void_is_final(gateway: Client, database: Database) -> None:
    results(gateway, record())
    first, again = (results(gateway, VOID)[0] for _ in range(2))
    assert (first["status"], first["cost_micros"]) == ("voided", 0)
    assert (again["status"], again["cost_micros"]) == ("duplicate", 0)
    assert statuses(gateway, amended(tokens=TWICE), record(), record(model="x")) == [
        "conflict",
        "duplicate",
        "conflict",
    ]
    assert spent(database) == (0, 0, 0)
    assert rerate()["corrected"] == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amends": True}, "amends"),
        ({"void": True}, "void"),
        ({"amends": True, "void": True}, "(document)"),
        ({"revision": 1}, "(document)"),
        ({"amends": True, "revision": 0}, "revision"),
        ({"amends": "yes"}, "amends"),
    ],
)
def test_what_is_no_change_of_a_usage_is_rejected(
    gateway: Client, changes: dict[str, Any], field: str
) -> None:
    (answer,) = results(gateway, record() | changes)
    assert (answer["status"], answer["validations"][0]["field"]) == ("rejected", field)


@pytest.mark.parametrize(
    ("change", "field", "detail"),
    [
        (VOID | {"revision": 1}, "revision", "Must be null. A void has none, because it is final."),
        (VOID | {"amends": True}, "(document)", "Must have amends or void, not both."),
        (VOID | {"reason": "x"}, "reason",
         "Unknown field. Known fields: source, id, void, amends, revision."),
        (record(void=True, revision=1), "(document)",
         "Must have amends with revision: a void has none."),
        (record(source="allowance"), "source",
         "The source allowance is reserved: name your own system."),
    ],
)  # fmt: skip
def test_a_wrong_change_says_what_to_send(
    gateway: Client, change: dict[str, Any], field: str, detail: str
) -> None:
    results(gateway, record())
    (answer,) = results(gateway, change)
    assert answer["validations"] == [{"field": field, "detail": detail}]
    assert statuses(gateway, VOID | {"amends": False, "revision": None}) == ["voided"]


def test_other_content_for_a_void_key_needs_another_id(gateway: Client) -> None:
    """To amend it is no way out."""
    results(gateway, record(), VOID)
    for change in (record(tokens=TWICE), amended(tokens=TWICE)):
        (answer,) = results(gateway, change)
        assert answer["status"] == "conflict"
        assert answer["validations"] == [
            {
                "field": "id",
                "detail": "The usage was taken back (void), which is final. Send it again with"
                " another id.",
            }
        ]


def test_a_void_with_an_unknown_field_is_rejected(gateway: Client) -> None:
    results(gateway, record())
    (answer,) = results(gateway, VOID | {"reason": "x"})
    assert answer["status"] == "rejected"
    assert "reason" in {each["field"] for each in answer["validations"]}


def test_only_who_recorded_or_an_owner_changes(
    gateway: Client, acme: Acme, database: Database
) -> None:
    database.run("UPDATE users SET roles = '{gateway}' WHERE username = 'otto'")
    results(gateway, record(), record(2))
    other, owner = acme.client("otto"), acme.client("olivia")
    for change in (amended(tokens=TWICE), VOID):
        (answer,) = results(other, change)
        assert answer["status"] == "rejected"
        assert "may change" in answer["validations"][0]["detail"]
    assert statuses(owner, amended(tokens=TWICE)) == ["amended"]
    assert statuses(other, VOID) == ["rejected"]
    assert statuses(gateway, VOID) == ["voided"]
    assert failed(message("a", record(2, tokens=TWICE, amends=True))) == []
    assert failed(message("b", record(3))) == []
    assert statuses(gateway, record(3, tokens=TWICE, amends=True)) == ["rejected"]
