"""A name takes the price of a better match as soon as that one has a price."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.gateway import Client
from tests.model_prices import PRICES, confirmed, url_time
from tests.postgres import Database
from tests.price_books import counts, price, seed
from tests.resolved_prices import SONNET, both, paid, resolve


def test_a_better_match_that_is_priced_later_counts_at_once(olivia: Client) -> None:
    seed(SONNET)
    dated = "claude-sonnet-4-5-20250929"
    assert both(olivia, "anthropic", dated) == (3_000_000, 3_000_000)
    olivia.post(PRICES, confirmed([SONNET | {"model": dated, "input_price": 7}]))
    assert both(olivia, "anthropic", dated) == (7, 7)


def test_when_a_better_match_loses_its_price_the_next_one_counts_again(
    olivia: Client, database: Database
) -> None:
    seed(SONNET)
    sent, dated = (
        ("litellm", "anthropic/claude-sonnet-4-5-20250929"),
        SONNET | {"model": "claude-sonnet-4-5-20250929"},
    )
    for provider, model in (("anthropic", dated["model"]), sent):
        assert both(olivia, provider, model) == (3_000_000, 3_000_000)
        olivia.post(PRICES, confirmed([dated | {"input_price": 7}]))
        assert both(olivia, provider, model) == (7, 7)
        now = url_time(datetime.now(UTC))
        assert olivia.delete(f"{PRICES}/anthropic/{dated['model']}?from={now}").status == 204
        assert both(olivia, provider, model) == (3_000_000, 3_000_000)
    ((ended,),) = database.rows(
        "SELECT max(effective_from) FROM ai_model_price_versions WHERE removed"
    )
    assert [paid(olivia, *sent, at) for at in (ended - timedelta(microseconds=1), ended)] == [
        7,
        3_000_000,
    ]
    assert seed(dated | {"input_price": 1_000_000}) == counts(inserted=1)
    assert both(olivia, *sent) == (1_000_000, 1_000_000), "a default price is a price again"


def test_a_name_stands_for_a_model_until_a_better_match_comes_to_its_price(olivia: Client) -> None:
    seed(SONNET)
    tomorrow = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    seed(
        SONNET
        | {
            "model": "claude-sonnet-4-5-20250929",
            "input_price": 9,
            "effective_from": tomorrow.isoformat(),
        }
    )
    sent = ("litellm", "anthropic/claude-sonnet-4-5-20250929")
    assert both(olivia, *sent) == (3_000_000, 3_000_000)
    for at, micros in ((tomorrow - timedelta(seconds=1), 3_000_000), (tomorrow, 9)):
        assert (
            resolve(olivia, *sent, f"&at={at:%Y-%m-%dT%H:%M:%SZ}")["price"]["input_price"] == micros
        )


@pytest.mark.parametrize("how", ["seed", "post", "approve"])
def test_a_better_match_counts_however_it_comes_to_its_first_price(
    olivia: Client, how: str
) -> None:
    seed(SONNET, *(price(f"m{n}", input_price=1_000_000) for n in range(30)))
    sent = ("litellm", "anthropic/claude-sonnet-4-5")
    assert both(olivia, *sent) == (3_000_000, 3_000_000)
    newcomer = {"provider": "litellm", "model": sent[1], "input_price": 1}
    if how == "post":
        olivia.post(PRICES, confirmed([newcomer]))
    else:
        seed(newcomer if how == "approve" else newcomer | {"input_price": 1_000_000})
    if how == "approve":
        assert both(olivia, *sent) == (3_000_000, 3_000_000), "a held price is no price"
        (held,) = olivia.get(f"{PRICES}/held").json()["held"]
        assert olivia.post(f"{PRICES}/held/{held['id']}/approve").status == 204
    now = 1_000_000 if how == "seed" else 1
    assert both(olivia, *sent) == (now, now)
