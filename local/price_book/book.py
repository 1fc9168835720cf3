"""The document: merged prices in whole micro-units of US dollars per one million tokens or units,
one entry a line.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from pydantic import ValidationError

from allowance.contract.validation import problems_of
from allowance.errors import Problem
from allowance.prices.terms import RATES, PriceTerms
from local.price_book import PriceBookRefused, genai, litellm_map, models_dev
from local.price_book.merge import Merged
from local.price_book.statement import EXACT, UNIT_PREFIX, Key, Statement, Usd, micros
from local.price_book.votes import Priced

type Entry = dict[str, Any]
"""`provider`, `model`, the five prices and `sources`; optionally `unit_prices`,
`tiers`, `variants`, `effective_from`, `held`.
"""

type Rounding = dict[str, Any]
"""A price that is not whole: its entry and `field`, `exact` as a decimal number, and `rounded`."""

MAX_DIFFERENCES_SHOWN = 2
"""The most differences in the reason of a dispute. `by_source` has all."""

type Book = dict[str, Any]
"""`source`, `version`, `date`, `roundings` and `prices`: the input of SeedPrices."""


def book(merged: Merged, version: str, on: date) -> Book:
    """Return the document of the merged prices in force on a date. Raise PriceBookRefused for
    invalid terms.
    """
    prices: list[Entry] = []
    roundings: list[Rounding] = []
    for key in sorted(merged.models):
        for entry, exact in _entries(key, merged.models[key]):
            _check(entry)
            prices.append(entry)
            roundings += _roundings(entry, exact)
    return {
        "source": f"{genai.SOURCE}, {models_dev.SOURCE} and {litellm_map.SOURCE}",
        "version": version,
        "date": on.isoformat(),
        "roundings": roundings,
        "prices": prices,
    }


def half_even(exact: Decimal) -> int:
    """Return whole micro-units, rounded half-even."""
    return int(exact.to_integral_value(ROUND_HALF_EVEN))


def render(made: Book) -> str:
    """Return the document as JSON, one entry a line, so that a diff reads as a list of prices."""
    lines = [
        "{",
        *(f'  "{key}": {json.dumps(made[key])},' for key in ("source", "version", "date")),
    ]
    lines += [
        *_rows("roundings", made["roundings"]),
        "  ],",
        *_rows("prices", made["prices"]),
        "  ]",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _entries(key: Key, priced: Priced) -> Iterator[tuple[Entry, Statement]]:
    provider, model = key
    named = {"provider": provider, "model": model}
    for day, stated in priced.timeline:
        dated = {} if day is None else {"effective_from": f"{day.isoformat()}T00:00:00Z"}
        yield {**named, **_terms(stated), **dated, "sources": list(priced.sources)}, stated
    if priced.held:
        held = {"reason": _reason(priced), "by_source": _by_source(priced)}
        yield (
            {**named, **_terms(priced.held), "sources": [priced.between[1]], "held": held},
            priced.held,
        )


def _terms(stated: Statement) -> dict[str, Any]:
    tiers = [{"above_input_tokens": above, **_known(usd)} for above, usd in stated.tiers.items()]
    variants = {
        name: {**_known(each.usd), **_tiers_of(each)} for name, each in stated.variants.items()
    }
    rates = {name: _rounded(stated.usd.get(name)) for name in RATES}
    return {
        **rates,
        **_units(stated.usd),
        **({"tiers": tiers} if tiers else {}),
        **({"variants": variants} if variants else {}),
    }


def _tiers_of(stated: Statement) -> dict[str, Any]:
    tiers = [{"above_input_tokens": above, **_known(usd)} for above, usd in stated.tiers.items()]
    return {"tiers": tiers} if tiers else {}


def _known(usd: Usd) -> dict[str, Any]:
    known = {name: _rounded(usd[name]) for name in RATES if usd.get(name) is not None}
    return {**known, **_units(usd)}


def _units(usd: Usd) -> dict[str, Any]:
    units = {
        name.removeprefix(UNIT_PREFIX): _rounded(price)
        for name, price in usd.items()
        if name.startswith(UNIT_PREFIX) and price is not None
    }
    return {"unit_prices": units} if units else {}


def _rounded(usd: Decimal | None) -> int | None:
    exact = micros("price", usd)
    return None if exact is None else half_even(exact)


def _roundings(entry: Entry, stated: Statement) -> Iterator[Rounding]:
    which = {name: entry[name] for name in ("provider", "model", "effective_from") if name in entry}
    which |= {"held": True} if "held" in entry else {}
    paths = [*stated.prices()]
    paths += [
        (f"variants.{name}.{path}", usd)
        for name, each in stated.variants.items()
        for path, usd in each.prices()
    ]
    for path, usd in paths:
        exact = micros(path, usd)
        if exact is not None and exact != half_even(exact):
            yield {
                **which,
                "field": path,
                "exact": f"{exact.normalize(EXACT):f}",
                "rounded": half_even(exact),
            }


def _reason(priced: Priced) -> str:
    first, other = priced.between
    shown = [
        f"{path} {'none' if one is None else f'{one:f}'} by {first}, {second:f} by {other}"
        for path, (one, second) in priced.differences.items()
        if second is not None
    ]
    more = (
        f"; and {len(shown) - MAX_DIFFERENCES_SHOWN} more"
        if len(shown) > MAX_DIFFERENCES_SHOWN
        else ""
    )
    return (
        f"the sources differ (USD per 1M tokens): {'; '.join(shown[:MAX_DIFFERENCES_SHOWN])}{more}"
    )


def _by_source(priced: Priced) -> dict[str, Any]:
    return {
        source: _nested({path: pair[at] for path, pair in priced.differences.items()})
        for at, source in enumerate(priced.between)
    }


def _nested(by_path: Mapping[str, Decimal | None]) -> dict[str, Any]:
    """Return prices by path as an object: `tiers[200000].unit_prices.pages` goes under `tiers`,
    and there under `unit_prices`.
    """
    terms: dict[str, Any] = {}
    tiers: dict[str, dict[str, Any]] = {}
    for path, usd in by_path.items():
        place, tier = path, re.match(r"tiers\[(\d+)\]\.", path)
        if tier and usd is None:
            continue
        level = terms
        if tier:
            place = path[tier.end() :]
            level = tiers.setdefault(tier[1], {"above_input_tokens": int(tier[1])})
        name = place.removeprefix(UNIT_PREFIX)
        if name != place:
            level = level.setdefault("unit_prices", {})
        level[name] = _rounded(usd)
    return {**terms, **({"tiers": list(tiers.values())} if tiers else {})}


def _check(entry: Entry) -> None:
    try:
        PriceTerms.model_validate(
            {name: entry[name] for name in PriceTerms.model_fields if name in entry}
        )
    except ValidationError as error:
        problems: list[Problem] = problems_of(error)
        raise PriceBookRefused(f"{entry['provider']}/{entry['model']} {problems[0]}") from error


def _rows(key: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [f"    {json.dumps(row)}" for row in rows]
    return [f'  "{key}": [', *(f"{line}," for line in lines[:-1]), *lines[-1:]]
