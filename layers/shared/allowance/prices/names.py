"""The rows of the price book that a name can mean: gateways rarely send the name of a price list.
Pure.

A rule removes a part of a name that does not change the price (a date, a path, a spelling).
Exceptions are the releases in OTHERWISE_PRICED. Other rules name where the same model is sold at
the same price. No rule guesses. Sizes and kinds (-mini) stay. The rules of genai-prices have the
last word on which model a name means.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from allowance.prices.bedrock_names import (
    BEDROCK,
    IN_REGION,
    bedrock_id,
    bedrock_names,
    needs_own_row,
)
from allowance.prices.match_rules import matcher
from allowance.prices.name_marks import unmarked
from allowance.prices.name_spellings import spelled
from allowance.prices.name_tables import GATEWAYS, OTHERWISE_PRICED, RULED_AS, SOLD_ALIKE
from allowance.prices.sellers import huggingface_host, platform_of, seller_of

MAX_CANDIDATES = 24
EXACT = "the name as sent"
PATHS = re.compile(
    r"(?:(?:projects/[^/]+/)?locations/([^/]+)/)?(?:publishers/[^/]+/)?models/|publishers/[^/]+/"
)
AZURE_GLOBAL = re.compile(r"(?:global|global-standard)/")
AZURE_ZONE = re.compile(r"(?:us-gov|us|eu|apac)/")
"""Data zones and regions cost 10% to 38% more, by zone and model (Azure, by LiteLLM 1.110.2)."""

REGIONAL = "regional/"
"""The prefix of Vertex AI's rows for endpoints other than the global one."""

DEARER_ABROAD = re.compile(
    r"claude-(?:[a-z]+-(?:4-[5-9]|[5-9])|mythos)|gemini-(?:3\.1-flash|3\.[5-9]|[4-9])"
)
"""Claude 4.5 and later (Anthropic's price page), and Gemini 3.1 Flash and later (Google, by LiteLLM
1.110.2) cost 10% more at regional endpoints of Vertex AI.
"""


PLACES = {
    BEDROCK: re.compile(rf"^{IN_REGION.pattern}"),
    "azure": re.compile(rf"^{AZURE_ZONE.pattern}"),
    "google": re.compile(rf"^{REGIONAL}"),
}
"""The place in a name, which says nothing about the model."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that a name can mean, and the rule that leads to it, in words for people.

    `is_sellers`: the seller in the name sells it. Otherwise it is the row of another seller, whose
    price a platform charges: what somebody agreed with that seller comes after all that is known of
    the platform.
    """

    provider: str
    model: str
    rule: str
    is_sellers: bool = True


def candidates(provider: str, model: str) -> list[Candidate]:
    """Return the candidate rows of a name, most likely first. The first one with a price applies.

    The first candidate is the name as sent. Names compare without regard to case; the rules produce
    lower case. All others are rows of one model, if genai-prices knows which model the name means.
    """
    found = {(provider, model): Candidate(provider, model, EXACT)}
    others = _other_sellers(provider, model)
    for seller, name, rules in _of_one_model(provider, model):
        rule = "; ".join(rules) or EXACT
        found.setdefault((seller, name), Candidate(seller, name, rule, seller not in others))
    return list(found.values())[:MAX_CANDIDATES]


def _other_sellers(provider: str, model: str) -> set[str]:
    """Return the sellers whose rows price a name of a platform without being the platform."""
    seller, _, _ = _addressed(provider, model)
    platform = platform_of(provider, model)
    return {*SOLD_ALIKE.get(seller, ()), *({seller} if platform not in {None, seller} else ())}


@lru_cache(maxsize=4096)
def makers_of(provider: str, model: str) -> list[str]:
    """Return the makers at whose prices the platform in a name sells their models, sorted."""
    seller, _, _ = _addressed(provider, model)
    return sorted(SOLD_ALIKE.get(seller, {}))


def is_platform_of(provider: str, model: str, priced_provider: str) -> bool:
    """Return whether a name as sent is of a platform that sells the model at its maker's price, and
    the price is the maker's.
    """
    return priced_provider in makers_of(provider, model)


@lru_cache(maxsize=4096)
def sold_as(provider: str, model: str) -> tuple[str, str]:
    """Return who sells what a name means, and one name for all that mean the same there.

    The seller is the platform, if the name is of one. The name is the shortest that the rules lead
    to, so a dated release and its family have the same, unless they differ in price.
    """
    seller, bare, _ = _addressed(provider, model)
    others = (each.model.lower() for each in candidates(provider, model)[1:])
    # Of equal length are the spellings of a version. Only Anthropic writes hyphens for its dots.
    dots = 1 if "claude" in bare else -1
    name = min({bare, *others}, key=lambda each: (len(each), dots * each.count("."), each))
    return platform_of(provider, model) or seller, name


type Led = tuple[str, str, tuple[str, ...]]
"""The seller and the name of a row, and the rules that lead to it."""


