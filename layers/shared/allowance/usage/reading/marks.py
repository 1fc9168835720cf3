"""Words in a usage object that may change its price, by vendor. A value that is missing here leaves
the object unread.
"""

from collections.abc import Mapping

from allowance.prices.terms import Variant
from allowance.usage.reading.cursor import Cursor

type Marks = Mapping[str, Variant | None]

OPENAI_TIERS: Marks = {
    "default": None,
    "auto": None,
    "flex": "flex",
    "priority": "priority",
    "fast": "fast",
    "batch": "batch",
}
"""https://platform.openai.com/docs/api-reference/chat/object, `service_tier`"""

ANTHROPIC_TIERS: Marks = {"standard": None, "batch": "batch", "priority": "priority"}
"""https://docs.anthropic.com/en/api/service-tiers"""

ANTHROPIC_SPEEDS: Marks = {"standard": None, "fast": "fast"}
"""https://docs.anthropic.com/en/build-with-claude/fast-mode"""

ANTHROPIC_PLACES: Marks = {"global": None, "not_available": None}
"""https://docs.anthropic.com/en/build-with-claude/data-residency: `us` costs 10% more."""

LITELLM_TIERS: Marks = {**OPENAI_TIERS, **ANTHROPIC_TIERS, "on_demand": None}
"""LiteLLM passes on the vendor's word."""

PERPLEXITY_SIZES: Marks = {"high": None}
"""https://docs.perplexity.ai/getting-started/pricing: smaller contexts cost less by request, and
price books have the price of a large one.
"""

GEMINI_TRAFFIC: Marks = {
    "on_demand": None,
    "traffic_type_unspecified": None,
    "on_demand_flex": "flex",
    "on_demand_priority": "priority",
}
"""https://cloud.google.com/vertex-ai/generative-ai/docs/reference, "UsageMetadata.TrafficType"."""

GEMINI_TIERS: Marks = {
    "standard": None,
    "unspecified": None,
    "service_tier_unspecified": None,
    "flex": "flex",
    "priority": "priority",
    "batch": "batch",
}
"""https://ai.google.dev/gemini-api/docs/flex-inference"""

BEDROCK_TIERS: Marks = {"default": None, "flex": "flex", "priority": "priority"}
"""https://docs.aws.amazon.com/bedrock/latest/userguide/service-tiers-inference.html"""


def variant_of(cursor: Cursor, marks: Mapping[str, Marks]) -> Variant | None:
    """Take the marks at these paths, and return the variant that they name. Two variants leave the
    object unread.
    """
    found: Variant | None = None
    for path, known in marks.items():
        holder, name = cursor.at(path)
        variant: Variant | None = holder.mark(name, known, None)
        if found is not None and variant not in {None, found}:
            holder.unread(name, "No price is known for two kinds of processing at once.")
        found = found or variant
    return found
