"""Whose model a name means, where LiteLLM sends the name alone. Pure."""

from allowance.gateways.litellm.callers import SOURCE

NO_MODEL = "unknown"
"""The model of a call whose message names none."""

VENDORS = (
    ("claude-", "anthropic"),
    ("gemini-", "google"),
    ("gpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("text-embedding-", "openai"),
)
"""How the names of a vendor's models begin. Only for an estimate: the log names the provider."""


def vendor_of(model: str) -> str:
    """Return the provider of a model by its name, and LiteLLM for a name of its administrator's.

    A name like `openai/gpt-5.1` has its provider in front, and so has a price.
    """
    if "/" in model:
        return model.partition("/")[0] or SOURCE
    return next((vendor for start, vendor in VENDORS if model.startswith(start)), SOURCE)


def provider_and_model(provider: str | None, model: str | None) -> tuple[str, str]:
    """Return the provider and the model of a call, named as vendors name them.

    LiteLLM puts the provider in front of many names. With it, a budget for `openai/gpt-5.1` would
    not count a call of `openai/gpt-5.1` at `openai`.
    """
    named = model or NO_MODEL
    of = provider or vendor_of(named)
    return of, named.removeprefix(f"{of}/") or named
