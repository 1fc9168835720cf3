"""The rules that lead from a name to a row: never to another model, nor another price."""

from hypothesis import given
from hypothesis import strategies as st

from allowance.prices.bedrock_names import GLOBAL, REGIONAL
from allowance.prices.names import EXACT, MAX_CANDIDATES, Candidate, candidates
from tests.priced_names import PRICES, ROWS, names

name = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=40)
shaped = st.from_regex(
    r"([a-z]{2}\.)?([a-z]{1,9}[./@:-]){0,4}[a-z0-9]{1,9}(-20\d{6})?(-v\d(:\d)?)?", fullmatch=True
)


def test_a_small_model_is_never_taken_for_the_large_one():
    for provider, small, large in [
        ("openai", "gpt-4o-mini", "gpt-4o"),
        ("openai", "gpt-4o-mini-2024-07-18", "gpt-4o"),
        ("google", "gemini-2.5-flash-lite-001", "gemini-2.5-flash"),
        ("google", "gemini-2.5-flash-preview-05-20", "gemini-2.5-flash"),
        ("openai", "gpt-4-0613-preview", "gpt-4"),
        ("mistral", "mistral-large-2402", "mistral-large"),
        ("azure", "global/gpt-4o-mini", "gpt-4o"),
        ("azure", "eu/gpt-4o-mini", "eu/gpt-4o"),
        ("openai", "ft:gpt-4o-mini:acme::Ab12", "gpt-4o-mini"),
    ]:
        assert large not in {model for _, model in names(provider, small)}, small


def test_global_and_regional_endpoints_never_take_each_others_price():
    for sent in ("global.anthropic.claude-opus-5-5", "global.openai.gpt-9"):
        assert all(model.startswith(GLOBAL) for _, model in names("bedrock", sent))
    for sent in (
        "us.anthropic.claude-opus-5-5",
        "anthropic.claude-opus-5-5",
        "regional.openai.gpt-6-sol",
    ):
        models = [model for _, model in names("bedrock", sent)]
        assert not any(model.startswith(GLOBAL) for model in models)
        assert any(model.startswith(REGIONAL) for model in models)


def test_a_dated_model_is_looked_for_everywhere_before_its_family_is():
    assert names("azure", "gpt-4o-2024-08-06") == [
        ("azure", "gpt-4o-2024-08-06"),
        ("openai", "gpt-4o-2024-08-06"),
        ("azure", "gpt-4o"),
        ("openai", "gpt-4o"),
    ]


def test_a_release_with_another_price_never_takes_its_familys_price():
    assert names("openai", "gpt-4o-2024-05-13") == [("openai", "gpt-4o-2024-05-13")]
    assert names("azure", "gpt-4o-2024-05-13") == [
        ("azure", "gpt-4o-2024-05-13"),
        ("openai", "gpt-4o-2024-05-13"),
    ]
    assert names("mistral", "ministral-8b-latest") == [("mistral", "ministral-8b-latest")]


def test_every_row_of_the_book_is_found_by_its_own_name_first():
    for row in PRICES:
        first = candidates(row["provider"], row["model"])[0]
        assert first == Candidate(row["provider"], row["model"], EXACT)


OTHERWISE_PRICED = {
    # Vertex AI's own price, by two sources.
    ("google-vertex", "gemini-2.0-flash"),
    # Mistral Large 3, by two sources. genai-prices takes it for Mistral Large 2.
    ("mistral", "mistral-large-latest"),
}
"""Rows that cost something else than the row that their name would lead to without them: hence
exact first.
"""


def test_without_its_row_a_name_leads_to_a_row_of_the_same_price():
    """The strongest check of the rules that the book allows: each finds for one row, if any, one
    that costs the same.
    """
    led, led_astray = 0, set[tuple[str, str]]()
    for key, row in ROWS.items():
        others = (
            (each.provider, each.model.lower())
            for each in candidates(row["provider"], row["model"])
        )
        other = next((each for each in others if each != key and each in ROWS), None)
        led += other is not None
        if other and any(
            ROWS[other][price] != row[price] for price in ("input_price", "output_price")
        ):
            led_astray.add(key)
    assert led_astray == OTHERWISE_PRICED
    assert led > 300


@given(
    provider=name | st.sampled_from(["bedrock", "azure", "google", "litellm"]), model=name | shaped
)
def test_any_name_has_few_distinct_and_stable_candidates_itself_first(provider: str, model: str):
    found = candidates(provider, model)
    assert found[0] == Candidate(provider, model, EXACT)
    assert len({(each.provider, each.model) for each in found}) == len(found) <= MAX_CANDIDATES
    assert found == candidates(provider, model)
    assert all(each.model and each.provider and each.rule for each in found)
    assert [each.rule == EXACT for each in found].count(True) == 1
