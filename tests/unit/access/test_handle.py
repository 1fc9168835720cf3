"""A handle runs what it was opened for, and refuses every other query before anything is sent."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from allowance.access.handle import Handle, Permit, QueryNotPermitted
from allowance.contract.fields import Row
from allowance.database.database import Database
from allowance.database.queries import Need, Place, Query, call, queries
from allowance.database.settings import DatabaseSource
from allowance.errors import DatabaseUnavailable
from allowance.rbac.policy import Action, Object, ResourceType

NOWHERE = DatabaseSource(url="postgresql://127.0.0.1:1/nothing")
"""Nothing listens there: what a handle lets through ends in DatabaseUnavailable."""

ORGANIZATION = UUID(int=8)
OTHER = str(UUID(int=9))

OF_HANDLES = [each for each in queries().values() if each.needs]


def id_of(place: Place) -> UUID:
    """An id of its own for each placeholder, so that no permit serves two needs."""
    return UUID(bytes=place[1].encode().ljust(16, b"-")[:16])


def value(place: Place | None, id_: UUID) -> dict[str, Any]:
    if place is None:
        return {}
    return {place[1]: [id_] if place[0] == "each" else id_}


def parameters_of(query: Query) -> dict[str, Any]:
    """The parameters that the needs of a query name."""
    found: dict[str, Any] = {}
    for need in query.needs:
        found |= value(need.organization, ORGANIZATION)
        found |= value(need.id, id_of(need.id)) if need.id else {}
    return found


def permit_for(need: Need) -> Permit:
    return Permit(
        next(iter(need.actions)),
        Object(
            need.type,
            id=None if need.id is None else str(id_of(need.id)),
            organization_id=None if need.organization is None else ORGANIZATION,
        ),
    )


def wrong_permits(need: Need) -> Iterator[Permit]:
    """Permits that differ from the right one in one thing."""
    right = permit_for(need)
    for action in set(Action) - need.actions:
        yield right._replace(action=action)
    for resource_type in set(ResourceType) - {need.type}:
        yield right._replace(object=replace(right.object, type=resource_type))
    yield right._replace(object=replace(right.object, id=OTHER))
    if need.organization is not None:
        yield right._replace(object=replace(right.object, organization_id=UUID(OTHER)))
    if need.id is None and need.organization is None:
        in_one = replace(right.object, organization_id=ORGANIZATION)
        yield right._replace(object=in_one)


def ask(permits: list[Permit], query: Query) -> None:
    handle = Handle(Database(NOWHERE, "test"), permits)
    handle.rows_of(call(Row, query.name, **parameters_of(query)))


@pytest.mark.parametrize("query", OF_HANDLES, ids=lambda each: each.name)
def test_a_handle_runs_what_it_was_opened_for(query: Query) -> None:
    with pytest.raises(DatabaseUnavailable):
        ask([permit_for(need) for need in query.needs], query)


@pytest.mark.parametrize("query", OF_HANDLES, ids=lambda each: each.name)
def test_a_handle_refuses_another_action_type_or_id(query: Query) -> None:
    for place, need in enumerate(query.needs):
        permits = [permit_for(each) for each in query.needs]
        for wrong in wrong_permits(need):
            permits[place] = wrong
            with pytest.raises(QueryNotPermitted):
                ask(permits, query)
        with pytest.raises(QueryNotPermitted):
            ask([each for n, each in enumerate(permits) if n != place], query)


@pytest.mark.parametrize("query", OF_HANDLES, ids=lambda each: each.name)
def test_run_and_batches_are_refused_like_rows(query: Query) -> None:
    handle = Handle(Database(NOWHERE, "test"), [])
    with pytest.raises(QueryNotPermitted):
        handle.run(query.name, **parameters_of(query))
    right = Handle(Database(NOWHERE, "test"), map(permit_for, query.needs))
    lock = call(Row, query.name, **parameters_of(query))
    with pytest.raises(QueryNotPermitted):
        right.in_one_trip(lock, call(Row, "authenticate"))


@pytest.mark.parametrize("name", ["authenticate", "find_named", "ping"])
def test_a_handle_refuses_queries_that_are_not_for_stores(name: str) -> None:
    with pytest.raises(QueryNotPermitted):
        Handle(Database(NOWHERE, "test"), []).many(Row, name)
    assert queries()[name].needs == ()


def test_only_what_comes_before_the_caller_needs_nothing() -> None:
    public = {each.name for each in queries().values() if not each.needs}
    assert public == {"authenticate", "find_named", "ping"}
