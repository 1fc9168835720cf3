"""The rows of LiteLLM's map of prices that state the price of tokens, in our names. Pure.

The map names a model by a key, and what it has of it by `litellm_provider`, `mode` and prices per
token. What is not understood is left out and named: a wrong price is worse than none.
https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any, NamedTuple, cast

from allowance.prices.seeding.litellm_names import MODES, NAMES, PROVIDERS
from allowance.prices.terms import Variant

FIELDS = {
    "input_price": "input_cost_per_token",
    "output_price": "output_cost_per_token",
    "cache_read_price": "cache_read_input_token_cost",
    "cache_write_price": "cache_creation_input_token_cost",
    "cache_write_1h_price": "cache_creation_input_token_cost_above_1hr",
}
"""Our price -> the map's, in our order."""

SIGNIFICANT = Context(prec=10)
"""LiteLLM writes floats: 8.000000000000001e-07 is 8e-07."""

TIER = re.compile(r"_above_(\d+)k_tokens(?=_|$)")
VARIANTS: Mapping[str, Variant] = {
    "_batches": "batch",
    "_flex": "flex",
    "_priority": "priority",
}
"""The end of a price's name -> the variant that it is of. Others stay unread, such as `_ultrafast`
and `_decisions`.
"""

UPLIFT = "regional_endpoint_uplift_multiplier"
REASONING = "output_cost_per_reasoning_token"

NAMED_OTHERWISE = "its name is of an image, a commitment or another endpoint"
PRICED_OTHERWISE = "its prices depend on more than the classes of tokens"
UNPRICED = "it has no price per token"
NO_NUMBER = "a price is no number of at least 0"
AMBIGUOUS = "two rows of this name have other prices"

type Prices = tuple[Decimal | None, ...]
"""US dollars per one million tokens, in the order of FIELDS. None is unknown."""


type Key = tuple[str, str]
"""Provider and model."""


class Level(NamedTuple):
    """The prices of a kind of processing. `tiers` has them by the input tokens to exceed."""

    prices: Prices
    tiers: Mapping[int, Prices]


class Row(NamedTuple):
    """A model of the map, with its prices by variant beside the standard ones."""

    provider: str
    model: str
    standard: Level
    variants: Mapping[Variant, Level]


MAX_NAMED = 5_000
"""The most models that are named as left out: a Lambda's response has at most 6 MB."""

MAX_SHOWN = 255
"""The most characters of a name that are repeated."""


@dataclass
class NotRead:
    """What is not understood: models by the reason, the number of all of them, and how many of the
    rows that were read have another field of a price, by its name.
    """

    left_out: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    left_out_count: int = 0
    fields: dict[str, int] = field(default_factory=dict[str, int])

    def leave_out(self, why: str, listed: str) -> None:
        """Note a model that is left out."""
        self.left_out_count += 1
        if self.left_out_count <= MAX_NAMED:
            self.left_out.setdefault(why, []).append(listed[:MAX_SHOWN])

    def leave_field(self, name: str) -> None:
        """Note a field of a row that was read."""
        if name in self.fields or len(self.fields) < MAX_NAMED:
            self.fields[name] = self.fields.get(name, 0) + 1


def rows_of(data: Mapping[str, Any]) -> tuple[list[Row], NotRead]:
    """Return the rows of a map that are understood, by provider and model, and the rest."""
    found: dict[Key, dict[str, Row]] = {}
    regional: dict[Key, Row] = {}
    rest = NotRead()
    for listed, stated in data.items():
        if (row := _row(listed, stated, rest)) is None:
            continue
        found.setdefault((row.provider, row.model), {})[listed] = row
        for name in _unread_fields(stated):
            rest.leave_field(name[:MAX_SHOWN])
        if factor := stated.get(UPLIFT):
            raised = _at_regional_endpoint(row, factor)
            regional[raised.provider, raised.model] = raised
    merged = (_merged(rows, rest) for rows in found.values())
    by_key = {(row.provider, row.model): row for row in merged if row is not None}
    return sorted((by_key | regional).values(), key=lambda row: row[:2]), rest


def _merged(rows: Mapping[str, Row], rest: NotRead) -> Row | None:
    """Return the only row of a name, or the one that all its rows state. None if they differ."""
    first, *others = rows.values()
    if any(each.standard != first.standard for each in others):
        for listed in rows:
            rest.leave_out(AMBIGUOUS, listed)
        return None
    variants: dict[Variant, Level] = {}
    for name in VARIANTS.values():
        stated = [each.variants[name] for each in rows.values() if name in each.variants]
        if stated and all(each == stated[0] for each in stated):
            variants[name] = stated[0]
        elif stated:
            rest.leave_out(f"two rows of this name have other prices of {name}", first.model)
    return first._replace(variants=variants)


