"""Books for tests: real-looking prices, in micro-units of US dollars per one million tokens."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import seed_prices
from tests.gateway import Context
from tests.postgres import Database

TOMORROW = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
NOTHING = {"inserted": 0, "updated": 0, "unchanged": 0, "held": 0, "withdrawn": 0, "fallback": None}
RATES = (
    "input_price",
    "output_price",
    "cache_read_price",
    "cache_write_price",
    "cache_write_1h_price",
)

SHAPES = {"tiers", "variants", "held", "effective_from"}
"""What an entry may have beside its rates."""


def counts(**some: Any) -> dict[str, Any]:
    """What SeedPrices answers."""
    return NOTHING | some


def price(model: str = "m", **prices: Any) -> dict[str, Any]:
    return {"provider": "p", "model": model} | prices


def seed(*prices: Any, **more: Any) -> dict[str, Any]:
    """SeedPrices with a book of its own."""
    return seed_prices.handler({"prices": list(prices), **more}, Context())


def many(number: int) -> list[dict[str, Any]]:
    """`number` models: $0.10 to $10 of input, and output at five times the input."""
    stated = [100_000 + 9_900_000 * n // number for n in range(number)]
    return [
        price(f"model-{n:03}", input_price=each, output_price=5 * each)
        for n, each in enumerate(stated)
    ]


def few_of_the_shipped(folder: Path) -> Path:
    """A file with a few entries of the shipped book, of every shape, as a book of its own."""
    file = folder / "prices.json"
    file.write_text(_few_of(seed_prices.SHIPPED, 60))
    return file


@cache
def _few_of(shipped: Path, count: int) -> str:
    document = json.loads(shipped.read_text())
    prices = document["prices"]
    shapes = {tuple(sorted(each.keys() & SHAPES)): each for each in prices}
    spread = prices[:: len(prices) // (count - len(shapes))]
    taken = {(each["provider"], each["model"]): each for each in (*shapes.values(), *spread)}
    return json.dumps(document | {"prices": list(taken.values())[:count]})


UNITS = {
    "per token": lambda micros: micros // 1_000_000,
    "per thousand": lambda micros: micros // 1_000,
    "cents": lambda micros: micros // 10_000,
    "hundredths of a micro": lambda micros: micros * 100,
    "per billion": lambda micros: micros * 1_000,
}
"""Ways to mistake what the number of a price means, applied to one."""


def in_units(prices: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """The same prices, mistaken."""
    return [
        {
            key: UNITS[name](value) if key in RATES and value is not None else value
            for key, value in each.items()
        }
        for each in prices
    ]


def rows(database: Database) -> list[tuple[Any, ...]]:
    """What is in effect now, in the order of the listing: provider, model, source, and the five
    rates.
    """
    return database.rows(
        f"SELECT provider, model, source, {', '.join(RATES)} FROM "
        "ai_model_prices_at(clock_timestamp())"
        " ORDER BY provider, model, source"
    )


def versions(database: Database, model: str = "m") -> list[tuple[Any, ...]]:
    """Every version of a model, in the order of their writing: source, since when, input price,
    what ended.
    """
    return database.rows(
        "SELECT source, CASE WHEN effective_from > '-infinity' THEN effective_from END, "
        "input_price, removed, withdrawn"
        " FROM ai_model_price_versions WHERE model = %s ORDER BY id", model
    )  # fmt: skip


def at(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def input_prices_at(database: Database, moment: datetime | str) -> dict[str, int]:
    return dict(
        database.rows(
            "SELECT model, input_price FROM ai_model_prices_at(%s::timestamptz)", str(moment)
        )
    )


def audit(database: Database) -> list[tuple[Any, ...]]:
    return database.rows(
        "SELECT actor_name, action, resource_id, before -> 'input_price', after -> 'input_price' "
        "FROM audit_log"
        " WHERE resource_type = 'ai_model_price' ORDER BY id"
    )
