"""Which price an alias leads to: by the route, and by the cost of usage."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from allowance.database.queries import queries
from allowance.prices.names import candidates
from tests.gateway import Client
from tests.model_aliases import alias, free, path_of
from tests.model_prices import PRICES, confirmed
from tests.plans import tables_scanned
from tests.postgres import Database
from tests.price_books import price, seed
from tests.resolved_prices import both, paid, resolve

PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3"


@pytest.mark.parametrize(
    ("provider", "model"),
    [("azure", "my-deployment"), ("bedrock", PROFILE), ("litellm", "ollama_chat/llama3:8b")],
)
def test_a_name_has_the_price_of_the_model_that_it_means(
    olivia: Client, provider: str, model: str
) -> None:
    seed(price("m", input_price=5, effective_from="2020-01-01T00:00:00Z"))
    assert both(olivia, provider, model) == (None, None)
    alias(olivia, provider, model)
    assert both(olivia, provider, model) == (5, 5)
    assert both(olivia, provider.upper(), model.upper()) == (5, 5)
    found = resolve(olivia, provider, model)
    assert found["via"] == "alias"
    assert found["rule"] == f"the alias {provider}/{model}"
    assert found["alias"] == {
        "provider": provider,
        "model": model,
        "target": {"provider": "p", "model": "m"},
        "free": False,
    }
    assert [each["priced"] for each in found["considered"]] == [False] * len(found["considered"])
    seed(price("m", input_price=7))
    assert both(olivia, provider, model) == (7, 7), "a price of the target moves along"
    assert olivia.delete(path_of(provider, model)).status == 204
    assert both(olivia, provider, model) == (None, None)


def test_an_alias_applies_to_usage_of_any_time_at_the_price_of_then(olivia: Client) -> None:
    change = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
    seed(
        price("m", input_price=5),
        price("m", input_price=6, effective_from=change.isoformat()),
    )
    alias(olivia, "azure", "chat")
    before = change - timedelta(days=1)
    assert paid(olivia, "azure", "chat", before) == 5
    assert paid(olivia, "azure", "chat", change) == 6


def test_free_costs_nothing_and_has_a_price(olivia: Client) -> None:
    seed(price("m", input_price=5))
    free(olivia, "ollama", "*")
    found = resolve(olivia, "ollama", "llama3")
    assert (found["via"], found["price"], found["alias"]["free"]) == ("alias", None, True)
    assert paid(olivia, "ollama", "llama3") == 0
    assert paid(olivia, "ollama-2", "llama3") is None


def test_the_order_is_custom_price_alias_book_pattern(olivia: Client) -> None:
    """Each step takes the first of what is left away."""
    seed(
        price("pattern", input_price=4),
        price("name", input_price=3),
        price("alias", input_price=2),
        price("very-name-2026-01-01", input_price=9),
    )
    custom = price("Very-Name-2026-01-01", input_price=1)
    assert olivia.post(PRICES, confirmed([custom])).status == 200
    alias(olivia, "p", "very-*", "p/pattern")
    alias(olivia, "p", "very-name-2026-01-01", "p/alias", confirm=True)
    sent = ("p", "very-name-2026-01-01")
    assert both(olivia, *sent) == (1, 1)
    assert resolve(olivia, *sent)["via"] == "name"
    assert olivia.delete(f"{PRICES}/p/Very-Name-2026-01-01").status == 204
    assert both(olivia, *sent) == (2, 2)
    assert resolve(olivia, *sent)["via"] == "alias"
    assert olivia.delete(path_of(*sent)).status == 204
    assert both(olivia, *sent) == (9, 9)
    assert resolve(olivia, *sent)["via"] == "name"
    assert both(olivia, "p", "very-other") == (4, 4)
    assert resolve(olivia, "p", "very-other")["via"] == "alias"


def test_a_custom_price_of_any_name_of_a_model_comes_before_an_alias(olivia: Client) -> None:
    seed(price("m", input_price=5), price("chat", input_price=6))
    alias(olivia, "p", "chat-2026-01-01", confirm=True)
    assert both(olivia, "p", "chat-2026-01-01") == (5, 5)
    assert olivia.post(PRICES, confirmed([price("chat", input_price=7)])).status == 200
    assert both(olivia, "p", "chat-2026-01-01") == (7, 7)
    assert resolve(olivia, "p", "chat-2026-01-01")["via"] == "name"
    assert both(olivia, "p", "chat") == (7, 7)


def test_the_longest_pattern_wins(olivia: Client) -> None:
    models = ("any", "beginning", "longer", "exact")
    seed(*(price(name, input_price=n) for n, name in enumerate(models, 1)))
    for pattern, target in (
        ("*", "any"),
        ("llama*", "beginning"),
        ("LLAMA3*", "longer"),
        ("llama3", "exact"),
    ):
        alias(olivia, "ollama", pattern, f"p/{target}")
    names = ("qwen", "llama", "Llama2", "llama3:8b", "llama3")
    assert [both(olivia, "ollama", name)[0] for name in names] == [1, 2, 2, 3, 4]
    assert [both(olivia, "ollama", name)[1] for name in names] == [1, 2, 2, 3, 4]


def test_a_target_without_a_price_leaves_usage_unpriced(olivia: Client) -> None:
    """Neither free, nor at the price that the name would have without the alias."""
    seed(price("chat", input_price=9))
    assert olivia.post(PRICES, confirmed([price("own", input_price=5)])).status == 200
    alias(olivia, "p", "chat", "p/own", confirm=True)
    assert both(olivia, "p", "chat") == (5, 5)
    assert olivia.delete(f"{PRICES}/p/own").status == 204
    assert both(olivia, "p", "chat") == (None, None)
    found = resolve(olivia, "p", "chat")
    assert (found["via"], found["alias"]["free"]) == ("alias", False)


def test_an_unpriced_record_suggests_an_alias(olivia: Client) -> None:
    sent = {
        "source": "s",
        "id": "1",
        "user": "maya",
        "provider": "azure",
        "model": "chat",
        "occurred_at": datetime.now(UTC).isoformat(),
        "tokens": {"input": 1},
    }
    (result,) = olivia.post("/api/v2/ai/usage", {"records": [sent]}).json()["results"]
    (problem,) = result["validations"]
    assert "PUT /api/v2/ai/model-aliases/" in problem["detail"]


@pytest.mark.parametrize("name", ["resolve_model_price", "find_usage_prices"])
def test_ten_thousand_aliases_are_looked_up_by_index(database: Database, name: str) -> None:
    """As many names, half of them patterns of one provider, in 50 lengths."""
    database.run(
        "INSERT INTO ai_model_aliases (provider, model, free, created_at, updated_at)"
        " SELECT 'azure', repeat('x', n %% 50) || n || CASE WHEN n %% 2 = 0 THEN '*' ELSE '' END,"
        " true, now(), now() FROM generate_series(1, 10000) n".replace("%%", "%")
    )
    database.run("ANALYZE ai_model_aliases")
    names = [("azure", f"{'x' * 40}{n}40-chat") for n in range(20)]
    possible = [(place, each) for place, of in enumerate(names) for each in candidates(*of)]
    sent = {
        "rules": [each.rule for _, each in possible],
        "are_sellers": [each.is_sellers for _, each in possible],
        "at": None,
        "provider": "azure",
        "model": names[0][1],
        "named_providers": [provider for provider, _ in names],
        "named_models": [model for _, model in names],
        "sinces": [datetime.now(UTC)] * len(names),
        "untils": [datetime.now(UTC)] * len(names),
        "places": [place for place, _ in possible],
        "providers": [each.provider for _, each in possible],
        "models": [each.model for _, each in possible],
    }
    with psycopg.connect(database.app_url) as app:
        app.execute(queries()[name].sql, sent)
        assert "ai_model_aliases" not in tables_scanned(app)
