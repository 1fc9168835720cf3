"""A custom price changes what it names, wherever a price is read, for each name of its model."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.gateway import Client
from tests.model_prices import EXPERIMENTAL, PRICES, set_prices
from tests.postgres import Database
from tests.price_books import price, seed
from tests.resolved_prices import both, resolve
from tests.usage import record, rerate, results

NAME = {"provider": "anthropic", "model": "claude-sonnet-4-5"}
DATED = {"provider": "anthropic", "model": "claude-sonnet-4-5-20250929"}
SONNET: dict[str, Any] = NAME | {
    "input_price": 3_000_000,
    "output_price": 15_000_000,
    "cache_read_price": 300_000,
    "cache_write_price": 3_750_000,
    "unit_prices": {"web_searches": 10_000_000_000, "input_image": 3_000_000},
    "tiers": [{"above_input_tokens": 2_000_000, "input_price": 6_000_000}],
    "variants": {
        "batch": {"input_price": 1_500_000, "output_price": 7_500_000},
        "flex": {"input_price": 2_000_000},
    },
}
TWO = {"input_price": 3_000_000, "output_price": 15_000_000}
SENT, CUSTOM, BASE = (
    {"provider": "bedrock", "model": f"{place}anthropic.claude-3-7-sonnet-20250219-v1:0"}
    for place in ("us-gov-east-1/", "us-gov.", "us-gov-west-1/")
)
"""A name, a name that it can mean, and the row which only that one leads to."""
CHEAPER = {"input_price": 2_700_000, "output_price": 13_500_000}
TERMS = ("input_price", "output_price", "cache_read_price", "cache_write_price", "unit_prices")


def terms_of(stated: dict[str, Any]) -> dict[str, Any]:
    """The terms in a response, with the names of its tiers and variants."""
    tiers = [(each["above_input_tokens"], each["input_price"]) for each in stated["tiers"]]
    variants = {name: each["input_price"] for name, each in stated["variants"].items()}
    return {name: stated[name] for name in TERMS} | {"tiers": tiers, "variants": variants}


def resolved(client: Client, name: dict[str, Any] = NAME) -> dict[str, Any]:
    return terms_of(resolve(client, name["provider"], name["model"])["price"])


def test_the_rest_of_the_terms_is_the_books_wherever_a_price_is_read(
    olivia: Client, database: Database
) -> None:
    seed(SONNET)
    (made,) = set_prices(olivia, NAME | CHEAPER)
    whole = terms_of(SONNET) | CHEAPER
    assert terms_of(made) == whole
    assert resolved(olivia) == whole
    assert [terms_of(each) for each in olivia.get(EXPERIMENTAL).json()] == [whole]
    assert [terms_of(each) for each in olivia.get(PRICES).json()["prices"]] == [whole]
    assert database.rows(
        "SELECT input_price, cache_write_price FROM ai_model_prices WHERE source = 'custom'"
    ) == [(2_700_000, 3_750_000)]
    assert [
        (before["cache_read_price"] if before else None, after["cache_read_price"])
        for before, after in database.rows(
            "SELECT before, after FROM audit_log WHERE resource_type = 'ai_model_price'"
            " AND actor_name = 'olivia'"
        )
    ] == [(None, 300_000)]
    million = {"input": 1_000_000}
    used = (
        {"tokens": million},
        {"tokens": {"input": 1000, "output": 1000, "cache_read": 1000, "cache_write": 1000}},
        {"tokens": million, "variant": "batch"},
        {"tokens": {"input": 2_000_001}},
        {"tokens": {"input": 1}, "units": {"web_searches": 1}},
    )
    now = {"occurred_at": datetime.now(UTC).isoformat()}
    found = results(olivia, *(record(n, **NAME, **now, **each) for n, each in enumerate(used)))
    costs = [2_700_000, 2700 + 13_500 + 300 + 3750, 1_500_000, 12_000_006, 10_003]
    assert [each["cost_micros"] for each in found] == costs


def test_the_response_says_what_applies_in_dollars_too(olivia: Client) -> None:
    seed(SONNET)
    (made,) = set_prices(olivia, NAME | {"input_price": 2_700_001})
    in_dollars = made["usd_per_million"]
    assert in_dollars["input_price"] == "2.700001"
    assert (in_dollars["output_price"], in_dollars["cache_write_1h_price"]) == ("15.000000", None)
    assert in_dollars["unit_prices"]["web_searches"] == "10000.000000"
    (tier,) = in_dollars["tiers"]
    assert (tier["above_input_tokens"], tier["input_price"]) == (2_000_000, "6.000000")
    assert in_dollars["variants"]["batch"]["output_price"] == "7.500000"
    assert (made["replaced"], made["scheduled"], made["notes"]) == ([], [], [])


def test_null_takes_the_books_price_away_and_absence_leaves_it(olivia: Client) -> None:
    seed(SONNET)
    taken = {
        "cache_read_price": None,
        "unit_prices": {"web_searches": None, "file_searches": 5_000_000_000},
        "tiers": [],
        "variants": {"batch": {"input_price": 1_000_000}, "flex": None},
    }
    set_prices(olivia, NAME | {"input_price": 2_700_000} | taken)
    assert resolved(olivia) == terms_of(SONNET) | {
        "input_price": 2_700_000,
        "cache_read_price": None,
        "unit_prices": {"input_image": 3_000_000, "file_searches": 5_000_000_000},
        "tiers": [],
        "variants": {"batch": 1_000_000},
    }


def test_another_price_replaces_all_that_the_earlier_one_named(olivia: Client) -> None:
    seed(SONNET)
    set_prices(olivia, NAME | {"input_price": 2_700_000})
    set_prices(olivia, NAME | {"output_price": 13_500_000})
    assert resolved(olivia) == terms_of(SONNET) | {"output_price": 13_500_000}


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-sonnet-4-5-20250929"),
        ("Anthropic", "Claude-Sonnet-4-5-20250929"),
        ("litellm", "anthropic/claude-sonnet-4-5-20250929"),
    ],
)
def test_a_custom_price_reaches_every_name_of_its_model(
    olivia: Client, provider: str, model: str
) -> None:
    """Also a name that has a row of its own in the book."""
    seed(SONNET, SONNET | DATED)
    set_prices(olivia, NAME | CHEAPER)
    assert both(olivia, provider, model) == (2_700_000, 2_700_000)
    assert resolve(olivia, provider, model)["via"] == "name"
    set_prices(olivia, DATED | {"input_price": 2_500_000})
    assert both(olivia, provider, model) == (2_500_000, 2_500_000)
    assert both(olivia, **NAME) == (2_700_000, 2_700_000)


def test_a_custom_price_of_bedrock_reaches_its_profiles(olivia: Client) -> None:
    id_ = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    regional = {"provider": "bedrock", "model": f"regional.{id_}"}
    seed(regional | {"input_price": 3_300_000, "output_price": 16_500_000})
    set_prices(olivia, {"provider": "bedrock", "model": id_, "input_price": 3_000_000})
    for profile in (id_, f"us.{id_}", f"eu.{id_}"):
        found = resolve(olivia, "bedrock", profile)["price"]
        assert (found["input_price"], found["output_price"]) == (3_000_000, 16_500_000)
    assert both(olivia, "bedrock", f"global.{id_}") == (None, None)


@pytest.mark.parametrize("model", ["claude-sonnet-4-5-20250929", "Claude-Sonnet-4.5"])
def test_a_name_without_a_row_is_laid_over_the_row_that_it_means(
    olivia: Client, model: str
) -> None:
    seed(SONNET)
    assert results(olivia, record(1, **NAME, tokens={"input": 1000}))[0]["cost_micros"] == 3000
    named = {"provider": "anthropic", "model": model}
    (made,) = set_prices(olivia, named | CHEAPER)
    assert terms_of(made) == resolved(olivia, named) == terms_of(SONNET) | CHEAPER
    assert made["effective_from"] is not None, "a known model's past keeps its price"
    assert rerate()["corrected"] == 0
    seed(SONNET | {"cache_read_price": 290_000})
    assert resolved(olivia, named)["cache_read_price"] == 290_000
    own = SONNET | named | {"cache_read_price": 280_000}
    seed(own)
    assert resolved(olivia, named)["cache_read_price"] == 280_000, "the row of its own name"


def test_a_platform_has_its_makers_terms_without_tools_and_variants(
    olivia: Client,
) -> None:
    maker, platform = ({"provider": each, "model": "gpt-4.1"} for each in ("openai", "azure"))
    searching = {"unit_prices": {"web_searches": 10_000_000_000}, "input_price": 6_000_000}
    seed(SONNET | maker | {"tiers": [{"above_input_tokens": 2_000_000} | searching]})
    set_prices(olivia, platform | {"input_price": 1_800_000, "unit_prices": {"code_executions": 7}})
    found = resolve(olivia, **platform)["price"]
    assert (found["input_price"], found["output_price"]) == (1_800_000, 15_000_000)
    assert found["unit_prices"] == {"input_image": 3_000_000, "code_executions": 7}
    assert [each["unit_prices"] for each in found["tiers"]] == [{}]
    assert found["variants"] == {}
    assert both(olivia, **maker) == (3_000_000, 3_000_000)


def test_a_makers_custom_price_comes_after_what_is_known_of_the_platform(olivia: Client) -> None:
    seed(price("m", input_price=9), *(
        {"provider": provider, "model": "gpt-4.1", "input_price": micros}
        for provider, micros in (("openai", 2_000_000), ("azure", 2_200_000))
    ))  # fmt: skip
    set_prices(olivia, {"provider": "openai", "model": "gpt-4.1", "input_price": 1_900_000})
    assert both(olivia, "openai", "gpt-4.1") == (1_900_000, 1_900_000)
    assert both(olivia, "azure", "gpt-4.1") == (2_200_000, 2_200_000)
    set_prices(olivia, {"provider": "openai", "model": "gpt-4o", "input_price": 1_000_000})
    assert both(olivia, "azure", "gpt-4o") == (1_000_000, 1_000_000), "it has no other price"


def test_a_change_of_the_book_reaches_what_a_custom_price_leaves(
    olivia: Client, database: Database
) -> None:
    """Also a change of the row that the custom price is laid over, and a held change."""
    seed(BASE | TWO)
    set_prices(
        olivia, CUSTOM | {"output_price": 13_500_000, "effective_from": "2026-11-01T00:00:00Z"}
    )
    used = {"input": 1_000_000, "output": 1_000_000}
    results(olivia, record(1, **SENT, tokens=used, occurred_at="2026-11-20T10:00:00Z"))
    rerate()
    since = {"effective_from": "2026-11-10T00:00:00Z"}
    seed(BASE | TWO, BASE | TWO | {"input_price": 3_100_000} | since)
    assert rerate()["difference_micros"] == 100_000
    seed(BASE | TWO, BASE | TWO | {"input_price": 31_000_000} | since)
    (held,) = olivia.get(f"{PRICES}/held").json()["held"]
    assert olivia.post(f"{PRICES}/held/{held['id']}/approve", None).status == 204
    assert rerate()["difference_micros"] == 31_000_000 - 3_100_000
    found = resolve(olivia, **SENT, query="&at=2026-11-20T10:00:00Z")["price"]
    assert (found["source"], found["input_price"]) == ("custom", 31_000_000)


def test_a_withdrawn_price_stays_below_a_custom_one(olivia: Client) -> None:
    seed(SONNET, price("other", input_price=5), complete=True)
    set_prices(olivia, NAME | CHEAPER)
    seed(price("other", input_price=5), complete=True)
    assert resolved(olivia) == terms_of(SONNET) | CHEAPER


def test_one_batch_over_a_change_of_the_book_has_both_prices(olivia: Client) -> None:
    """The row of the book that changes has another name than the custom price."""
    begins = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    seed(BASE | TWO, BASE | TWO | {"input_price": 3_100_000, "effective_from": begins.isoformat()})
    ever = {"effective_from": "2020-01-01T00:00:00Z"}
    set_prices(olivia, CUSTOM | {"output_price": 13_500_000} | ever)
    sent = SENT | {"tokens": {"input": 10}}
    before, after = results(
        olivia,
        record(1, **sent, occurred_at="2026-10-31T23:00:00Z"),
        record(2, **sent, occurred_at=begins.isoformat()),
    )
    assert (before["cost_micros"], after["cost_micros"]) == (30, 31)
