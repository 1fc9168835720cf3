"""Preconditions of a write on the current version: If-Match and If-None-Match (RFC 9110, 13.1)."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self


@dataclass(frozen=True)
class Precondition:
    """The condition on the current version of a budget under which a write happens (RFC 9110,
    13.1).
    """

    must_exist: bool = False
    """If-Match: *"""
    versions: tuple[datetime, ...] | None = None
    """If-Match with entity tags: the current version must be one of these. None: no condition."""
    must_be_absent: bool = False
    """If-None-Match: *"""
    excluded_versions: tuple[datetime, ...] = ()
    """If-None-Match with entity tags: the current version must be none of these."""

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the SQL fragment `precondition`."""
        return {
            "must_exist": self.must_exist,
            "versions": None if self.versions is None else list(self.versions),
            "must_be_absent": self.must_be_absent,
            "excluded_versions": list(self.excluded_versions),
        }

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Self:
        """Return the precondition of a request, by lower-case header names. A tag that is not ours
        names no version, so it never matches.
        """
        match, none_match = headers.get("if-match"), headers.get("if-none-match")
        return cls(
            must_exist=match is not None and match.strip() == "*",
            versions=None if match is None or match.strip() == "*" else _versions(match),
            must_be_absent=none_match is not None and none_match.strip() == "*",
            # RFC 9110, 13.1.2 asks for weak comparison: here a weak tag names its version too.
            excluded_versions=_versions((none_match or "").replace("W/", "")),
        )


_ENTITY_TAG = re.compile(r'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)"', re.ASCII)


def _versions(header: str) -> tuple[datetime, ...]:
    versions: list[datetime] = []
    for tag in header.split(","):
        if found := _ENTITY_TAG.fullmatch(tag.strip()):
            with suppress(ValueError):  # For example the 31st of February: no version has it.
                versions.append(datetime.fromisoformat(found[1]))
    return tuple(versions)
