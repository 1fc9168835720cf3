"""Marks behind the name of a model that say how it is called, not which model it is. Pure.

A mark falls away if it changes no price. One that adds a fee or can mean another price stays, so
that only a row with the mark in its name has a price: OpenRouter's `:online` (a fee for each
search), `:extended` (a larger context), `:free`, and `-fast`.
"""

import re

ROUTES = {
    "nitro": "the fastest hosts first",
    "floor": "the cheapest hosts first",
    "exacto": "the hosts with the best tool calls first",
}
"""OpenRouter's orders of the hosts of a model, which has one listed price.

A host can charge another price, with and without such a mark. The tier of service that `nitro` and
`floor` can lead to is a variant, which the response states.
"""

ALIKE = {
    "beta": "Claude without OpenRouter's moderation",
    "thinking": "Claude with reasoning",
}
"""OpenRouter's variants of Claude at the same price. Those of Gemini and Qwen have other prices."""

MARKED_SELLERS = frozenset(
    {"anthropic", "azure", "bedrock", "copilot", "deepseek", "google", "mistral", "moonshotai"}
    | {"openai", "openrouter", "x-ai", "zai"}
)
"""Sellers of no model that such a mark sets apart. Some resellers charge by the effort."""

_PREFIX = r"(?:[a-z0-9-]+[/.])*"
_EFFORT = "none|minimal|low|medium|high|xhigh|max"
CLIENT_MARKS = {
    "the effort of reasoning": re.compile(rf".+([@:](?:{_EFFORT})|\((?:{_EFFORT}|\d+)\))"),
    "the effort of reasoning, of a model of OpenAI": re.compile(
        rf"{_PREFIX}(?:gpt-[5-9]|o\d)(?!.*image)[^:]*?(-(?:minimal|low|medium|high|xhigh))"
    ),
    "Claude with reasoning": re.compile(rf"{_PREFIX}claude-[^:]+(-thinking)"),
    "Claude with a long context at the same price": re.compile(
        rf"{_PREFIX}claude-(?!sonnet-4(?![.-][6-9])|4(?:[.-]5)?-sonnet)[^\[]+(\[1m\])"
    ),
}
"""What a mark of clients means, and the names that can have it. The group is the mark."""

TIERED = re.compile(r"(?:anthropic/)?claude-(?:sonnet-4[.-]5|4[.-]5-sonnet)[^\[]*(\[1m\])")
TIERED_SELLERS = frozenset({"anthropic", "openrouter"})
"""Who charges more for a long context of Claude Sonnet 4.5 by tiers that the price book has."""


def unmarked(seller: str, name: str) -> tuple[str, tuple[str, ...]]:
    """Return the name without its marks, with a rule for each; the name itself if it has none."""
    rules: list[str] = []
    while mark := _mark(seller, name):
        text, meaning = mark
        name = name.removesuffix(text)
        rules.append(f"without {text}: {meaning}")
    return name, tuple(rules)


def _mark(seller: str, name: str) -> tuple[str, str] | None:
    if seller == "openrouter":
        _, _, last = name.rpartition(":")
        if last in ROUTES:
            return f":{last}", f"{ROUTES[last]}; the price is the listed one, as without it"
        if last in ALIKE and name.startswith("anthropic/"):
            return f":{last}", ALIKE[last]
    if seller in TIERED_SELLERS and (found := TIERED.fullmatch(name)):
        return found[1], "a long context, by the tiers of the price"
    if seller in MARKED_SELLERS:
        for meaning, shape in CLIENT_MARKS.items():
            if found := shape.fullmatch(name):
                return found[1], meaning
    return None