def _row(listed: str, stated: Any, rest: NotRead) -> Row | None:
    if not isinstance(stated, dict):
        rest.leave_out("it is no object", listed)
        return None
    fields = cast("Mapping[str, Any]", stated)
    their = str(fields.get("litellm_provider"))
    their = "vertex_ai" if their.startswith("vertex_ai-") else their
    provider, mode = PROVIDERS.get(their), str(fields.get("mode"))
    if provider is None:
        return rest.leave_out(f"its provider is {_shown(their)}", listed)
    if mode not in MODES:
        return rest.leave_out(f"its mode is {_shown(mode)}", listed)
    prefix = "bedrock/" if provider == "bedrock" else f"{their}/"
    model, pattern = listed.removeprefix(prefix), NAMES.get(provider)
    if pattern is not None and not pattern.fullmatch(model):
        return rest.leave_out(NAMED_OTHERWISE, listed)
    if _is_priced_otherwise(fields):
        return rest.leave_out(PRICED_OTHERWISE, listed)
    try:
        standard = _level(fields, "")
        variants: list[tuple[Variant, Level]] = [
            (name, _level(fields, suffix)) for suffix, name in VARIANTS.items()
        ]
    except ValueError:
        return rest.leave_out(NO_NUMBER, listed)
    if not any(standard.prices):
        return rest.leave_out(UNPRICED, listed)
    priced = dict(each for each in variants if any(each[1].prices))
    return Row(provider, model, standard, priced)


def _is_priced_otherwise(stated: Mapping[str, Any]) -> bool:
    """Return whether other units, or reasoning apart, make the five prices incomplete."""
    reasoning = stated.get(REASONING)
    return "tiered_pricing" in stated or (
        reasoning is not None and reasoning != stated.get("output_cost_per_token")
    )


def _level(stated: Mapping[str, Any], suffix: str) -> Level:
    tiers = {
        1000 * int(match[1]): _prices(stated, f"{match[0]}{suffix}")
        for name in stated
        if (match := TIER.search(name))
    }
    priced = {above: tiers[above] for above in sorted(tiers) if any(tiers[above])}
    return Level(_prices(stated, suffix), priced)


def _prices(stated: Mapping[str, Any], suffix: str) -> Prices:
    return tuple(_usd(stated.get(f"{name}{suffix}")) for name in FIELDS.values())


def _usd(per_token: Any) -> Decimal | None:
    """Return USD per one million tokens. A zero marks a class that the model lacks. Raise
    ValueError for what is no price.
    """
    if per_token is None:
        return None
    if type(per_token) not in {int, float, Decimal} or not 0 <= per_token < 1:
        raise ValueError(per_token)
    exact = Decimal(str(per_token)) * 10**6
    return SIGNIFICANT.create_decimal(exact).normalize() if exact else None


def _at_regional_endpoint(row: Row, factor: Any) -> Row:
    """Return the row of Google's regional endpoints, which cost more."""
    by = Decimal(str(factor))

    def raised(level: Level) -> Level:
        return Level(
            _times(level.prices, by),
            {above: _times(prices, by) for above, prices in level.tiers.items()},
        )

    variants: dict[Variant, Level] = {name: raised(level) for name, level in row.variants.items()}
    return Row("google", f"regional/{row.model}", raised(row.standard), variants)


def _times(prices: Prices, factor: Decimal) -> Prices:
    return tuple(price and (price * factor).normalize() for price in prices)


def _unread_fields(stated: Mapping[str, Any]) -> Iterator[str]:
    """Yield the fields of a row that was read which state another price."""
    for name, value in stated.items():
        if "cost" in name and value and _plain(name) not in {*FIELDS.values(), REASONING}:
            yield name


def _plain(name: str) -> str:
    """Return the name of a price without a variant that is read, and without a tier."""
    suffix = next((each for each in VARIANTS if name.endswith(each)), "")
    return TIER.sub("", name.removesuffix(suffix))


def _shown(word: str) -> str:
    """Return a word of the map that is safe to repeat."""
    return word if word.isprintable() and len(word) <= 60 else "no word"
