"""Read plain usage records by columns, in half the time of one by one. Nearly all are plain.

A plain record needs no further check. Its names are printable ASCII without a space at either end,
and without a character that JSON escapes. Its time is RFC 3339, and its tokens are in our classes.
Python's built-in functions check a whole column of a thousand records at once. `records.usage_of`
reads any other record, and only it reports what is wrong.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain
from operator import itemgetter
from typing import Any, cast, get_args

from allowance.contract.fields import MAX_NAME_LENGTH, rfc3339
from allowance.prices.cost import MAX_TOKENS, TOKEN_CLASSES, Tokens
from allowance.prices.terms import Variant
from allowance.usage.columns import UsageColumns
from allowance.usage.content import plain_contents_sha256
from allowance.usage.labels import plain_labels_text
from allowance.usage.record_shape import OWN_SOURCE
from allowance.usage.records import Usage, key_digest_of
from allowance.usage.variants import variant_of

_NAMES = ("source", "id", "user", "provider", "model")
_REQUIRED = frozenset((*_NAMES, "occurred_at", "tokens"))
_MORE = frozenset({"labels", "group", "provider_name"})
_ALLOWED = _REQUIRED | _MORE | {"variant"}
_VARIANTS = {None, *get_args(Variant)}
_TIMES = re.compile(
    r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}"
    r"(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})\n)*"
)
"""A subset of `contract.fields.MOMENT_FORM`, one timestamp a line: upper case, hours to 23."""

_IN_UTC = frozenset({"Z", "+00:00"})
_MICROSECONDS_END = len("2026-11-27T06:00:00.000000")

_columns_of = itemgetter(*_NAMES, "occurred_at", "tokens")


def plain_usages(records: Sequence[object]) -> list[Usage | None]:
    """Return the usage of each plain record, in order; None for any other record.

    `plain_columns` is quicker where all records are plain.
    """
    with_plain_keys = {place: each for place, each in enumerate(records) if _has_plain_keys(each)}
    found = dict(zip(with_plain_keys, _by_halves(list(with_plain_keys.values())), strict=True))
    return [found.get(place) for place in range(len(records))]


def _has_plain_keys(record: object) -> bool:
    return isinstance(record, dict) and _are_plain_keys(cast("dict[str, Any]", record))


def _are_plain_keys(keys: Iterable[str]) -> bool:
    return _REQUIRED <= set(keys) <= _ALLOWED


def _by_halves(records: Sequence[object]) -> list[Usage | None]:
    """Like `plain_usages`, for records with plain keys.

    Halve the records until each half is plain or a single record, so that a record that is not
    plain costs the others little.
    """
    if (read := plain_columns(records)) is not None:
        return [*read.usages()]
    if len(records) <= 1:
        return [None for _ in records]
    middle = len(records) // 2
    return _by_halves(records[:middle]) + _by_halves(records[middle:])


def plain_columns(records: Sequence[object]) -> UsageColumns | None:
    """Return the usages if all records are plain, else None."""
    if not _are(dict, records):
        return None
    objects = cast("Sequence[dict[str, Any]]", records)
    shapes = set(map(tuple, objects))
    if not all(map(_are_plain_keys, shapes)):
        return None
    *names, times_as_text, counts = zip(*map(_columns_of, objects), strict=True)
    variants = [each.get("variant") for each in objects]
    if not (
        all(map(_are_plain, names))
        and OWN_SOURCE not in names[0]
        and set(map(type, variants)) <= {str, type(None)}
    ):
        return None
    if not set(variants) <= _VARIANTS:
        variants = [variant_of(each) for each in variants]
        if not set(variants) <= _VARIANTS:
            return None
    times, tokens = _times(times_as_text), _tokens(counts)
    if times is None or tokens is None:
        return None
    sources, ids, users, providers, models = names
    more: tuple[Sequence[str], Sequence[str | None], Sequence[str | None]] | None
    if _MORE.isdisjoint(chain.from_iterable(shapes)):
        more = [""] * len(objects), [None] * len(objects), [None] * len(objects)
    elif (more := _more(objects)) is None:
        return None
    in_utc = _texts_in_utc(times_as_text, times)
    contents = plain_contents_sha256(users, providers, models, variants, in_utc, tokens, *more)
    digests = list(map(key_digest_of, sources, ids))
    return UsageColumns(
        sources, ids, digests, users, providers, models, variants, times, tokens, contents, *more
    )


def _more(
    objects: Sequence[dict[str, Any]],
) -> tuple[list[str], list[str | None], list[str | None]] | None:
    """Return the labels, groups and names of providers if all are plain, else None."""
    labels: list[str] = []
    for each in objects:
        given = each.get("labels")
        if given is None:
            labels.append("")
            continue
        if not isinstance(given, dict):
            return None
        try:
            text = plain_labels_text(tuple(cast("dict[str, object]", given).items()))
        except TypeError:  # A list or an object has no hash.
            return None
        if text is None:
            return None
        labels.append(text)
    groups, provider_names = (
        [each.get(name) for each in objects] for name in ("group", "provider_name")
    )
    given_names = tuple(each for each in (*groups, *provider_names) if each is not None)
    return (labels, groups, provider_names) if not given_names or _are_plain(given_names) else None


def _are(kind: type, values: Sequence[object]) -> bool:
    return set(map(type, values)) == {kind}


def _are_plain(names: Sequence[Any]) -> bool:
    if not _are(str, names):
        return False
    # Nearly all columns have few different names.
    distinct = tuple(set(names))
    text = "".join(distinct)
    lengths = set(map(len, distinct))
    return (
        text.isascii()
        and text.isprintable()
        and '"' not in text
        and "\\" not in text
        and min(lengths) > 0
        and max(lengths) <= MAX_NAME_LENGTH
        and tuple(map(str.strip, distinct)) == distinct
    )


def _times(texts: Sequence[Any]) -> list[datetime] | None:
    if not _are(str, texts) or not _TIMES.fullmatch("\n".join((*texts, ""))):
        return None
    try:
        times = map(datetime.fromisoformat, texts)
        return [each if each.tzinfo is UTC else each.astimezone(UTC) for each in times]
    except (ValueError, OverflowError):
        return None


def _texts_in_utc(texts: Sequence[str], times: Sequence[datetime]) -> list[str]:
    """Return `rfc3339` of the times, from the texts where they are in UTC: that is quicker."""
    return [
        f"{text[:_MICROSECONDS_END]}Z"
        if text[_MICROSECONDS_END:] in _IN_UTC
        else _in_utc(text, time)
        for text, time in zip(texts, times, strict=True)
    ]


def _in_utc(text: str, time: datetime) -> str:
    if not text.endswith(("Z", "+00:00")):
        return rfc3339(time)
    return f"{text[:19]}.{time.microsecond:06}Z"


def _tokens(counts: Sequence[Any]) -> list[Tokens] | None:
    if not _are(dict, counts):
        return None
    given = {
        name
        for names in set(map(tuple, cast("Sequence[dict[str, Any]]", counts)))
        for name in names
    }
    if not given <= set(TOKEN_CLASSES):
        return None
    zeros = [0] * len(counts)
    columns = [
        [each.get(name, 0) for each in counts] if name in given else zeros for name in TOKEN_CLASSES
    ]
    if not all(
        each is zeros or (_are(int, each) and min(each) >= 0 and max(each) <= MAX_TOKENS)
        for each in columns
    ):
        return None
    # `_make` skips the checks of Tokens, which the line above made.
    return list(map(Tokens._make, zip(*columns, strict=True)))
