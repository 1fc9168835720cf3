"""The match rules of genai-prices as a data file of the layer, one model a line."""

import json
from collections.abc import Iterator, Mapping, Sequence

from genai_prices.types import (
    ClauseAnd,
    ClauseContains,
    ClauseEndsWith,
    ClauseEquals,
    ClauseOr,
    ClauseRegex,
    ClauseStartsWith,
    MatchLogic,
    Provider,
)

from allowance.prices.match_rules import Clause
from local.price_book.genai import PROVIDERS, SOURCE

type Rules = Mapping[str, Sequence[tuple[str, Sequence[Clause]]]]
"""The models of each provider of the book with their clauses, in the order of the package."""


def match_rules(providers: Sequence[Provider]) -> Rules:
    """Return the rules by the price book's name of the provider."""
    rules: dict[str, list[tuple[str, Sequence[Clause]]]] = {}
    for provider in providers:
        rules.setdefault(PROVIDERS.get(provider.id, provider.id), []).extend(
            (model.id, list(_alternatives(model.match))) for model in provider.models
        )
    return rules


def render(rules: Rules, version: str) -> str:
    """Return the document as JSON, one model a line."""
    lines = ["{", f'"source": {json.dumps(f"{SOURCE} {version}")},', '"providers": {']
    for provider, models in rules.items():
        rows = [json.dumps(row, separators=(",", ":")) for row in models]
        lines += [f"{json.dumps(provider)}: [", *(f"{row}," for row in rows[:-1]), *rows[-1:], "],"]
    lines[-1] = "]"
    return "\n".join([*lines, "}}"]) + "\n"


def _alternatives(match: MatchLogic) -> Iterator[Clause]:
    if isinstance(match, ClauseOr):
        for each in match.or_:
            yield from _alternatives(each)
    else:
        yield _clause(match)


def _clause(match: MatchLogic) -> Clause:
    # A regular expression alone regards the case. The name comes in lower case, as in the package.
    match match:
        case ClauseEquals(equals=text):
            return f"={text.lower()}"
        case ClauseStartsWith(starts_with=text):
            return f"^{text.lower()}"
        case ClauseEndsWith(ends_with=text):
            return f"${text.lower()}"
        case ClauseContains(contains=text):
            return f"*{text.lower()}"
        case ClauseRegex(regex=pattern):
            return f"~{pattern}"
        case ClauseAnd(and_=parts):
            return ["&", *(_clause(each) for each in parts)]
        case ClauseOr(or_=parts):
            return ["|", *(_clause(each) for each in parts)]
