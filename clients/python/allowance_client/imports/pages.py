"""Pages of a vendor's API, as saved: each has buckets of time, and says whether more pages follow.

A file has every page of its report, so that no day is counted in part, and no bucket twice: a part
would replace the whole day of an earlier import.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, time
from typing import Any, cast

from allowance_client.imports.files import ImportFile
from allowance_client.imports.problems import refused
from allowance_client.imports.values import list_of, object_of


class Buckets:
    """The buckets of the pages of a file, which may have several reports one after the other."""

    def __init__(
        self, page: frozenset[str], start: str, end: str, reader: Callable[[Any], datetime]
    ) -> None:
        self._page = page
        self._start = start
        self._end = end
        self._reader = reader

    def of(self, file: ImportFile) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each bucket with its place. Raise ImportRefused."""
        seen: set[tuple[str, Any]] = set()
        more, number = None, 0
        until: datetime | None = None
        for number, (_, value) in enumerate(file.values(), 1):
            place = f"page {number}"
            rows = value.get("data")
            if not isinstance(rows, list) or value.keys() - self._page:
                raise refused("Is no page of this report.", place)
            for count, bucket in enumerate(cast("list[Any]", rows), 1):
                where = f"{place}, bucket {count}"
                found = self._checked(bucket, where, seen)
                until = self._follow(found, where, until)
                yield where, found
            more = value.get("has_more")
            if more is False:
                if until is not None and until.time() != time():
                    reason = f"The report ends at {until:%H:%M} UTC: export whole days."
                    raise refused(reason, place, self._end)
                until = None
        if more is not False:
            reason = "More pages follow: save them all into one file, one page a line."
            raise refused(reason, f"page {number}", "has_more")

    def _follow(
        self, bucket: dict[str, Any], place: str, until: datetime | None
    ) -> datetime | None:
        """Return when the bucket ends, None if it does not say. Raise ImportRefused unless it
        begins where the last one ended, and the first one at midnight.
        """
        try:
            start, end = self._reader(bucket.get(self._start)), self._reader(bucket.get(self._end))
        except ValueError:
            return None  # The reader of the format names the field.
        if until is None and start.time() != time():
            reason = f"The report begins at {start:%H:%M} UTC: export whole days."
            raise refused(reason, place, self._start)
        if until is not None and start != until:
            reason = f"The bucket from {until:%Y-%m-%d %H:%M} UTC is missing: is a page missing?"
            raise refused(reason, place, self._start)
        return end

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
