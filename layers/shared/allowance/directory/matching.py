"""Which rows the entries of a directory document mean, if they give more than a name. Pure.

An entry means the row with its `id`, else the one of `renamed_from`, else the one with its
`external_id`, else the one with its name. An entry that could mean two rows is refused, and so are
two entries that mean one row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from allowance.contract.fields import Row
from allowance.errors import Problem

Kind = Literal["organization", "group", "user"]


@dataclass(frozen=True)
class Listed:
    """An entry of a document that gives more than a name."""

    path: str
    name_key: str
    """The key of the name: `name` or `username`."""
    name: str
    id: UUID | None
    external_id: str | None
    renamed_from: str | None
    organizations: list[str]
    """Of a user: an external id means a member of one of these, or anybody if there are none."""


class Candidate(Row):
    """A row that an entry may mean, and what of the entry it has."""

    place: int
    """The place of the entry in the list that was looked up."""
    by: Literal["id", "renamed_from", "external_id", "name"]
    id: UUID
    name: str
    external_id: str | None


@dataclass(frozen=True)
class Rename:
    """A row whose name the document changes."""

    id: UUID
    before: str
    after: str


@dataclass
class Matching:
    """The rows that entries mean, one entry after the other."""

    kind: Kind
    by_name_only: Mapping[str, str]
    """The path of each entry that gives a name only, by name."""
    problems: list[Problem] = field(default_factory=list[Problem])
    _renames: list[Rename] = field(default_factory=list[Rename])
    _paths: dict[UUID, str] = field(default_factory=dict[UUID, str])
    _held: list[tuple[Listed, Candidate]] = field(default_factory=list[tuple[Listed, Candidate]])

    def add(self, entry: Listed, found: Sequence[Candidate]) -> None:
        """Note the row of an entry, and what is wrong with it."""
        row = self._row(entry, found)
        if row is None:
            return
        self._find_contradictions(entry, row, found)
        path = self._paths.setdefault(row.id, entry.path)
        if path != entry.path:
            self._refuse(entry.path, f'is the {self.kind} "{row.name}", and so is {path}')
        elif row.name != entry.name:
            self._renames.append(Rename(row.id, row.name, entry.name))
            self._held += [(entry, each) for each in found if each.by == "name"]

    def finish(self) -> list[Rename]:
        """Return the rows to rename, sorted by name, none if there are problems. Note the new names
        that are not free, and the old ones that another entry gives.
        """
        renamed = {each.id for each in self._renames}
        for entry, holder in self._held:
            if holder.id not in renamed:
                detail = f'"{entry.name}" is the name of another {self.kind}'
                self._refuse(f"{entry.path}.{entry.name_key}", detail)
        for each in self._renames:
            if (path := self.by_name_only.get(each.before)) is not None:
                detail = f'is the {self.kind} "{each.before}", which {self._paths[each.id]} renames'
                self._refuse(path, detail)
        return [] if self.problems else sorted(self._renames, key=lambda each: each.before)

    def _row(self, entry: Listed, found: Sequence[Candidate]) -> Candidate | None:
        """Return the row that an entry means. None: it is a new one, or refused."""
        by = {each.by: each for each in found}
        external = [each for each in found if each.by == "external_id"]
        if entry.id is not None:
            if "id" not in by:
                self._refuse(f"{entry.path}.id", f"no {self.kind} has this id")
            return by.get("id")
        if entry.renamed_from is not None:
            old, new = by.get("renamed_from"), by.get("name")
            if old is None and new is None:
                detail = f'no {self.kind} "{entry.renamed_from}" to rename'
                self._refuse(f"{entry.path}.renamed_from", detail)
            elif old is not None and new is not None and old.id != new.id:
                detail = f'"{old.name}" and "{new.name}" both exist'
                self._refuse(f"{entry.path}.renamed_from", detail)
                return None
            return old or new
        if len(external) > 1:
            names = " and ".join(sorted(f'"{each.name}"' for each in external))
            detail = f'"{entry.external_id}" is the external id of {names}'
            self._refuse(f"{entry.path}.external_id", detail)
            return None
        return external[0] if external else by.get("name")

    def _find_contradictions(
        self, entry: Listed, row: Candidate, found: Sequence[Candidate]
    ) -> None:
        """Note each key of an entry that means another row than the entry does."""
        for each in found:
            if each.id != row.id and each.by == "renamed_from":
                detail = f'"{each.name}" is another {self.kind} than "{row.name}"'
                self._refuse(f"{entry.path}.renamed_from", detail)
            if each.id != row.id and each.by == "external_id":
                detail = f'"{entry.external_id}" is the external id of "{each.name}"'
                self._refuse(f"{entry.path}.external_id", detail)
        if (
            entry.id is None
            and entry.external_id is not None
            and row.external_id not in (None, entry.external_id)
        ):
            # It may be another person with the name of one who left.
            detail = f'"{row.name}" has the external id "{row.external_id}": give the "id" too'
            self._refuse(f"{entry.path}.external_id", detail)

    def _refuse(self, path: str, detail: str) -> None:
        self.problems.append(Problem(path, detail))
