"""Pages of a list: the rows that fit one response."""

from collections.abc import Sequence

from pydantic import BaseModel

from allowance.contract.money import with_dollars

MAX_CONTENT_BYTES = 6_000_000
"""The rows of a page as a Lambda returns them: JSON as text in JSON. Lambda allows 6,291,556 bytes
in all.
"""


def fitting[R: BaseModel](rows: Sequence[R], limit: int) -> list[R]:
    """Return the first rows: at most `limit`, no more than fit a response, and at least one.

    A page with fewer rows than were found has a next page.
    """
    size = 0
    for place, row in enumerate(rows[:limit]):
        size += content_bytes(with_dollars(row.model_dump_json()))
        if size > MAX_CONTENT_BYTES and place > 0:
            return list(rows[:place])
    return list(rows[:limit])


def content_bytes(text: str) -> int:
    """Return the bytes of a text inside a JSON string, in UTF-8."""
    return len(text.encode()) + text.count('"') + text.count("\\")
