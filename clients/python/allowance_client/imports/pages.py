"""Pages of a vendor's API, as saved: each has buckets of time, and says whether more pages follow.

A file has every page of its report, so that no day is counted in part, and no bucket twice.
"""

from collections.abc import Iterator
from typing import Any, cast

from allowance_client.imports.files import ImportFile
from allowance_client.imports.problems import refused
from allowance_client.imports.values import list_of, object_of


class Buckets:
    """The buckets of the pages of a file."""

    def __init__(self, page: frozenset[str], start: str) -> None:
        self._page = page
        self._start = start

    def of(self, file: ImportFile) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each bucket with its place. Raise ImportRefused."""
        seen: set[tuple[str, Any]] = set()
        more, number = None, 0
        for number, (_, value) in enumerate(file.values(), 1):
            place = f"page {number}"
            rows = value.get("data")
            if not isinstance(rows, list) or value.keys() - self._page:
                raise refused("Is no page of this report.", place)
            for count, bucket in enumerate(cast("list[Any]", rows), 1):
                where = f"{place}, bucket {count}"
                yield where, self._checked(bucket, where, seen)
            more = value.get("has_more")
        if more is not False:
            reason = "More pages follow: save them all into one file, one page a line."
            raise refused(reason, f"page {number}", "has_more")

    def _checked(self, bucket: Any, place: str, seen: set[tuple[str, Any]]) -> dict[str, Any]:
        found = object_of(bucket)
        results = found.get("results")
        if not isinstance(results, list):
            raise refused("Is no bucket of this report.", place)
        if not all(isinstance(each, dict) for each in list_of(results)):
            raise refused("Is no bucket of this report.", place, "results")
        kinds = {str(each.get("object", "")) for each in list_of(results)} or {""}
        for key in {(kind, str(found.get(self._start))) for kind in kinds}:
            if key in seen:
                raise refused("The same bucket is there twice.", place, self._start)
            seen.add(key)
        return found
