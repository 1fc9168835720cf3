"""Model names of Amazon Bedrock, and the rows of the price book that they can mean. Pure.

`us.anthropic.claude-sonnet-4-5-20250929-v1:0` is an inference profile: region prefix, vendor,
model, release date, version. In the price book, `global.` is the global endpoint and `regional.`
every other one. Regional endpoints cost 10% more for newer models (AWS price list, by
genai-prices). A row without either prefix is a model with one price everywhere.
"""

import re
from collections.abc import Iterator

BEDROCK = "bedrock"

GLOBAL, REGIONAL = "global.", "regional."
REGION_RULE = "a regional endpoint has the regional price"

REGIONS = r"us-gov|us|eu|apac|au|jp|ca|sa|me|af|il|in"
ARN = re.compile(r"arn:aws[a-z-]*:bedrock:[^:]*:\d*:(?:foundation-model|inference-profile)/(.+)")
ROUTE = re.compile(r"(?:(?:converse|converse_like|invoke|[a-z]{2}(?:-gov)?-[a-z]+-\d)/)+")
SCOPE = re.compile(rf"(?:{REGIONS})\.(?=[a-z0-9-]+\.)")
SHAPE = re.compile(
    rf"(?:(?:{REGIONS}|global|regional)\.[a-z0-9-]+|amazon|anthropic)\.[a-z][a-z0-9-]*"
)
VERSION = re.compile(r"-v(\d+)(?::(\d+)(?::\d+k)?)?$")
FIRST = "1:0"
"""The version that a name can omit."""

DATE = re.compile(r"-20\d{6}$")


def bedrock_id(provider: str, model: str) -> str | None:
    """Return the Bedrock id of a model, or None.

    The provider, an ARN, or a form that only Bedrock uses identifies it.
    """
    if arn := ARN.fullmatch(model):
        return arn[1]
    if provider == BEDROCK:
        return ROUTE.sub("", model, count=1) if ROUTE.match(model) else model
    return model if SHAPE.match(model) else None


def bedrock_names(model: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield candidate row names, most likely first, each with the rules that produced it.

    A global name never becomes a regional one.
    """
    yield model, ()
    if model.startswith("claude-"):
        model = f"anthropic.{model}"
    if model.startswith(GLOBAL):
        scopes, bare = ((GLOBAL, ()),), model.removeprefix(GLOBAL)
    else:
        prefix = SCOPE.match(model)
        why = (f"without the region {prefix[0]}",) if prefix else ()
        bare = model[prefix.end() :] if prefix else model.removeprefix(REGIONAL)
        scopes = ((REGIONAL, (REGION_RULE,)), ("", why))
    for scope, why in scopes:
        for name, more in _releases(bare):
            yield f"{scope}{name}", (*why, *more)


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
