"""The rows of the price book that a name can mean: gateways rarely send the name of a price list.
Pure.

A rule removes a part of a name that does not change the price (a date, a path, a spelling).
Exceptions are the releases in OTHERWISE_PRICED. Other rules name where the same model is sold at
the same price. No rule guesses. Sizes and kinds (-mini) stay.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from allowance.prices.bedrock_names import BEDROCK, bedrock_id, bedrock_names
from allowance.prices.name_tables import (
    GATEWAYS,
    OTHERWISE_PRICED,
    OWN_PLATFORMS,
    PROVIDERS,
    SAME_MODEL,
    SOLD_ALIKE,
)

MAX_CANDIDATES = 24
EXACT = "the name as sent"
PATHS = re.compile(
    r"(?:(?:projects/[^/]+/)?locations/[^/]+/)?(?:publishers/[^/]+/)?models/|publishers/[^/]+/"
)
AZURE_REGION = re.compile(r"(?:global|global-standard|eu|us)/")
FINE_TUNED = re.compile(r"ft:([^:]+):.+")
DATE = re.compile(
    r"[-@]20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    r"|-20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"|@(?:default|latest)"
)
PREVIEW_DATE = re.compile(r"-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$")
CLAUDE = re.compile(r"claude-(?:(\d(?:[.-]\d)?)-([a-z]+)|([a-z]+)-(\d(?:[.-]\d)?))")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that a name can mean, and the rule that leads to it, in words for people."""

    provider: str
    model: str
    rule: str


def candidates(provider: str, model: str) -> list[Candidate]:
    """Return the candidate rows of a name, most likely first. The first one with a price applies.

    The first candidate is the name as sent. Names compare without regard to case; the rules produce
    lower case.
    """
    found = {(provider, model): Candidate(provider, model, EXACT)}
    for seller, name, rules in _read(provider, model):
        found.setdefault((seller, name), Candidate(seller, name, "; ".join(rules) or EXACT))
    return list(found.values())[:MAX_CANDIDATES]


def _read(provider: str, model: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    seller, name, rules = _addressed(provider, model)
    if arn_or_id := bedrock_id(seller, name):
        why = () if seller == BEDROCK else ("a model id of Amazon Bedrock",)
        for each, more in bedrock_names(arn_or_id):
            yield BEDROCK, each, (*rules, *why, *more)
        return
    makers = [maker for maker, of in SOLD_ALIKE.get(seller, {}).items() if re.match(of, name)]
    platform = _platform(provider, model)
    if platform == "google-vertex" and name.startswith("claude"):
        platform = "google-vertex-anthropic"
    is_otherwise_priced = any((each, name) in OTHERWISE_PRICED for each in (seller, *makers))
    for each, why in [(name, rules)] if is_otherwise_priced else _names(name, rules):
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
    rules: list[str] = []
    sent = provider.lower()
    seller = seller_of(sent)
    if seller != sent:
        rules.append(f"{sent} is {seller} in the price book")
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
    if seller == "google" and (path := PATHS.match(name)):
        name = name[path.end() :]
        rules.append(
            "without the path; the price is that of the global endpoint, others may cost 10% more"
        )
    if seller == "azure" and (region := AZURE_REGION.match(name)):
        name = name[region.end() :]
        rules.append(
            "without the kind of deployment; the price is that of global ones, others "
            "may cost 10% more"
        )
    return seller, name, tuple(rules)


def _platform(provider: str, model: str) -> str | None:
    """Return the platform that the provider, or the prefix after a gateway's name, stands for."""
    sent, rest = provider.lower().replace("_", "-"), model.lower()
    while sent in GATEWAYS and "/" in rest:
        sent, rest = rest.split("/", 1)
        sent = sent.replace("_", "-")
    return OWN_PLATFORMS.get(sent)


def seller_of(provider: str) -> str:
    """Return the name that the price book has for a provider."""
    hyphened = provider.replace("_", "-")
    return PROVIDERS.get(hyphened, hyphened if hyphened in GATEWAYS else provider)


def _names(name: str, rules: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the name, the name without its date, and other spellings of the latter."""
    yield name, rules
    if tuned := FINE_TUNED.fullmatch(name):
        base, why = _undated(tuned[1])
        yield f"ft:{base}", (*rules, "a fine-tuned model is priced by what it was tuned from", *why)
        return
    plain, why = _undated(name)
    rules = (*rules, *why)
    yield plain, rules
    if plain.endswith("-latest"):
        plain = plain.removesuffix("-latest")
        rules = (*rules, "the latest of its family")
        yield plain, rules
    if same := SAME_MODEL.get(name) or SAME_MODEL.get(plain):
        yield same, (*rules, f"the same model as {plain}")
    for spelled in _spellings(plain):
        yield spelled, (*rules, f"another spelling of {plain}")


def _undated(name: str) -> tuple[str, tuple[str, ...]]:
    """Return the name without its release: `-20250929`, `-2024-08-06`, `@20250514`,
    `-preview-05-20`, or Gemini's `-001`; with the rule.
    """
    if "-preview-" in name and (day := PREVIEW_DATE.search(name, name.rindex("-preview-"))):
        return name[: day.start()], (f"without the date {day[0]}",)
    if found := re.search(rf"(?:{DATE.pattern})$", name):
        return name[: found.start()], (f"without the date {found[0]}",)
    if name.startswith("gemini-") and (numbered := re.search(r"-00\d$", name)):
        return name[: numbered.start()], (f"without the number of its release {numbered[0]}",)
    return name, ()


def _spellings(name: str) -> Iterator[str]:
    """Yield other spellings: a version with dots or hyphens, Azure's `gpt-35`, Claude's family
    before or after its version, or as -latest.
    """
    if name.startswith("gpt-35-"):
        yield f"gpt-3.5-{name.removeprefix('gpt-35-')}"
    yield re.sub(r"(?<=\d)\.(?=\d)", "-", name)
    yield re.sub(r"(?<![\d.])(\d)-(\d)(?=-|$)", r"\1.\2", name)
    if claude := CLAUDE.fullmatch(name):
        version, family = claude[1] or claude[4], claude[2] or claude[3]
        hyphened = version.replace(".", "-")
        yield f"claude-{family}-{hyphened}"
        yield f"claude-{hyphened}-{family}"
        if len(version) == 1:
            yield f"claude-{family}-{version}-0"
        yield f"claude-{hyphened}-{family}-latest"