def _of_one_model(provider: str, model: str) -> Iterator[Led]:
    """Yield the rows that the rules here lead to, and those that genai-prices leads to.

    A row of another model than the one that genai-prices takes the name for is left out: a wrong
    price is worse than none. A seller's own model comes before the same name of its maker.
    """
    rows = [
        (RULED_AS.get(seller, seller), seller, name, rules)
        for seller, name, rules in _read(provider, model)
    ]
    meant: dict[str, str] = {}
    priced: dict[tuple[str, str], str | None] = {}
    certain: list[Led] = []
    is_regional = any(_needs_own_row(seller, name) for _, seller, name, _ in rows)
    seller = seller_of(provider.lower())
    as_sent = (seller, seller, model.lower(), _sold_by(provider.lower(), seller))
    for rules_of, _, name, rules in (as_sent, *rows):
        if (rules_of, name) in priced or (known := matcher(rules_of)) is None:
            continue
        anywhere = PLACES[rules_of].sub("", name) if rules_of in PLACES else name
        found = known.match(anywhere)
        priced[rules_of, name] = known.id_of(name) or (found and found.model)
        if (
            found
            and found.model == meant.setdefault(rules_of, found.model)
            and found.is_certain
            and not is_regional
        ):
            why = f"{anywhere} means {found.model} in the rules of genai-prices"
            certain.append((rules_of, found.model.lower(), (*rules, why)))
    makers = SOLD_ALIKE.get(rows[0][0], {})
    for rules_of, seller, name, rules in rows:
        if rules_of in makers:
            yield from (row for row in certain if row[0] not in makers)
        if rules_of not in meant or priced[rules_of, name] == meant[rules_of]:
            yield seller, name, rules
    yield from certain


def _read(provider: str, model: str) -> Iterator[Led]:
    seller, name, rules = _addressed(provider, model)
    if arn_or_id := bedrock_id(seller, name):
        why = () if seller == BEDROCK else ("a model id of Amazon Bedrock",)
        plain, marks = unmarked(BEDROCK, arn_or_id)
        yield BEDROCK, arn_or_id, (*rules, *why)
        for each, more in bedrock_names(plain):
            yield BEDROCK, each, (*rules, *why, *marks, *more)
        return
    makers = [maker for maker, of in SOLD_ALIKE.get(seller, {}).items() if re.match(of, name)]
    platform = platform_of(provider, model)
    if platform == "google-vertex" and name.startswith("claude"):
        platform = "google-vertex-anthropic"
    is_otherwise_priced = any((each, name) in OTHERWISE_PRICED for each in (seller, *makers))
    if seller == "azure" and (zone := AZURE_ZONE.match(name)):
        bare, why = name[zone.end() :], (*rules, f"in the zone {zone[0]}")
        is_alone = ("openai", bare) in OTHERWISE_PRICED
        for each, more in [(bare, why)] if is_alone else spelled(seller, bare, why):
            yield seller, f"{zone[0]}{each}", more
        return
    if seller == "google" and name.startswith(REGIONAL):
        name = name.removeprefix(REGIONAL)
        for each, more in spelled(seller, name, (*rules, "at a regional endpoint")):
            yield seller, f"{REGIONAL}{each}", more
        if DEARER_ABROAD.match(name):
            return
    names = [(name, rules)] if is_otherwise_priced else spelled(seller, name, rules)
    for each, why in names:
        if platform is not None:
            yield platform, each, (*why, f"under the platform's own prices, {platform}")
        # The maker's row of a dated name comes before the seller's row of the undated one: the
        # dates can differ in price.
        yield seller, each, why
        for maker in makers:
            yield maker, each, (*why, f"sold by {seller} at the price of {maker}")
    if (own := provider.lower()) != seller:
        yield own, name, (*rules, "under the provider's own name")


def _addressed(provider: str, model: str) -> tuple[str, str, tuple[str, ...]]:
    """Return the seller, the bare name in lower case, and the rules that were applied."""
    sent = provider.lower()
    seller = seller_of(sent)
    rules = [*_sold_by(sent, seller)]
    name = model.lower()
    if name != model or sent != provider:
        rules.append("in lower case")
    while "/" in name:
        prefix, rest = name.split("/", 1)
        if not rest or not (seller in GATEWAYS or seller_of(prefix) in {seller, *GATEWAYS}):
            break
        seller = seller if seller_of(prefix) in GATEWAYS else seller_of(prefix)
        name = rest
        rules.append(f"without the prefix {prefix}/")
    if seller == "huggingface" and (host := huggingface_host(name)):
        name, seller = host
        rules.append(f"at the host {seller.removeprefix('huggingface_')}")
    if seller == "google" and (path := PATHS.match(name)):
        is_global = path[1] in {None, "global"}
        name = f"{'' if is_global else REGIONAL}{name[path.end() :]}"
        rules.append("without the path")
    if seller == "azure" and (kind := AZURE_GLOBAL.match(name)):
        name = name[kind.end() :]
        rules.append("without the kind of deployment")
    return seller, name, tuple(rules)


def _needs_own_row(seller: str, name: str) -> bool:
    """Return whether a row is of a region whose price no other row states."""
    if seller == "google":
        return DEARER_ABROAD.match(name.removeprefix(REGIONAL)) is not None and name.startswith(
            REGIONAL
        )
    if seller == "azure":
        return AZURE_ZONE.match(name) is not None
    return seller == BEDROCK and needs_own_row(name)


def _sold_by(provider: str, seller: str) -> tuple[str, ...]:
    return () if seller == provider else (f"{provider} is {seller} in the price book",)
