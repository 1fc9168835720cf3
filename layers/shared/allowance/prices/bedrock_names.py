"""Model names of Amazon Bedrock, and the rows of the price book that they can mean. Pure.

`us.anthropic.claude-sonnet-4-5-20250929-v1:0` is an inference profile: region prefix, vendor,
model, release date, version. `eu-west-3/mistral...` is a model in one region. In the price book,
`global.` is the global endpoint and `regional.` every other one that has no row of its own.
Regional endpoints cost 10% more for newer models (AWS price list, by genai-prices). A row without
prefix is a model with one price, or its price in the US.
"""

import re
from collections.abc import Iterator

BEDROCK = "bedrock"

GLOBAL, REGIONAL = "global.", "regional."
REGION_RULE = "a regional endpoint has the regional price"

REGIONS = r"us-gov|us|eu|apac|au|jp|ca|sa|me|af|il|in"
ARN = re.compile(r"arn:aws[a-z-]*:bedrock:([^:]*):\d*:(foundation-model|inference-profile)/(.+)")
ROUTE = re.compile(r"(?:(?:converse|converse_like|invoke)/)+")
IN_REGION = re.compile(r"([a-z]{2}(?:-gov)?-[a-z]+-\d)/")
IN_US = re.compile(r"us-(?:east|west)-\d/")
SCOPE = re.compile(rf"(?:{REGIONS})\.(?=[a-z0-9-]+\.)")
SHAPE = re.compile(
    rf"(?:(?:{REGIONS}|global|regional)\.[a-z0-9-]+|amazon|anthropic)\.[a-z][a-z0-9-]*"
)
VERSION = re.compile(r"-v(\d+)(?::(\d+)(?::\d+k)?)?$")
FIRST = "1:0"
"""The version that a name can omit."""

DATE = re.compile(r"-20\d{6}$")

GOVERNMENT = ("us-gov.", "us-gov-west-1/", "us-gov-east-1/")
"""GovCloud charges 20% more for most models, and another price for the rest."""

DEARER_ABROAD = re.compile(
    r"(?:amazon|deepseek|meta|minimax|mistral|moonshot|moonshotai|nvidia|qwen)\."
)
"""Vendors whose models cost 3% to 68% more outside the US, by region (AWS price list, by LiteLLM
1.110.2). A name with such a region needs a row of its own, or a `regional.` one.
"""

UNLIKE_ELSEWHERE = "amazon."
"""The vendor with a `regional.` price for the US only. Others are up to 30% above it."""


def bedrock_id(provider: str, model: str) -> str | None:
    """Return the Bedrock id of a model, after its region if the name states one, or None.

    The provider, an ARN, or a form that only Bedrock uses identifies it.
    """
    if arn := ARN.fullmatch(model):
        is_in_region = arn[2] == "foundation-model" and arn[1]
        return f"{arn[1]}/{arn[3]}" if is_in_region else arn[3]
    if provider == BEDROCK:
        return model[route.end() :] if (route := ROUTE.match(model)) else model
    return model if SHAPE.match(model) else None


def needs_own_row(model: str) -> bool:
    """Return whether the region in a name has a price that no other row states."""
    bare = _bare(model)
    if model.startswith(GOVERNMENT):
        return True
    is_abroad = model != bare and not model.startswith(("us.", GLOBAL, REGIONAL))
    return is_abroad and DEARER_ABROAD.match(bare) is not None and not IN_US.match(model)


def bedrock_names(model: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield candidate row names, most likely first, each with the rules that produced it.

    A global name never becomes a regional one, and one of GovCloud never a commercial one.
    """
    yield model, ()
    bare = _bare(model)
    if bare.startswith("claude-"):
        bare = f"anthropic.{bare}"
    prefix = model[: len(model) - len(_bare(model))]
    for scope, why in _scopes(model, prefix):
        for name, more in _releases(bare):
            yield f"{scope}{name}", (*why, *more)


def _bare(model: str) -> str:
    """Return the name without its region."""
    if prefix := IN_REGION.match(model) or SCOPE.match(model):
        return model[prefix.end() :]
    return model.removeprefix(GLOBAL).removeprefix(REGIONAL)


def _scopes(model: str, prefix: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the prefixes of the rows that price a name, each with its rule."""
    if prefix == GLOBAL:
        yield GLOBAL, ()
        return
    if prefix not in {"", REGIONAL}:
        yield prefix, ()
    if prefix in GOVERNMENT:
        why = ("GovCloud has a price of its own",)
        # A profile runs in either region; a model in one region has the price of a profile at most.
        profile, *regions = GOVERNMENT
        yield from ((each, why) for each in (regions if prefix == profile else [profile]))
    else:
        is_dear = needs_own_row(model)
        if not (is_dear and _bare(model).startswith(UNLIKE_ELSEWHERE)):
            yield REGIONAL, (REGION_RULE,)
        if not is_dear:
            yield "", (f"without the region {prefix.rstrip('/')}",) if prefix else ()


def _releases(bare: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the name as it is, with its full version, and without its version; then the same
    without its release date.
    """
    yield bare, ()
    version = VERSION.search(bare)
    stem = bare[: version.start()] if version else bare
    number = f"{version[1]}:{version[2] or 0}" if version else FIRST
    yield f"{stem}-v{number}", ("with its version spelled out",)
    yield from [(stem, ("without its version",))] if number == FIRST else []
    if dated := DATE.search(stem):
        undated, why = stem[: dated.start()], f"without the date {dated[0]}"
        yield f"{undated}-v{number}", (why, "with its version spelled out")
        yield from [(undated, (why, "without its version"))] if number == FIRST else []
