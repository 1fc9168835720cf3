"""A custom price is of a name in any spelling, and is laid over whatever that name means."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.gateway import Client
from tests.model_aliases import ALIASES, alias, free, path_of, put_alias
from tests.model_prices import EXPERIMENTAL, PRICES, confirmed, listed, set_prices, url_time
from tests.postgres import Database
from tests.price_books import price, seed
from tests.resolved_prices import both, resolve
from tests.usage import record, rerate, results

TWO = {"input_price": 2_000_000, "output_price": 8_000_000}
GPT: dict[str, Any] = TWO | {
    "provider": "openai",
    "model": "gpt-4o",
    "unit_prices": {"web_searches": 10_000_000_000, "input_audio": 40_000_000},
    "variants": {"batch": {"input_price": 1_000_000}},
}
CHAT = {"provider": "azure", "model": "team-chat"}
MILLION = {"output": 1_000_000}


def output_of(client: Client, provider: str, model: str) -> tuple[int | None, int | None]:
    """The price of output by the route, and what a million of them cost."""
    shown = resolve(client, provider, model)["price"]["output_price"]
    used = record(str(datetime.now(UTC)), provider=provider, model=model, tokens=MILLION)
    (found,) = results(client, used)
    return shown, found["cost_micros"]


def test_a_custom_price_of_an_alias_keeps_the_terms_of_its_target(olivia: Client) -> None:
    seed(GPT)
    alias(olivia, "azure", "team-chat", "openai/gpt-4o")
    (made,) = set_prices(olivia, CHAT | {"input_price": 1_500_000})
    assert (made["input_price"], made["output_price"]) == (1_500_000, 8_000_000)
    # Azure charges the maker's price of tokens, without tools and variants.
    assert (made["unit_prices"], made["variants"]) == ({"input_audio": 40_000_000}, {})
    assert output_of(olivia, "azure", "Team-Chat") == (8_000_000, 8_000_000)
    refused = olivia.post(PRICES, {"prices": [CHAT | {"output_price": 8}]})
    assert "$8.00 for openai/gpt-4o" in refused.json()["validations"][0]["detail"]


@pytest.mark.parametrize("is_free", [False, True])
def test_a_custom_price_of_an_alias_leaves_the_past_as_it_was(
    olivia: Client, is_free: bool
) -> None:
    """The alias priced the name before, so the custom price applies from now on."""
    seed(GPT)
    if is_free:
        free(olivia, "azure", "team-chat")
    else:
        alias(olivia, "azure", "team-chat", "openai/gpt-4o")
    past = record(1, occurred_at="2026-10-10T00:00:00Z", tokens=MILLION, **CHAT)
    (found,) = results(olivia, past)
    (made,) = set_prices(olivia, CHAT | {"output_price": 9_000_000, "confirm": True})
    assert made["effective_from"] is not None
    rerate()
    (again,) = results(olivia, record(2) | past | {"id": "2"})
    assert again["cost_micros"] == found["cost_micros"] == (0 if is_free else 8_000_000)


def test_a_custom_price_follows_the_alias_of_its_name(olivia: Client) -> None:
    seed(price("old", **TWO), price("m", input_price=3_000_000, output_price=9_000_000))
    set_prices(olivia, price("old", input_price=1_500_000))
    assert output_of(olivia, "p", "old") == (8_000_000, 8_000_000)
    now = datetime.now(UTC).isoformat()
    used = record(7, **price("old"), occurred_at=now, tokens=MILLION)
    assert results(olivia, used)[0]["cost_micros"] == 8_000_000
    alias(olivia, "p", "old", confirm=True)
    assert output_of(olivia, "p", "old") == (9_000_000, 9_000_000)
    rerate()
    assert results(olivia, used | {"amends": True, "labels": {"a": "b"}})[0]["cost_micros"] == (
        9_000_000
    )
    free(olivia, "p", "old")
    assert output_of(olivia, "p", "old") == (0, 0)
    assert olivia.delete(path_of("p", "old")).status == 204
    assert output_of(olivia, "p", "old") == (8_000_000, 8_000_000)


def test_rerating_follows_an_alias_below_a_custom_price(olivia: Client, database: Database) -> None:
    """Also usage of other names of the custom price, and after a change of the target."""
    seed(price("m", **TWO), price("n", input_price=3_000_000, output_price=9_000_000))
    set_prices(olivia, price("x", input_price=1_500_000))
    names = (price("x"), price("x-2026-01-01"))
    results(olivia, *(record(n, **each, tokens=MILLION) for n, each in enumerate(names)))
    spent = "SELECT trunc(sum(cost_micros)), sum(unpriced_usage_count) FROM ai_usage"
    assert database.rows(spent) == [(None, 2)]
    for target, model in (("m", 8_000_000), ("n", 9_000_000)):
        alias(olivia, "p", "x", f"p/{target}", confirm=True)
        rerate()
        assert database.rows(spent) == [(2 * model, 0)]
    set_prices(olivia, price("n", output_price=11_000_000, effective_from="2026-01-01T00:00:00Z"))
    rerate()
    assert database.rows(spent) == [(2 * 11_000_000, 0)]


def test_a_batch_sees_each_price_of_the_target_of_an_alias(olivia: Client) -> None:
    seed(price("m", **TWO))
    alias(olivia, "p", "x")
    set_prices(olivia, price("x", input_price=1_500_000, effective_from="2026-01-01T00:00:00Z"))
    now = datetime.now(UTC).replace(microsecond=0)
    change = now - timedelta(hours=1)
    set_prices(olivia, price("m", output_price=9_000_000, effective_from=url_time(change)))
    moments = (change - timedelta(hours=1), change)
    used = (
        record(n, **price("x"), occurred_at=each.isoformat(), tokens=MILLION)
        for n, each in enumerate(moments)
    )
    assert [each["cost_micros"] for each in results(olivia, *used)] == [8_000_000, 9_000_000]


def test_a_pattern_is_below_a_custom_price_without_a_row(olivia: Client) -> None:
    """After the price list, and the longest one first."""
    seed(price("m", **TWO), price("n", output_price=9_000_000), price("x-2", output_price=7))
    alias(olivia, "p", "x*")
    alias(olivia, "p", "x-1*", "p/n")
    set_prices(olivia, *(price(each, input_price=1_000_000) for each in ("x-0", "x-1", "x-2")))
    found = [output_of(olivia, "p", each)[0] for each in ("x-0", "x-1", "x-2")]
    assert found == [8_000_000, 9_000_000, 7]


def test_patterns_that_lead_to_each_other_end(olivia: Client) -> None:
    set_prices(olivia, price("a1", input_price=1_000_000), price("b1", output_price=2_000_000))
    alias(olivia, "p", "a*", "p/b1")
    alias(olivia, "p", "b*", "p/a1")
    assert output_of(olivia, "p", "a1") == (2_000_000, 2_000_000)
    assert both(olivia, "p", "b1") == (1_000_000, 1_000_000)


@pytest.mark.parametrize("spelling", [("p", "my-model"), ("P", "My-Model")])
def test_a_custom_price_is_listed_and_deleted_in_any_case(
    olivia: Client, spelling: tuple[str, str]
) -> None:
    set_prices(olivia, {"provider": "P", "model": "My-Model", "input_price": 5})
    provider, model = spelling
    row = ("P", "My-Model", "custom", 5)
    assert listed(olivia, f"provider={provider}&model={model}") == [row]
    assert olivia.delete(f"{PRICES}/{provider}/{model}").status == 204
    assert listed(olivia) == []
    assert olivia.delete(f"{PRICES}/{provider}/{model}").status == 404


def test_another_spelling_replaces_the_custom_price(olivia: Client) -> None:
    seed(price("my-model", **TWO))
    (made,) = set_prices(olivia, {"provider": "P", "model": "My-Model", "input_price": 1_000_000})
    assert (made["model"], made["output_price"]) == ("my-model", 8_000_000)
    assert both(olivia, "p", "my-model") == (1_000_000, 1_000_000)
    body = confirmed([price("New", input_price=5), price("new", input_price=6)])
    refused = olivia.post(PRICES, body)
    assert refused.json()["validations"] == [
        {"field": "prices[1].model", "detail": "P new is priced at prices[0] already."}
    ]
    set_prices(olivia, price("New", input_price=5))
    set_prices(olivia, price("new", input_price=6))
    assert listed(olivia, "model=NEW") == [("p", "New", "custom", 6)]


def test_aliases_and_held_changes_are_listed_in_any_case(olivia: Client) -> None:
    seed(price("m", **TWO))
    seed(price("m", input_price=20_000_000, output_price=8_000_000))
    alias(olivia, "p", "x")
    assert len(olivia.get(f"{ALIASES}?provider=P").json()["aliases"]) == 1
    assert len(olivia.get(f"{PRICES}/held?provider=P&model=M").json()["held"]) == 1


def test_input_and_output_of_0_make_all_of_a_model_free(olivia: Client) -> None:
    tier = {"above_input_tokens": 1, "input_price": 4_000_000, "output_price": 4_000_000}
    seed(GPT | {"cache_read_price": 500_000, "tiers": [tier]})
    name = {"provider": "openai", "model": "gpt-4o"}
    nothing = name | {"input_price": 0, "output_price": 0}
    nothing |= {"effective_from": "2026-01-01T00:00:00Z"}
    assert olivia.post(PRICES, {"prices": [nothing]}).status == 400
    set_prices(olivia, nothing)
    used: tuple[dict[str, Any], ...] = (
        {"tokens": {"input": 10, "cache_read": 5, "cache_write_1h": 3}},
        {"tokens": {"input": 10, "input_audio": 3}, "units": {"web_searches": 1, "pages": 2}},
        {"tokens": {"output": 10}, "units": {"code_executions": 1}, "variant": "batch"},
        {"tokens": {"output": 10}, "variant": "priority"},
    )
    found = results(olivia, *(record(n, **name, **each) for n, each in enumerate(used)))
    assert [each["cost_micros"] for each in found] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "kept",
    [
        {"output_price": 8_000_000},
        {"unit_prices": {"pages": 1_000_000_000}},
        {"tiers": [{"above_input_tokens": 5, "input_price": 1_000_000}]},
        {"variants": {"flex": {"input_price": 1_000_000}}},
        {"variants": {"flex": {"input_price": 0, "tiers": [
            {"above_input_tokens": 5, "input_price": 1_000_000}]}}},
    ],
)  # fmt: skip
def test_one_price_above_0_leaves_the_rest_as_the_book_has_it(
    olivia: Client, kept: dict[str, Any]
) -> None:
    seed(GPT)
    name = {"provider": "openai", "model": "gpt-4o"}
    (made,) = set_prices(olivia, name | {"input_price": 0, "output_price": 0} | kept)
    assert made["unit_prices"]["web_searches"] == 10_000_000_000


def test_what_a_free_model_takes_away_is_unknown(olivia: Client) -> None:
    seed(GPT)
    taken = {"cache_write_price": None, "unit_prices": {"pages": None}, "variants": {"flex": None}}
    (made,) = set_prices(olivia, price("m", input_price=0, output_price=0, **taken))
    assert (made["cache_write_price"], made["cache_write_1h_price"]) == (None, 0)
    assert "pages" not in made["unit_prices"]
    assert sorted(made["variants"]) == ["batch", "fast", "priority"]


def test_a_free_model_is_confirmed_for_what_it_does_not_name(olivia: Client) -> None:
    seed(price("m", input_price=0, output_price=0, unit_prices={"web_searches": 5_000_000_000}))
    refused = olivia.post(PRICES, {"prices": [price("m", input_price=0, output_price=0)]})
    assert [each["field"] for each in refused.json()["validations"]] == [
        "prices[0].unit_prices.web_searches"
    ]


def test_nulls_alone_are_no_price(olivia: Client) -> None:
    seed(GPT)
    refused = olivia.post(PRICES, {"prices": [price("m", cache_read_price=None)]})
    (problem,) = refused.json()["validations"]
    assert problem == {
        "field": "prices[0]",
        "detail": "At least one price must be set beside nulls (input_price 0 with output_price 0"
        " declares a model free).",
    }
    assert put_alias(olivia, "p", "x", {"free": True, "confirm": True}).status == 200


def test_a_wrong_field_is_named_as_a_request_writes_it(olivia: Client) -> None:
    coder = price("m", input_price=1_000_000, provider_id="x")
    (problem,) = olivia.post(EXPERIMENTAL, {"prices": [coder]}).json()["validations"]
    assert problem["detail"] == "Must be null. No price belongs to a configured provider."
    set_prices(olivia, price("m", input_price=1_000_000))
    wrong = olivia.delete(f"{PRICES}/p/m?form=2026-01-01T00:00:00Z").json()["validations"]
    assert wrong[0]["detail"].startswith("Unknown field. Did you mean from? The custom price ends")
