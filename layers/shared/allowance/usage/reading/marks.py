"""Words in a usage object that may change its price, by vendor. A value that is missing here leaves
the object unread.
"""

from collections.abc import Mapping

from allowance.prices.terms import Variant

type Marks = Mapping[str, Variant | None]

OPENAI_TIERS: Marks = {
    "default": None,
    "auto": None,
    "flex": "flex",
    "priority": "priority",
    "batch": "batch",
}
"""https://platform.openai.com/docs/api-reference/chat/object, `service_tier`"""

ANTHROPIC_TIERS: Marks = {"standard": None, "batch": "batch", "priority": "priority"}
"""https://docs.anthropic.com/en/api/service-tiers"""

ANTHROPIC_SPEEDS: Marks = {"standard": None, "fast": "fast"}
"""https://docs.anthropic.com/en/build-with-claude/fast-mode"""

ANTHROPIC_PLACES: Marks = {"global": None, "not_available": None}
"""https://docs.anthropic.com/en/build-with-claude/data-residency: `us` costs 10% more."""

GEMINI_TRAFFIC: Marks = {
    "on_demand": None,
    "traffic_type_unspecified": None,
    "on_demand_flex": "flex",
    "on_demand_priority": "priority",
}
"""https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/GenerateContentResponse"""

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
