"""Broken and hostile books in a file: none changes a price, and none takes much memory."""

import json
import tracemalloc
from collections.abc import Generator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

import seed_prices
from allowance.errors import ValidationFailed
from allowance.prices.book import MAX_BOOK_BYTES, MAX_BOOK_VALUES, MAX_ENTRIES, read_document
from tests.conftest import environment
from tests.gateway import Context
from tests.postgres import Database
from tests.price_books import UNITS, few_of_the_shipped, in_units, many, rows, seed

GOOD = many(60)
FIRST = GOOD[0]


def book(prices: Any, **more: Any) -> bytes:
    return json.dumps({"source": "acme", "prices": prices} | more).encode()


def with_first(**changes: Any) -> bytes:
    """The good book, with something wrong in its first entry."""
    return book([FIRST | changes, *GOOD[1:]])


def padded(text: bytes, size: int) -> bytes:
    return text + b" " * (size - len(text))


REFUSED: dict[str, tuple[bytes, str]] = {
    "truncated": (book(GOOD)[:-20], "(document): must be valid JSON"),
    "empty": (b"", "(document): must be valid JSON"),
    "not UTF-8": (b"\xff" + book(GOOD), "(document): must be valid JSON"),
    "no object": (json.dumps(GOOD).encode(), "(document): must be valid JSON"),
    "no prices": (b"{}", "prices: required"),
    "no price at all": (book([]), "prices: must not be empty"),
    "negative": (with_first(input_price=-1), "prices[0].input_price: must not be negative"),
    "1e300": (with_first(input_price=1e300), "prices[0].input_price: must be a whole number"),
    "1e400": (book(GOOD).replace(b"100000,", b"1e400,", 1), "prices[0].input_price: must be a "
    "whole number"),
    "NaN": (book(GOOD).replace(b"100000,", b"NaN,", 1), "(document): must be valid JSON: NaN is "
    "not a JSON number"),
    "a fraction": (with_first(input_price=0.1), "prices[0].input_price: must be a whole number"),
    "a thousand digits": (book(GOOD).replace(b"100000,", b"1" + b"0" * 999 + b",", 1),
     "prices[0].input_price: "
    "must not exceed"),
    "ten thousand digits": (book(GOOD).replace(b"100000,", b"1" + b"0" * 9999 + b",", 1),
     "prices[0].input_price: "
    "must not exceed"),
    "text": (with_first(input_price="100000"), "prices[0].input_price: must be a whole number"),
    "a key twice": (
        book(GOOD).replace(b'"input_price"', b'"input_price": 1, "input_price"', 1),
        '(document): must be valid JSON: An object has the key "input_price" twice',
    ),
    "a model twice": (book([*GOOD, FIRST]), "prices[60].model: p model-000 is priced at prices[0] "
    "already"),
    "an unknown field": (with_first(currency="EUR"), "prices[0].currency: unknown field"),
    "NUL in a name": (with_first(model="a\0b"), "prices[0].model: must have no control characters"),
    "NUL in a dispute": (with_first(held={"reason": "x", "by_source": {"a": {"b": "\0"}}}),
     "prices[0].held.by_source: "),
    "an endless dispute": (with_first(held={"reason": "x", "by_source": {"a": {"b": "x" * 5000}}}),
     "prices[0].held.by_source: "),
    "half a character": (with_first(model="\ud800"), "(document): must be valid JSON"),
    "nested deeply": (b'{"prices":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "(document): must be "
    "valid JSON"),
    "no price in time": (with_first(effective_from="9999-99-99T00:00:00Z"),
     "prices[0].effective_from: must be a time"),
    "tiers that descend": (
        with_first(tiers=[{"above_input_tokens": n, "input_price": 1} for n in (2, 1)]),
        "prices[0].tiers: must ascend strictly by above_input_tokens",
    ),
    "too many entries": (
        book([
            {"provider": "p", "model": str(n), "input_price": 1}
            for n in range(MAX_ENTRIES + 1)
        ]),
        "prices: ",
    ),
    "ten million rows": (b'{"prices":[' + b"{}," * 10_000_000 + b"{}]}", "has more than "
    f"{MAX_BOOK_BYTES} bytes"),
    "five million rows": (
        b'{"prices":[' + b"{}," * 5_000_000 + b"{}]}",
        f"(document): must have at most {MAX_BOOK_VALUES} values",
    ),
    "one value that is too large": (padded(book(GOOD), MAX_BOOK_BYTES + 1), "has more than "
    f"{MAX_BOOK_BYTES} bytes"),
}  # fmt: skip


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, empty_database: Database, tmp_path: Path) -> Generator[Any]:
    """A bucket that held the good book when prices were seeded; the shipped book has 60 models."""
    monkeypatch.setattr(seed_prices, "SHIPPED", few_of_the_shipped(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with (
        mock_aws(),
        environment(DATABASE_URL=empty_database.app_url, PRICE_BOOK="s3://books/prices.json"),
    ):
        client: Any = boto3.client("s3")
        client.create_bucket(Bucket="books")
        client.put_object(Bucket="books", Key="prices.json", Body=book(GOOD))
        assert seed_prices.handler({}, Context())["inserted"] == len(GOOD)
        yield client


def prices_of_p(database: Database) -> list[tuple[Any, ...]]:
    return [row for row in rows(database) if row[0] == "p"]


def versions(database: Database) -> list[tuple[Any, ...]]:
    return database.rows(
        "SELECT model, effective_from::text, withdrawn FROM ai_model_price_versions WHERE "
        "provider = 'p' ORDER BY id"
    )


@pytest.mark.parametrize(("content", "why"), REFUSED.values(), ids=REFUSED)
def test_a_broken_book_is_refused_whole_and_named(
    s3: Any, empty_database: Database, content: bytes, why: str
) -> None:
    before = versions(empty_database)
    s3.put_object(Bucket="books", Key="prices.json", Body=content)
    answer = seed_prices.handler({}, Context())
    assert why in answer["fallback"]
    assert (answer["updated"], answer["withdrawn"]) == (0, 0)
    assert versions(empty_database) == before


@pytest.mark.parametrize("unit", UNITS)
def test_a_book_in_other_units_is_held_whole(s3: Any, empty_database: Database, unit: str) -> None:
    before = versions(empty_database)
    s3.put_object(Bucket="books", Key="prices.json", Body=book(in_units(GOOD, unit)))
    answer = seed_prices.handler({}, Context())
    assert (answer["held"], answer["inserted"], answer["updated"], answer["withdrawn"]) == (
        len(GOOD),
        0,
        0,
        0,
    )
    assert versions(empty_database) == before


def test_sql_in_names_is_a_name(s3: Any, empty_database: Database) -> None:
    names = [
        "'; DROP TABLE users; --",
        "%s %(x)s %%",
        "\\'; SELECT 1",
        "${jndi:x}",
        "$$",
        "../../x",
    ]
    before = prices_of_p(empty_database)
    stated = [
        {"provider": "q" + name.replace("/", ""), "model": name, "input_price": 1_000_000}
        for name in names
    ]
    s3.put_object(Bucket="books", Key="prices.json", Body=book([*GOOD, *stated]))
    assert seed_prices.handler({}, Context())["inserted"] == len(names)
    assert prices_of_p(empty_database) == before
    assert sorted(row[1] for row in rows(empty_database) if row[0].startswith("q")) == sorted(names)


def test_a_book_of_other_models_withdraws_and_changes_no_price(
    s3: Any, empty_database: Database
) -> None:
    before = prices_of_p(empty_database)
    stated = [each | {"provider": "q"} for each in GOOD]
    s3.put_object(Bucket="books", Key="prices.json", Body=book(stated))
    answer = seed_prices.handler({}, Context())
    assert (answer["inserted"], answer["withdrawn"], answer["updated"]) == (len(GOOD), len(GOOD), 0)
    assert prices_of_p(empty_database) == before


@pytest.mark.parametrize("bad", ["prices", "rows", "five million rows"])
def test_what_is_too_much_is_refused_before_it_takes_memory(bad: str) -> None:
    content = {
        "prices": b'{"prices":[' + b"0," * 5_000_000 + b"0]}",
        "rows": REFUSED["ten million rows"][0],
        "five million rows": REFUSED["five million rows"][0],
    }[bad]
    tracemalloc.start()
    with pytest.raises(ValidationFailed, match="at most"):
        read_document(content)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_an_event_with_thousands_of_problems_tells_the_first_ones(empty_database: Database) -> None:
    with pytest.raises(ValidationFailed) as caught:
        seed(*({} for _ in range(5000)))
    assert len(str(caught.value).splitlines()) == 101
    assert str(caught.value).splitlines()[-1] == "(document): has 9900 problems more"
