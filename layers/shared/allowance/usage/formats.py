"""Read the usage objects of vendors into our disjoint classes of tokens. Pure.

OpenAI and Gemini include cached tokens in the prompt; Anthropic and Bedrock count them separately.
A part may not exceed its whole: such an object is rejected, not repaired.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from allowance.errors import Problem, UsageOutOfRange
from allowance.prices.cost import MAX_TOKENS, Tokens

UsageFormat = Literal["openai", "anthropic", "gemini", "bedrock"]


class _Counts:
    """The counts of one usage object. A missing or null count is 0; any other bad value is recorded
    in `problems`.
    """

    def __init__(self, usage: Mapping[str, Any]) -> None:
        self._usage = usage
        self.problems: list[Problem] = []

    def has(self, *names: str) -> bool:
        """Return whether the object sets any of these names."""
        return any(self._usage.get(name) is not None for name in names)

    def count(self, *names: str, within: str | None = None, required: bool = False) -> int:
        """Return the first of these counts that is set, in the object or in its part `within`.

        Return 0 if none is set, and record a problem then if it is `required`.
        """
        fields, prefix = self._usage, "usage"
        if within is not None:
            inner = self._usage.get(within)
            prefix = f"usage.{within}"
            if inner is None:
                return 0
            if not isinstance(inner, dict):
                self.refuse(prefix, "Must be an object.")
                return 0
            fields = cast("dict[str, Any]", inner)
        name = next((each for each in names if fields.get(each) is not None), None)
        if name is None:
            if required:
                self.refuse(f"{prefix}.{names[0]}", "Required.")
            return 0
        return self._whole(f"{prefix}.{name}", fields[name])

    def listed(self, name: str, key: str, count: str) -> dict[object, int]:
        """Return the sums of `count` over a list of objects, grouped by their `key`."""
        items = self._usage.get(name)
        if items is None:
            return {}
        if not isinstance(items, list):
            self.refuse(f"usage.{name}", "Must be a list.")
            return {}
        found: dict[object, int] = {}
        for place, item in enumerate(cast("list[Any]", items)):
            if not isinstance(item, dict):
                self.refuse(f"usage.{name}[{place}]", "Must be an object.")
                continue
            fields = cast("dict[str, Any]", item)
            which = str(fields.get(key))
            found[which] = found.get(which, 0) + self._whole(
                f"usage.{name}[{place}].{count}", fields.get(count, 0)
            )
        return found

    def part(self, field: str, count: int, whole: int, of: str) -> int:
        """Return the count, at most `whole`; record a problem if it is above."""
        if count > whole:
            self.refuse(f"usage.{field}", f"Must not be above {of}, which includes it.")
            return whole
        return count

    def refuse(self, field: str, detail: str) -> None:
        problem = Problem(field, detail)
        if problem not in self.problems:
            self.problems.append(problem)

    def _whole(self, field: str, value: object) -> int:
        if type(value) is not int or not 0 <= value <= MAX_TOKENS:
            self.refuse(field, f"Must be a whole number from 0 to {MAX_TOKENS}.")
            return 0
        return value


def tokens_of(usage_format: UsageFormat, usage: Mapping[str, Any]) -> Tokens:
    """Return the tokens of a vendor's usage object. Raise UsageOutOfRange with every problem and
    its path, `usage.x`, or with `usage_format` if the format has no reader.

    Keys about anything else are ignored, because vendors add keys at any time. Audio and image
    tokens count as text tokens.
    """
    reader = READERS.get(usage_format)
    if reader is None:
        raise UsageOutOfRange([Problem("usage_format", f'No reader for "{usage_format}".')])
    counts = _Counts(usage)
    classes = reader(counts)
    if counts.problems:
        raise UsageOutOfRange(counts.problems)
    return Tokens(**classes)


def _openai(counts: _Counts) -> dict[str, int]:
    """Read Chat Completions and Responses, which use different names for the same counts.

    https://platform.openai.com/docs/api-reference/chat/object
    https://platform.openai.com/docs/api-reference/responses/object
    """
    of_responses = not counts.has("prompt_tokens") and counts.has("input_tokens")
    name_in, name_out = (
        ("input_tokens", "output_tokens")
        if of_responses
        else ("prompt_tokens", "completion_tokens")
    )
    total_in, output = counts.count(name_in, required=True), counts.count(name_out)
    cached = counts.count("cached_tokens", within=f"{name_in}_details")
    cached = counts.part(f"{name_in}_details.cached_tokens", cached, total_in, name_in)
    for name, whole, details in (
        (name_in, total_in, ("audio_tokens",)),
        (
            name_out,
            output,
            (
                "reasoning_tokens",
                "audio_tokens",
                "accepted_prediction_tokens",
                "rejected_prediction_tokens",
            ),
        ),
    ):
        for each in details:
            part = counts.count(each, within=f"{name}_details")
            counts.part(f"{name}_details.{each}", part, whole, name)
    _within_total(counts, "total_tokens", total_in + output)
    return {"input": total_in - cached, "output": output, "cache_read": cached}


def _anthropic(counts: _Counts) -> dict[str, int]:
    """Read Messages: `input_tokens` excludes tokens read from or written to the cache.

    https://docs.anthropic.com/en/api/messages, "usage"
    """
    hour = counts.count("ephemeral_1h_input_tokens", within="cache_creation")
    minutes = counts.count("ephemeral_5m_input_tokens", within="cache_creation")
    written = counts.count("cache_creation_input_tokens")
    if not counts.has("cache_creation_input_tokens"):
        written = minutes + hour
    if (
        counts.part("cache_creation", minutes + hour, written, "cache_creation_input_tokens")
        < minutes + hour
    ):
        hour = 0
    return {
        "input": counts.count("input_tokens", required=True),
        "output": counts.count("output_tokens"),
        "cache_read": counts.count("cache_read_input_tokens"),
        "cache_write": written - hour,
        "cache_write_1h": hour,
    }


def _gemini(counts: _Counts) -> dict[str, int]:
    """Read `usageMetadata` of generateContent, with the names of REST or of the Python SDK.

    Candidates exclude thoughts, unless the total equals prompt, tools and candidates: then they
    include them. https://ai.google.dev/api/generate-content#UsageMetadata
    """
    prompt = counts.count("promptTokenCount", "prompt_token_count", required=True)
    cached = counts.count("cachedContentTokenCount", "cached_content_token_count")
    cached = counts.part("cachedContentTokenCount", cached, prompt, "promptTokenCount")
    candidates = counts.count("candidatesTokenCount", "candidates_token_count")
    thoughts = counts.count("thoughtsTokenCount", "thoughts_token_count")
    tools = counts.count("toolUsePromptTokenCount", "tool_use_prompt_token_count")
    total = ("totalTokenCount", "total_token_count")
    if counts.has(*total) and counts.count(*total) == prompt + tools + candidates:
        counts.part("thoughtsTokenCount", thoughts, candidates, "candidatesTokenCount")
        thoughts = 0
    if counts.has(*total):
        counts.part(
            "promptTokenCount",
            prompt + tools + candidates + thoughts,
            counts.count(*total),
            "totalTokenCount",
        )
    return {"input": prompt - cached + tools, "output": candidates + thoughts, "cache_read": cached}


def _bedrock(counts: _Counts) -> dict[str, int]:
    """Read Converse: `inputTokens` excludes tokens read from or written to the cache.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
    """
    fresh, output = counts.count("inputTokens", required=True), counts.count("outputTokens")
    written = counts.count("cacheWriteInputTokens")
    kept = counts.listed("cacheDetails", "ttl", "inputTokens")
    if counts.part("cacheDetails", sum(kept.values()), written, "cacheWriteInputTokens") < sum(
        kept.values()
    ):
        kept = {}
    _within_total(counts, "totalTokens", fresh + output)
    hour = kept.get("1h", 0)
    return {
        "input": fresh,
        "output": output,
        "cache_read": counts.count("cacheReadInputTokens"),
        "cache_write": written - hour,
        "cache_write_1h": hour,
    }


def _within_total(counts: _Counts, name: str, parts: int) -> None:
    if counts.has(name) and parts > counts.count(name):
        counts.refuse(f"usage.{name}", "Must not be below the sum of its parts.")


READERS: Mapping[UsageFormat, Callable[[_Counts], dict[str, int]]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "bedrock": _bedrock,
}
