"""What a request names: which names need a query beside the one that authenticates."""

from uuid import UUID

from allowance.access.names import NOTHING_NAMED, Names

ID = UUID(int=1)


def test_ids_and_the_caller_need_no_further_query() -> None:
    for names in (NOTHING_NAMED, Names(user="me"), Names(group=ID), Names(organization="acme")):
        assert names.others is None


def test_a_group_of_an_organization_is_found_there_only() -> None:
    names = Names(group=ID, organization="acme")
    assert names.with_caller["group_id"] is None
    assert names.others is not None
    assert names.others["group_id"] == ID
