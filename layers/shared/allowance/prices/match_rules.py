"""The match rules of genai-prices: which of its models a name means. Pure; `match_rules.json` has
the rules, in the order in which the package asks them, and `make price-book` writes it.

The package asks for the beginning or a part of a name too, so it takes `gemini-2.5-pro-ultra` for
Gemini 2.5 Pro. Such a match is certain only if the rest of the name is a date or another mark of a
release. An uncertain match leads to no price, but it still says which model the name cannot be.
"""

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

RULES_FILE = Path(__file__).with_name("match_rules.json")

type Clause = str | list["Clause"]
"""`=name`, `^beginning`, `$end`, `*part` or `~regex`; or a list: `&` or `|`, then clauses."""

RELEASE = re.compile(
    r"(?:-preview|-latest|-v1(?::0)?|-00\d"
    r"|[-@]20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    r"|[-@]20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"|-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])|-(?:0[1-9]|1[0-2])-20\d\d"
    r"|-\d{4}|@(?:default|latest))*"
)
"""What can follow the beginning of a name without making it another model."""

COMPACT_DATE = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


class Match(NamedTuple):
    """The id of a model of genai-prices, and whether the name can mean no other."""

    model: str
    is_certain: bool


class Matcher:
    """The rules for the names of one provider."""

    def __init__(self, models: Sequence[tuple[str, Sequence[Clause]]]) -> None:
        self._models = [model for model, _ in models]
        self._ids = {model.lower(): model for model in self._models}
        self._names: dict[str, int] = {}
        self._others: list[tuple[int, str, Clause]] = []
        for place, (_, clauses) in enumerate(models):
            for clause in clauses:
                if isinstance(clause, str) and clause.startswith("="):
                    self._names.setdefault(clause[1:], place)
                else:
                    self._others.append((place, _needle(clause), clause))

    def match(self, name: str) -> Match | None:
        """Return the model that a name in lower case means, by the package, or None."""
        found = self._first(name)
        if found is None and (dashed := COMPACT_DATE.sub(r"-\1-\2-\3", name)) != name:
            found = self._first(dashed)
        return found

    def id_of(self, name: str) -> str | None:
        """Return the id of a model that is this name in lower case, or None."""
        return self._ids.get(name)

    def _first(self, name: str) -> Match | None:
        first = self._names.get(name)
        is_certain = first is not None
        for place, needle, clause in self._others:
            if first is not None and place > first:
                break
            # The look for the text spares the clause: some providers have hundreds of them.
            if needle in name and (certain := _matched(clause, name)) is not None:
                is_certain = certain or (is_certain and place == first)
                first = place
        return None if first is None else Match(self._models[first], is_certain)


@cache
def matcher(provider: str) -> Matcher | None:
    """Return the rules for the names of a provider of the price book, or None."""
    models = _rules().get(provider)
    return None if models is None else Matcher(models)


@cache
def _rules() -> dict[str, list[tuple[str, list[Clause]]]]:
    # Read at the first name, not at import: a route without prices never needs it.
    return json.loads(RULES_FILE.read_text(encoding="utf-8"))["providers"]


def _needle(clause: Clause) -> str:
    """Return a text without which no name matches the clause."""
    return "" if isinstance(clause, list) or clause.startswith("~") else clause[1:]


def _matched(clause: Clause, name: str) -> bool | None:
    """Return whether the match is certain, or None if the clause does not match."""
    if isinstance(clause, list):
        return _joined(clause, name)
    kind, text = clause[0], clause[1:]
    if kind == "~":
        is_whole = text.startswith("^") and text.endswith("$")
        return is_whole if re.search(text, name) else None
    before, found, after = name.rpartition(text) if kind == "$" else name.partition(text)
    if not found or (before and kind in "=^") or (after and kind in "=$"):
        return None
    rest = f"-{after}" if after and text.endswith(("-", "@")) else after
    return not before and RELEASE.fullmatch(rest) is not None


def _joined(clause: Sequence[Clause], name: str) -> bool | None:
    how, *parts = clause
    found = [_matched(each, name) for each in parts]
    matches = [each for each in found if each is not None]
    if not matches or (how == "&" and len(matches) < len(parts)):
        return None
    return any(matches)
