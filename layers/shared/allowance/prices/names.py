"""Which rows of the price book a name may mean: what gateways send is rarely what a price list
says. Pure.

Every rule takes something off a name that does not change the price (a date, a path, a spelling),
but for the releases in OTHERWISE_PRICED, or says where the same model is sold at the same price;
none guesses. Sizes and kinds (-mini) stay.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from allowance.prices.bedrock_names import BEDROCK, bedrock_id, bedrock_names

MAX_CANDIDATES = 24
EXACT = "the name as sent"
PROVIDERS = {
    "aws": BEDROCK,
    "aws.bedrock": BEDROCK,
    "aws-bedrock": BEDROCK,
    "amazon": BEDROCK,
    "amazon-bedrock": BEDROCK,
    "bedrock-converse": BEDROCK,
    "bedrock-runtime": BEDROCK,
    "azure-ai": "azure",
    "azure-openai": "azure",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "azure-cognitive-services": "azure",
    "cloudflare-workers-ai": "cloudflare",
    "workers-ai": "cloudflare",
    "cohere-chat": "cohere",
    "fireworks-ai": "fireworks",
    "gcp.gemini": "google",
    "gcp.gen-ai": "google",
    "gcp.vertex-ai": "google",
    "gemini": "google",
    "google-ai-studio": "google",
    "google-genai": "google",
    "google-vertex": "google",
    "google-vertex-anthropic": "google",
    "google-vertex-ai": "google",
    "vertex": "google",
    "vertex-ai": "google",
    "vertex-ai-beta": "google",
    "vertexai": "google",
    "github-copilot": "copilot",
    "meta-llama": "meta",
    "mistral-ai": "mistral",
    "mistralai": "mistral",
    "moonshot": "moonshotai",
    "moonshot-ai": "moonshotai",
    "novita-ai": "novita",
    "perplexity-ai": "perplexity",
    "together-ai": "together",
    "togetherai": "together",
    "voyage": "voyageai",
    "voyage-ai": "voyageai",
    "x.ai": "x-ai",
    "xai": "x-ai",
    "z-ai": "zai",
    "z.ai": "zai",
}
"""What LiteLLM, OpenTelemetry, models.dev and the vendors' SDKs call the providers of the price
book.

All written with hyphens: an underscore in a provider's name is read as one.
"""

GATEWAYS = frozenset({"ai-gateway", "bifrost", "gateway", "litellm", "litellm-proxy", "portkey"})
"""Names of software, not of sellers: the model's own prefix says who sells it."""

OWN_PLATFORMS = {
    "azure-cognitive-services": "azure-cognitive-services",
    "google-vertex-anthropic": "google-vertex",
} | dict.fromkeys(
    (
        "gcp.vertex-ai",
        "google-vertex",
        "google-vertex-ai",
        "vertex",
        "vertex-ai",
        "vertex-ai-beta",
        "vertexai",
    ),
    "google-vertex",
)
"""Names of a platform that has rows of its own, at prices of its own: those come before its
vendor's.
"""

OTHERWISE_PRICED = frozenset(
    {
        ("openai", "gpt-4o-2024-05-13"),
        *((seller, "openai/gpt-4o-2024-05-13") for seller in ("kilo", "openrouter", "orcarouter")),
        ("nano-gpt", "openai/gpt-4o-2024-11-20"),
        ("llmgateway", "qwen3-max-2026-01-23"),
        ("kilo", "qwen/qwen-plus-2025-07-28"),
        ("mistral", "ministral-8b-latest"),
    }
)
"""Releases that cost something else than their family does: where they have no row, they have no
price.
"""

SAME_MODEL = {"gpt-4-0314": "gpt-4", "gpt-4-0613": "gpt-4", "grok-4": "grok-4-0709"} | {
    "gemini-2.5-flash-lite-preview-09-2025": "gemini-2.5-flash-lite"
}
"""Names that no rule may lead to another, but that are known to mean it, at its price: the makers
say so.
"""

