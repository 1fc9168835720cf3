"""Which price counts for a model as gateways send it: by the route, and by the cost of usage."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from allowance.database.queries import queries
from allowance.prices.names import candidates
from tests.gateway import Client
from tests.model_prices import PRICES, confirmed
from tests.plans import tables_scanned
from tests.postgres import Database
from tests.price_books import price, seed
from tests.resolved_prices import SONNET, both, paid, resolve
from tests.usage import record, results


def test_an_exact_name_wins_and_says_so(olivia: Client) -> None:
    seed(SONNET, SONNET | {"model": "claude-sonnet-4-5-20250929", "input_price": 4_000_000})
    found = resolve(olivia, "anthropic", "claude-sonnet-4-5-20250929")
    assert (found["price"]["input_price"], found["rule"]) == (4_000_000, "the name as sent")
    assert paid(olivia, "anthropic", "claude-sonnet-4-5-20250929") == 4_000_000


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-sonnet-4-5-20250929"),
        ("Anthropic", "Claude-Sonnet-4-5"),
        ("litellm", "anthropic/claude-sonnet-4-5"),
    ],
)
def test_what_gateways_send_finds_its_price(olivia: Client, provider: str, model: str) -> None:
    seed(SONNET)
    found = resolve(olivia, provider, model)
    assert (found["provider"], found["model"]) == (provider, model)
    assert (found["price"]["provider"], found["price"]["model"]) == (
        "anthropic",
        "claude-sonnet-4-5",
    )
    assert found["rule"]
    assert [each["priced"] for each in found["considered"]].count(True) == 1
    assert found["considered"][0]["rule"].startswith("the name as sent")
    assert both(olivia, provider, model) == (3_000_000, 3_000_000)


def test_rows_are_found_whatever_the_case_of_their_letters(olivia: Client) -> None:
    seed({"provider": "together", "model": "Qwen/Qwen3-Coder", "input_price": 5})
    found = resolve(olivia, "Together", "qwen/qwen3-CODER")
    assert found["price"]["model"] == "Qwen/Qwen3-Coder"
    assert found["rule"].endswith("upper and lower case")


def test_of_two_rows_that_differ_in_case_the_very_same_one_wins(olivia: Client) -> None:
    seed(
        {"provider": "p", "model": "M", "input_price": 5},
        {"provider": "p", "model": "m", "input_price": 6},
    )
    assert [resolve(olivia, "p", name)["price"]["input_price"] for name in ("m", "M")] == [6, 5]
    assert resolve(olivia, "P", "M")["price"]["input_price"] == 5


def test_an_unknown_name_has_no_price_and_lists_the_names_considered(
    olivia: Client,
) -> None:
    found = resolve(olivia, "acme", "nothing-like-it-2026-11-22")
    assert (found["price"], found["rule"]) == (None, None)
    assert [each["priced"] for each in found["considered"]] == [False] * len(found["considered"])
    assert len(found["considered"]) > 1
    assert paid(olivia, "acme", "nothing-like-it-2026-11-22") is None


def test_a_new_version_of_the_model_counts_for_every_name_of_it(olivia: Client) -> None:
    seed(SONNET)
    sent = ("litellm", "anthropic/claude-sonnet-4-5")
    assert both(olivia, *sent) == (3_000_000, 3_000_000)
    seed(SONNET | {"input_price": 4_000_000})
    assert both(olivia, *sent) == (4_000_000, 4_000_000)
    olivia.post(PRICES, confirmed([SONNET | {"input_price": 1}]))
    assert both(olivia, *sent) == (1, 1)
    assert resolve(olivia, *sent)["price"]["source"] == "custom"


def test_the_price_is_the_one_of_the_time_and_a_withdrawn_one_says_so(olivia: Client) -> None:
    tomorrow = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    later = SONNET | {"input_price": 4_000_000, "effective_from": tomorrow.isoformat()}
    seed(SONNET, later, price(input_price=5), complete=True)
    at = f"&at={tomorrow.isoformat().replace('+00:00', 'Z')}"
    assert (
        resolve(olivia, "anthropic", "claude-sonnet-4-5-20250929")["price"]["input_price"]
        == 3_000_000
    )
    assert (
        resolve(olivia, "anthropic", "claude-sonnet-4-5-20250929", at)["price"]["input_price"]
        == 4_000_000
    )
    seed(SONNET, later, complete=True)
    assert resolve(olivia, "p", "m")["price"]["withdrawn_at"] is not None
    assert resolve(olivia, "p", "m", "&at=2020-01-01T00:00:00Z")["price"]["withdrawn_at"] is None


@pytest.mark.parametrize(
    "query",
    [
        "",
        "provider=p",
        "model=m",
        "provider=&model=m",
        "provider=p&model=a%00b",
        "provider=p&model=m&x=1",
    ],
)
def test_a_provider_and_a_model_are_needed(olivia: Client, query: str) -> None:
    answer = olivia.get(f"{PRICES}/resolve?{query}")
    assert (answer.status, answer.json()["message"]) == (
        400,
        "Query parameters have invalid values.",
    )


def test_the_look_up_of_a_price_reads_by_index_alone(database: Database) -> None:
    """With a book of some size and history; a sequential scan, or a sort of many rows, would be a
    fault.
    """
    database.run(
        "INSERT INTO ai_model_price_versions (provider, model, source, effective_from, "
        "input_price, origin)"
        " SELECT 'p' || n % 40, 'm' || n, 'default', now() - v * interval '1 day', 1, 'test'"
        " FROM generate_series(1, 6000) n, generate_series(1, 5) v"
    )
    database.run("ANALYZE")
    names = candidates("litellm", "p37/m77")
    sent = {
        "rules": [each.rule for each in names],
        "are_sellers": [each.is_sellers for each in names],
        "at": None,
        "provider": "litellm",
        "model": "p37/m77",
        "named_providers": ["litellm"],
        "named_models": ["p37/m77"],
        "sinces": [datetime.now(UTC)],
        "untils": [datetime.now(UTC)],
        "places": [0] * len(names),
        "providers": [each.provider for each in names],
        "models": [each.model for each in names],
    }
    with psycopg.connect(database.app_url) as app:
        for name in ("resolve_model_price", "find_usage_prices"):
            app.execute(queries()[name].sql, sent)
        assert "ai_model_price_versions" not in tables_scanned(app)


def test_a_platform_sells_tokens_at_the_makers_price_and_no_tools(olivia: Client) -> None:
    """Bing searches the web on Azure, at its own price, and kinds of processing differ too."""
    searching = {"unit_prices": {"web_searches": 10_000_000_000}, "input_price": 1_000_000}
    tier = searching | {"above_input_tokens": 1000}
    kinds = {"tiers": [tier], "variants": {"batch": searching}}
    seed({"provider": "openai", "model": "gpt-9"} | searching | kinds)
    sold = resolve(olivia, "azure", "gpt-9")["price"]
    assert (sold["provider"], sold["input_price"], sold["unit_prices"]) == ("openai", 1_000_000, {})
    assert ([each["unit_prices"] for each in sold["tiers"]], sold["variants"]) == ([{}], {})
    assert resolve(olivia, "openai", "gpt-9")["price"]["variants"].keys() == {"batch"}
    searched = {"units": {"web_searches": 1}, "tokens": {"input": 10}, "model": "gpt-9"}
    maker, platform, batch = results(
        olivia,
        record(1, provider="openai", **searched),
        record(2, provider="azure", **searched),
        record(3, provider="azure", model="gpt-9", variant="batch"),
    )
    assert maker["cost_micros"] == 10_010
    assert (platform["priced"], batch["priced"]) == (False, False)
    assert platform["validations"][0]["field"] == "units.web_searches"
    assert paid(olivia, "azure", "gpt-9") == 1_000_000
