"""Other names of the same model at the same price: without a mark, a path or a date, and in other
spellings. Pure.
"""

import re
from collections.abc import Iterator

from allowance.prices.name_marks import unmarked
from allowance.prices.name_tables import FIREWORKS_PATH, SAME_MODEL

FINE_TUNED = re.compile(r"ft:([^:]+):.+")
DATE = re.compile(
    r"[-@]20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    r"|-20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"|@(?:default|latest)"
)
PREVIEW_DATE = re.compile(r"-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$")
VERSIONED = re.compile(r"\d(?![\d.]*b\b)")
"""A number that is no size. The latest of a family without one can be any version of it."""

CLAUDE = re.compile(r"claude-(?:(\d(?:[.-]\d)?)-([a-z]+)|([a-z]+)-(\d(?:[.-]\d)?))")


type Spelled = tuple[str, tuple[str, ...]]
"""A name, and the rules that lead to it."""


def spelled(seller: str, name: str, rules: tuple[str, ...]) -> Iterator[Spelled]:
    """Yield the name, then the names without its marks, path and date, in other spellings."""
    yield name, rules
    plain, marks = unmarked(seller, name)
    yield from _released(plain, (*rules, *marks))
    if seller == "fireworks":
        bare = plain.removeprefix(FIREWORKS_PATH)
        if bare != plain:
            yield from _released(bare, (*rules, *marks, f"without the path {FIREWORKS_PATH}"))
        elif "/" not in bare:
            path = (*rules, *marks, f"with the path {FIREWORKS_PATH}")
            yield from _released(f"{FIREWORKS_PATH}{bare}", path)


def _released(name: str, rules: tuple[str, ...]) -> Iterator[Spelled]:
    """Yield the name, the name without its date, and other spellings of the latter."""
    yield name, rules
    if tuned := FINE_TUNED.fullmatch(name):
        base, why = _undated(tuned[1])
        yield f"ft:{base}", (*rules, "a fine-tuned model is priced by what it was tuned from", *why)
        return
    plain, why = _undated(name)
    rules = (*rules, *why)
    yield plain, rules
    if plain.endswith("-latest") and VERSIONED.search(plain):
        plain = plain.removesuffix("-latest")
        rules = (*rules, "the latest of its family")
        yield plain, rules
    if same := SAME_MODEL.get(name) or SAME_MODEL.get(plain):
        yield same, (*rules, f"the same model as {plain}")
    for other in _spellings(plain):
        yield other, (*rules, f"another spelling of {plain}")


def _undated(name: str) -> Spelled:
    """Return the name without its release: `-20250929`, `-2024-08-06`, `@20250514`,
    `-preview-05-20`, or Gemini's `-001`; with the rule.
    """
    if found := re.search(rf"(?:{DATE.pattern})$", name):
        return name[: found.start()], (f"without the date {found[0]}",)
    if "-preview-" in name and (day := PREVIEW_DATE.search(name, name.rindex("-preview-"))):
        return name[: day.start()], (f"without the date {day[0]}",)
    if "gemini-" in name and (numbered := re.search(r"-00\d$", name)):
        return name[: numbered.start()], (f"without the number of its release {numbered[0]}",)
    return name, ()


def _spellings(name: str) -> Iterator[str]:
    """Yield other spellings: a version with dots or hyphens, Azure's `gpt-35`, Claude's family
    before or after its version, or as -latest. A maker's prefix stays.
    """
    maker, slash, bare = name.rpartition("/")
    if bare.startswith("gpt-35-"):
        yield f"{maker}{slash}gpt-3.5-{bare.removeprefix('gpt-35-')}"
    yield re.sub(r"(?<=\d)\.(?=\d)", "-", name)
    yield re.sub(r"(?<![\d.])(\d)-(\d)(?=-|$)", r"\1.\2", name)
    if claude := CLAUDE.fullmatch(bare):
        version, family = claude[1] or claude[4], claude[2] or claude[3]
        hyphened, dotted = version.replace(".", "-"), version.replace("-", ".")
        spelled = [
            f"claude-{family}-{hyphened}",
            f"claude-{hyphened}-{family}",
            *([f"claude-{family}-{version}-0"] if len(version) == 1 else []),
            f"claude-{hyphened}-{family}-latest",
            *([f"claude-{family}-{dotted}", f"claude-{dotted}-{family}"] if slash else []),
        ]
        yield from (f"{maker}{slash}{each}" for each in spelled)
