"""Names mean what the pinned genai-prices says that they mean, or have no price."""

import re
from collections.abc import Iterator

import pytest
from genai_prices.data_snapshot import get_snapshot

from allowance.prices.match_rules import RULES_FILE, Clause, Match, Matcher, matcher
from allowance.prices.names import EXACT
from local.price_book.genai import PROVIDERS
from local.price_book.match_rules import match_rules
from local.price_book.pinned import pinned_match_rules
from tests.committed_book import PinnedBook
from tests.depth import by_depth
from tests.priced_names import names, resolved

SOURCE = get_snapshot().providers
STATED_BY = {PROVIDERS.get(each.id, each.id): each for each in SOURCE}
RULES = match_rules(SOURCE)
EVERY = by_depth(61, 13, 3)
"""Of names with something before or behind them, every such one is looked at."""


def test_the_committed_rules_are_what_the_pinned_package_gives():
    same = RULES_FILE.read_text() == pinned_match_rules()
    assert same, "run `make price-book` and review the diff"


def texts(clauses: list[Clause]) -> Iterator[str]:
    """The names that clauses state, and one that each pattern matches."""
    for clause in clauses:
        if isinstance(clause, list):
            yield from texts(clause[1:])
        elif not clause.startswith("~"):
            yield clause[1:]
        elif "(?!" not in clause:
            pattern = clause[1:].replace(r"\d{8}", "20260102").replace("[-@]", "@")
            pattern = pattern.replace(r"\d{4}-\d{2}-\d{2}", "2026-01-02").replace(r"\d", "001")
            yield re.sub(r"\(([^)]*)\)\?", r"\1", pattern).strip("^$").replace("\\", "")


STATED = dict.fromkeys(
    (provider, name)
    for provider, models in RULES.items()
    for model, clauses in models
    for name in (model.lower(), *texts(list(clauses)))
)
"""Every name in the rules, and every id of the package."""

MEANT = {
    (provider, name): found and found.id
    for provider, name in STATED
    for found in [STATED_BY[provider].find_model(name)]
}
"""What the package's own matcher says of each."""


def test_the_rules_say_what_the_matcher_of_the_package_says():
    assert len(STATED) > 3_500
    for (provider, name), model in MEANT.items():
        rules = matcher(provider)
        assert rules
        found = rules.match(name)
        assert (found and found.model) == model, (provider, name)


def priced_as(provider: str, name: str) -> str | None:
    """The model of genai-prices whose price a name has; "another" is one of another provider."""
    row = resolved(provider, name)
    rules = matcher(provider)
    if row is None or rules is None:
        return None
    found = rules.match(row.model.lower())
    model = rules.id_of(row.model.lower()) or (found and found.model)
    return model if row.provider == provider else "another"


def test_every_name_finds_the_model_that_the_package_names(pinned_book: PinnedBook):
    _, merged, genai = pinned_book
    # The package gives the commercial price to GovCloud, which charges more.
    known = {
        key: model for key, model in MEANT.items() if model and not key[1].startswith("us-gov.")
    }
    found = {key: priced_as(*key) for key in known}
    wrong = {key: model for key, model in found.items() if model not in (None, known[key])}
    assert wrong == {}
    # The only names without a price are those of models without one: the tool lists the reasons.
    unpriced = {(key[0], known[key]) for key, model in found.items() if model is None}
    assert unpriced == set(merged.left_out) & set(genai.left_out)
    priced = [key for key, model in found.items() if model]
    assert len(priced) == sum((key[0], model) in merged.models for key, model in known.items())
    assert len(priced) > 3_500


def test_an_id_that_the_package_does_not_match_itself_means_itself():
    unmatched = [key for key, model in MEANT.items() if model is None]
    assert len(unmatched) > 50
    for provider, name in unmatched:
        assert (row := resolved(provider, name))
        assert (row.provider, row.model.lower(), row.rule) == (provider, name, EXACT)


BEFORE = ("openai/", "anthropic/", "google/", "models/", "us.", "foo/")
BEHIND = (
    *("-20260101", "-2025-05-14", "-latest", "-preview", "-preview-05-20", "-001", "@20250101"),
    *("-foo", "-mini", "-pro", "-fast", "-thinking", "[1m]", "-high", "@high", "-v1:0", "-v2:0"),
    *(":free", ":thinking", ":nitro", ":online", "-0528"),
)


def test_a_name_never_has_the_price_of_another_model():
    longer = [
        (provider, each)
        for provider, name in STATED
        for each in (*(f"{text}{name}" for text in BEFORE), *(f"{name}{text}" for text in BEHIND))
    ]
    for provider, name in longer[::EVERY]:
        meant = STATED_BY[provider].find_model(name)
        assert meant is None or priced_as(provider, name) in (None, meant.id), (provider, name)


def test_the_latest_of_a_family_is_not_its_first_version():
    """Gemini 1.0 Pro is `gemini-pro`, and costs a twentieth of the latest Pro."""
    assert ("google", "gemini-pro") not in names("gemini", "gemini-pro-latest")
    assert ("google", "gemini-pro") in names("gemini", "gemini-pro")


@pytest.mark.parametrize(
    ("provider", "name", "model"),
    [
        ("openai", "gpt-4o-audio-preview-ultra", "gpt-4o-audio-preview"),
        ("google", "gemini-2.5-pro-ultra", "gemini-2.5-pro"),
        ("anthropic", "claude-opus-4-8-fast", "claude-opus-4-8"),
        ("bedrock", "acme.amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
    ],
)
def test_a_part_of_a_name_leads_to_no_price(provider: str, name: str, model: str):
    rules = matcher(provider)
    assert rules
    assert rules.match(name) == Match(model, is_certain=False)
    assert resolved(provider, name) is None


def test_what_a_match_is_certain_of():
    rules = Matcher(
        [
            ("one", ["=one", "^one-"]),
            ("two", [["&", "^two", "~^(?!.*tts)"], "*2wo"]),
            ("three", ["$three", r"~^3-\d+$", r"~^3hree-\d", "^one", "=four-2026-01-02"]),
        ]
    )
    for name, model, is_certain in [
        ("one", "one", True),
        ("one-20260101", "one", True),
        ("one-2026-01-01", "one", True),
        ("one-mini", "one", False),
        ("ones", "three", False),
        ("two-preview-05-20", "two", True),
        ("two-tiny", "two", False),
        ("a-2wo", "two", False),
        ("2wo-latest", "two", True),
        ("three", "three", True),
        ("x-three", "three", False),
        ("3-7", "three", True),
        ("3hree-7", "three", False),
        ("four-20260102", "three", True),
    ]:
        assert rules.match(name) == Match(model, is_certain), name
    assert rules.match("two-tts") is None
    assert rules.match("once") is None


def test_the_rule_names_the_package():
    row = resolved("xai", "grok-4-fast")
    assert row
    assert row.rule == (
        "xai is x-ai in the price book; "
        "grok-4-fast means grok-4-fast-reasoning in the rules of genai-prices"
    )