SOLD_ALIKE = {
    "azure": {
        "openai": r"(gpt|chatgpt|codex|text-embedding|o\d)\b",
        "anthropic": r"claude\b",
        "x-ai": r"grok\b",
        "moonshotai": r"kimi\b",
    },
    "google": {"anthropic": r"claude\b"},
}
"""Makers whose price a cloud charges for a model that it does not list, by
`fallback_model_providers` of genai-prices.

Each is borne out by the models that the book has of both; Azure's DeepSeek was not, and is not
here.
"""

PATHS = re.compile(
    r"(?:(?:projects/[^/]+/)?locations/[^/]+/)?(?:publishers/[^/]+/)?models/|publishers/[^/]+/"
)
AZURE_REGION = re.compile(r"(?:global|global-standard|eu|us)/")
FINE_TUNED = re.compile(r"ft:([^:]+):.+")
DATE = re.compile(
    r"[-@]20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|-20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])|@(?:default|latest)"
)
PREVIEW_DATE = re.compile(r"-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$")
CLAUDE = re.compile(r"claude-(?:(\d(?:[.-]\d)?)-([a-z]+)|([a-z]+)-(\d(?:[.-]\d)?))")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that a name may mean, and the rule by which it may, in words for a person."""

    provider: str
    model: str
    rule: str


def candidates(provider: str, model: str) -> list[Candidate]:
    """The rows that the name may mean, the likeliest first: the first of them that has a price is
    the one.

    The first is the name as sent. Letters compare without regard to case; the names given by rules
    are lower case.
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
        # The maker's row of a dated name before the seller's row of the undated one: the dates may
        # differ in price.
        yield seller, each, why
        for maker in makers:
            yield maker, each, (*why, f"sold by {seller} at the price of {maker}")
    if (own := provider.lower()) != seller:
        yield own, name, (*rules, "under the provider's own name")


def _addressed(provider: str, model: str) -> tuple[str, str, tuple[str, ...]]:
    """Who sells it, and the bare name, in lower case, with what was done to get there."""
    rules: list[str] = []
    sent = provider.lower()
    seller = _seller(sent)
    if seller != sent:
        rules.append(f"{sent} is {seller} in the price book")
    name = model.lower()
    if name != model or sent != provider:
        rules.append("in lower case")
    while "/" in name:
        prefix, rest = name.split("/", 1)
        if not rest or not (seller in GATEWAYS or _seller(prefix) in {seller, *GATEWAYS}):
            break
        seller = seller if _seller(prefix) in GATEWAYS else _seller(prefix)
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
    """The platform that the provider, or the prefix behind a gateway's name, stands for."""
    sent, rest = provider.lower().replace("_", "-"), model.lower()
    while sent in GATEWAYS and "/" in rest:
        sent, rest = rest.split("/", 1)
        sent = sent.replace("_", "-")
    return OWN_PLATFORMS.get(sent)


def _seller(provider: str) -> str:
    hyphened = provider.replace("_", "-")
    return PROVIDERS.get(hyphened, hyphened if hyphened in GATEWAYS else provider)


def _names(name: str, rules: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The name, then what it is without its date, then other spellings of what is left."""
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
    """Without the day of its release: `-20250929`, `-2024-08-06`, `@20250514`, `-preview-05-20`; or
    Gemini's `-001`.
    """
    if "-preview-" in name and (day := PREVIEW_DATE.search(name, name.rindex("-preview-"))):
        return name[: day.start()], (f"without the date {day[0]}",)
    if found := re.search(rf"(?:{DATE.pattern})$", name):
        return name[: found.start()], (f"without the date {found[0]}",)
    if name.startswith("gemini-") and (numbered := re.search(r"-00\d$", name)):
        return name[: numbered.start()], (f"without the number of its release {numbered[0]}",)
    return name, ()


def _spellings(name: str) -> Iterator[str]:
    """A version with dots or hyphens; `gpt-35` of Azure; Claude's family before or after its
    version, or as -latest.
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
