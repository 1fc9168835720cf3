"""The organizations, groups and users that a directory document renames.

A rename keeps the row, and so members, budgets and spend. It comes before the other steps of an
import: after it, each entry has the name of its row.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from itertools import batched

from allowance.access.handle import Handle
from allowance.access.store import Origin
from allowance.directory.document import GroupEntry, OrganizationEntry, UserEntry
from allowance.directory.matching import Candidate, Listed, Matching, Rename
from allowance.directory.reading import DirectoryDocument
from allowance.directory.snapshot import Part, state_of, write_audit
from allowance.errors import Problem

USERS_PER_SLICE = 500
"""Renamed users per statement. Each may be in many organizations."""


def rename_organizations(db: Handle, origin: Origin, document: DirectoryDocument) -> list[Problem]:
    """Rename organizations, or return what is wrong with the entries."""
    entries = [(f"organizations[{i}]", each) for i, each in enumerate(document.organizations)]
    matching = Matching("organization", _by_name_only(entries))
    listed = [_listed(path, each) for path, each in entries if each.is_matched]
    found = db.many(Candidate, "match_organizations", entries=_json(listed)) if listed else []
    _add(matching, listed, found)
    renames = matching.finish()
    if not renames:
        return matching.problems
    before = state_of(db, Part(organizations=[each.before for each in renames]))
    for ids, names in _steps(renames):
        db.run("rename_organizations", renamed_ids=ids, names=names)
    write_audit(db, origin, before, Part(organizations=[each.after for each in renames]))
    return []


def rename_groups(db: Handle, origin: Origin, document: DirectoryDocument) -> list[Problem]:
    """Rename groups, or return what is wrong with the entries. Their organizations have the names
    of the document.
    """
    problems: list[Problem] = []
    renames: list[Rename] = []
    for i, organization in enumerate(document.organizations):
        entries = [
            (f"organizations[{i}].groups[{j}]", e) for j, e in enumerate(organization.groups)
        ]
        listed = [_listed(path, each) for path, each in entries if each.is_matched]
        if listed:
            matching = Matching("group", _by_name_only(entries))
            found = db.many(
                Candidate,
                "match_groups",
                organization=organization.name,
                entries=_json(listed),
            )
            _add(matching, listed, found)
            renames += matching.finish()
            problems += matching.problems
    if problems or not renames:
        return problems
    part = Part(group_ids=[each.id for each in renames])
    before = state_of(db, part)
    for ids, names in _steps(renames):
        db.run("rename_groups", renamed_ids=ids, names=names)
    write_audit(db, origin, before, part)
    return []


def rename_users(db: Handle, origin: Origin, document: DirectoryDocument) -> list[Problem]:
    """Rename users, or return what is wrong with the entries. Organizations have the names of the
    document.
    """
    if not document.matched:
        return []
    matched = set(document.matched)
    others = {name: f"users[{i}]" for name, i in document.places.items() if i not in matched}
    matching = Matching("user", others)
    for part in document.users_at(document.matched):
        listed = [_listed(f"users[{i}]", user) for i, user in part]
        _add(matching, listed, db.many(Candidate, "match_users", entries=_json(listed)))
    renames = matching.finish()
    # A slice at a time has to find the names of its users free: first, names that pass from one
    # user to another are taken from those who have them.
    wanted = {each.after for each in renames}
    passed = {each.id: each for each in renames if each.before in wanted}
    for some in batched(passed, USERS_PER_SLICE, strict=False):
        db.run("rename_users", renamed_ids=list(some), names=[_between(each) for each in some])
    for some in batched(renames, USERS_PER_SLICE, strict=False):
        former = {
            _between(each.id): {"username": each.before} for each in some if each.id in passed
        }
        names = [_between(each.id) if each.id in passed else each.before for each in some]
        before = state_of(db, Part(usernames=names, handed_over=former))
        after = [each.after for each in some]
        db.run("rename_users", renamed_ids=[each.id for each in some], names=after)
        write_audit(db, origin, before, Part(usernames=after))
    return matching.problems


def _between(id_: object) -> str:
    """Return the name of a row while its own passes to another row. It is a valid username."""
    return f"renaming-{id_}"


def _steps(renames: Sequence[Rename]) -> list[tuple[list[object], list[str]]]:
    """Return ids and names, twice: all get names in between first, so that names may pass."""
    ids: list[object] = [each.id for each in renames]
    return [(ids, [_between(each) for each in ids]), (ids, [each.after for each in renames])]


def _by_name_only(
    entries: Sequence[tuple[str, GroupEntry | OrganizationEntry]],
) -> dict[str, str]:
    return {each.name: path for path, each in entries if not each.is_matched}


def _listed(path: str, entry: GroupEntry | OrganizationEntry | UserEntry) -> Listed:
    is_user = isinstance(entry, UserEntry)
    return Listed(
        path=path,
        name_key="username" if is_user else "name",
        name=entry.username if is_user else entry.name,
        id=entry.id,
        external_id=entry.external_id,
        renamed_from=entry.renamed_from,
        organizations=[each.name for each in entry.organizations] if is_user else [],
    )


def _json(listed: Sequence[Listed]) -> str:
    return json.dumps(
        [
            {
                "place": place,
                "name": each.name,
                "id": None if each.id is None else str(each.id),
                "external_id": each.external_id,
                "renamed_from": each.renamed_from,
                "organizations": each.organizations,
            }
            for place, each in enumerate(listed)
        ]
    )


def _add(matching: Matching, listed: Sequence[Listed], found: Sequence[Candidate]) -> None:
    candidates: defaultdict[int, list[Candidate]] = defaultdict(list)
    for each in found:
        candidates[each.place].append(each)
    for place, entry in enumerate(listed):
        matching.add(entry, candidates[place])
