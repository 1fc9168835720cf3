"""Usage records as nearly all come in, read by columns: half the time that each by itself would
take.

A record is plain when nothing more needs to be asked of it: names in printable ASCII without a
space at either end, a time as RFC 3339 has it, tokens in our classes. Functions of Python that take
a whole column say so of a thousand at once. What is not plain is left to the careful reader, which
alone says what is wrong.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, cast, get_args

from allowance.contract.fields import MAX_NAME_LENGTH
from allowance.prices.cost import MAX_TOKENS, TOKEN_CLASSES, Tokens
from allowance.prices.terms import Variant
from allowance.usage.records import OWN_SOURCE, Usage, content_sha256_of, key_digest_of

_NAMES = ("source", "id", "user", "provider", "model")
_REQUIRED = frozenset((*_NAMES, "occurred_at", "tokens"))
_ALLOWED = _REQUIRED | {"variant"}
_VARIANTS = {None, *get_args(Variant)}
_MOMENTS = re.compile(
    r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})\n)*"
)

_columns_of = itemgetter(*_NAMES, "occurred_at", "tokens")


def plain_usages(records: Sequence[object]) -> list[Usage | None]:
    """What each record says; None where it takes a closer look."""
    if (read := _read(records)) is not None:
        return read
    shaped = {place: each for place, each in enumerate(records) if _is_shaped(each)}
    found = dict(zip(shaped, _by_halves(list(shaped.values())), strict=True))
    return [found.get(place) for place in range(len(records))]


def _is_shaped(record: object) -> bool:
    return isinstance(record, dict) and _are_plain_keys(cast("dict[str, Any]", record))


def _are_plain_keys(keys: Iterable[str]) -> bool:
    return _REQUIRED <= set(keys) <= _ALLOWED


def _by_halves(records: Sequence[object]) -> list[Usage | None]:
    """Where one of many is not plain, its half is read by halves again: it costs the
    others little.
    """
    if (read := _read(records)) is not None:
        return read
    if len(records) <= 1:
        return [None for _ in records]
    middle = len(records) // 2
    return _by_halves(records[:middle]) + _by_halves(records[middle:])


def _read(records: Sequence[object]) -> list[Usage | None] | None:
    """Of records that are plain, all of them; else None."""
    if not _are(dict, records):
        return None
    objects = cast("Sequence[dict[str, Any]]", records)
    if not all(map(_are_plain_keys, set(map(tuple, objects)))):
        return None
    *names, moments, counts = zip(*map(_columns_of, objects), strict=True)
    variants = [each.get("variant") for each in objects]
    if not (
        all(map(_are_plain, names))
        and OWN_SOURCE not in names[0]
        and set(map(type, variants)) <= {str, type(None)}
        and set(variants) <= _VARIANTS
    ):
        return None
    times, tokens = _times(moments), _tokens(counts)
    if times is None or tokens is None:
        return None
    sources, ids, users, providers, models = names
    in_utc = map(_in_utc, moments, times)
    contents = map(content_sha256_of, users, providers, models, variants, in_utc, tokens)
    digests = map(key_digest_of, sources, ids)
    return list(
        map(
            Usage,
            sources,
            ids,
            digests,
            users,
            providers,
            models,
            variants,
            times,
            tokens,
            contents,
        )
    )


def _are(kind: type, values: Sequence[object]) -> bool:
    return set(map(type, values)) == {kind}


def _are_plain(names: Sequence[Any]) -> bool:
    if not _are(str, names):
        return False
    text = "".join(names)
    lengths = set(map(len, names))
    return (
        text.isascii()
        and text.isprintable()
        and min(lengths) > 0
        and max(lengths) <= MAX_NAME_LENGTH
        and tuple(map(str.strip, names)) == names
    )


def _times(moments: Sequence[Any]) -> list[datetime] | None:
    if not _are(str, moments) or not _MOMENTS.fullmatch("\n".join((*moments, ""))):
        return None
    try:
        return [datetime.fromisoformat(each).astimezone(UTC) for each in moments]
    except (ValueError, OverflowError):
        return None


def _in_utc(moment: str, time: datetime) -> str:
    """As `time.isoformat()`, which takes twice as long, where the text is of UTC already."""
    if not moment.endswith(("Z", "+00:00")):
        return time.isoformat()
    return (
        f"{moment[:19]}.{time.microsecond:06}+00:00" if time.microsecond else f"{moment[:19]}+00:00"
    )


def _tokens(counts: Sequence[Any]) -> list[Tokens] | None:
    if not _are(dict, counts):
        return None
    said = {
        name
        for names in set(map(tuple, cast("Sequence[dict[str, Any]]", counts)))
        for name in names
    }
    if not said <= set(TOKEN_CLASSES):
        return None
    nothing = [0] * len(counts)
    columns = [
        [each.get(name, 0) for each in counts] if name in said else nothing
        for name in TOKEN_CLASSES
    ]
    if not all(_are(int, each) and min(each) >= 0 and max(each) <= MAX_TOKENS for each in columns):
        return None
    # What Tokens would ask of each has been asked.
    return list(map(Tokens._make, zip(*columns, strict=True)))
