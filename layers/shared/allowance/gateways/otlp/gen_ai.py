"""Token counts by the semantic conventions of OpenTelemetry for generative AI. Pure.

https://github.com/open-telemetry/semantic-conventions-genai, docs/gen-ai/gen-ai-events.md, read at
commit 002c8a6. `gen_ai.usage.input_tokens` includes cached tokens and tokens of audio, images and
video; `gen_ai.usage.output_tokens` includes reasoning.
"""

from collections.abc import Mapping
from typing import Any, cast

from allowance.contract.spellings import whole
from allowance.errors import Problem
from allowance.gateways.parsed import Refused, missing

USAGE = "gen_ai.usage."
INPUT, OUTPUT = f"{USAGE}input_tokens", f"{USAGE}output_tokens"

ABSENT = frozenset({"", "-"})
"""What Envoy writes for a value that does not exist."""

CACHED: Mapping[str, str] = {
    f"{USAGE}cache_read.input_tokens": "cache_read",
    f"{USAGE}cache_creation.input_tokens": "cache_write",
}
INPUT_KINDS: Mapping[str, str] = {
    f"{USAGE}{kind}.input_tokens": f"input_{kind}" for kind in ("audio", "image", "video")
}
OUTPUT_KINDS: Mapping[str, str] = {
    f"{USAGE}{kind}.output_tokens": f"output_{kind}" for kind in ("audio", "image", "video")
}
PARTS = frozenset(
    {f"{USAGE}text.input_tokens", f"{USAGE}text.output_tokens", f"{USAGE}reasoning.output_tokens"}
)
"""Parts of other counts that have no price of their own."""
TOTAL = f"{USAGE}total_tokens"
KNOWN = frozenset({INPUT, OUTPUT, TOTAL, *CACHED, *INPUT_KINDS, *OUTPUT_KINDS, *PARTS})

OPERATION = "gen_ai.operation.name"
CALLS = frozenset({"chat", "completion", "embeddings", "generate_content", "text_completion"})
"""The operations that are one call. Others, such as `invoke_agent`, repeat the counts of calls."""

PROVIDERS = ("gen_ai.provider.name", "gen_ai.system")
MODELS = ("gen_ai.response.model", "gen_ai.request.model")
TIERS = ("openai.response.service_tier", "gen_ai.openai.response.service_tier")


def has_usage(attributes: Mapping[str, Any]) -> bool:
    """Return whether a log record has a token count."""
    return any(name.startswith(USAGE) and _is_there(attributes[name]) for name in attributes)


def call_of(attributes: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Return the provider, the model and the counts of a call, as fields of a usage record, and why
    it has no cost yet, if so. Raise Refused.

    Counts that contradict each other are kept as they were sent, without a cost.
    """
    operation = _first(attributes, (OPERATION,))
    if operation is not None and operation not in CALLS:
        detail = f"Must be one of {', '.join(sorted(CALLS))}: others repeat the counts of calls."
        raise Refused(Problem(OPERATION, detail))
    problems: list[Problem] = []
    provider, model = _first(attributes, PROVIDERS), _first(attributes, MODELS)
    if provider is None:
        problems.append(Problem(PROVIDERS[0], "Missing."))
    if model is None:
        problems.append(Problem(MODELS[1], "Missing, and gen_ai.response.model is missing too."))
    counts, others, malformed = _counts(attributes)
    if malformed or problems:
        raise Refused(*problems, *malformed)
    if INPUT not in counts:
        raise missing(INPUT)
    call: dict[str, Any] = {"provider": provider, "model": model}
    if (tier := _first(attributes, TIERS)) is not None:
        call["variant"] = tier
    if reasons := [*_unknown(others), *_contradictions(counts)]:
        # No vendor uses these names, so the reader of usage objects keeps them without a cost.
        return call | {"usage_format": "openai", "usage": {**counts, **others}}, reasons
    return call | {"tokens": _tokens(counts)}, []


def _tokens(counts: Mapping[str, int]) -> dict[str, int]:
    tokens: dict[str, int] = {}
    for name, kind in {**CACHED, **INPUT_KINDS, **OUTPUT_KINDS}.items():
        if counts.get(name):
            tokens[kind] = counts[name]
    inside = sum(counts.get(name, 0) for name in (*CACHED, *INPUT_KINDS))
    tokens["input"] = counts[INPUT] - inside
    made = sum(counts.get(name, 0) for name in OUTPUT_KINDS)
    tokens["output"] = counts.get(OUTPUT, 0) - made
    return tokens


def _unknown(others: Mapping[str, float]) -> list[Problem]:
    detail = "Is no attribute of the semantic conventions: the usage is kept without a cost."
    return [Problem(name, detail) for name in others]


def _contradictions(counts: Mapping[str, int]) -> list[Problem]:
    """Return the contradictions between the counts, by attribute."""
    reasons: list[Problem] = []
    cached = sum(counts.get(name, 0) for name in CACHED)
    kinds = sum(counts.get(name, 0) for name in INPUT_KINDS)
    made = sum(counts.get(name, 0) for name in OUTPUT_KINDS)
    if cached + kinds > counts[INPUT]:
        detail = f"Must include the {cached + kinds} tokens of its parts, and is {counts[INPUT]}."
        reasons.append(Problem(INPUT, detail))
    if cached and kinds:
        detail = "Which kinds are cached is not known, beside audio, images or video."
        reasons.append(Problem(next(name for name in CACHED if counts.get(name)), detail))
    output = counts.get(OUTPUT, 0)
    if max(made, counts.get(f"{USAGE}reasoning.output_tokens", 0)) > output:
        reasons.append(Problem(OUTPUT, f"Must include its parts, and is {output}."))
    if counts.get(TOTAL, total := counts[INPUT] + output) != total:
        reasons.append(Problem(TOTAL, f"Must be input and output, {total}."))
    return reasons


def _counts(
    attributes: Mapping[str, Any],
) -> tuple[dict[str, int], dict[str, float], list[Problem]]:
    """Return the known counts, the other numbers, and the problems of what is neither."""
    counts: dict[str, int] = {}
    others: dict[str, float] = {}
    problems: list[Problem] = []
    for name, value in attributes.items():
        if not name.startswith(USAGE) or not _is_there(value):
            continue
        count = whole(value)
        if name in KNOWN and type(count) is int and count >= 0:
            counts[name] = count
        elif name not in KNOWN and type(count) in {int, float}:
            others[name] = cast("float", count)
        else:
            problems.append(Problem(name, "Must be a whole number from 0."))
    return counts, others, problems


def _first(attributes: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    values = (attributes.get(name) for name in names)
    return next((each for each in values if isinstance(each, str) and _is_there(each)), None)


def _is_there(value: object) -> bool:
    return value is not None and not (isinstance(value, str) and value.strip() in ABSENT)
