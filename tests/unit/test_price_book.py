"""The price book says what the pinned package says, to the micro, and nothing else."""

import datetime
import json
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import pytest
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
)

from local.price_book import (
    BOOK_FILE,
    FIELDS,
    NO_PRICE,
    OTHER_UNITS,
    Book,
    Price,
    PriceBookRefused,
    book,
    changes,
    left_out,
    pinned,
    released,
    render,
    summary,
)

type Package = tuple[Sequence[Provider], str, datetime.date]

DAY = datetime.date(2026, 11, 10)
COMMITTED: Book = json.loads(BOOK_FILE.read_text())
ROWS: dict[tuple[str, str], Price] = {(row["provider"], row["model"]): row for row in COMMITTED["prices"]}


@pytest.fixture(scope="module")
def package() -> Package:
    return pinned()


def provider(*models: ModelInfo, name: str = "acme-ai") -> Provider:
    return Provider(id=name, name=name, api_pattern="https://acme\\.example", models=list(models))


def model(prices: ModelPrice | list[ConditionalPrice], name: str = "m") -> ModelInfo:
    return ModelInfo(id=name, match=ClauseEquals(equals=name), prices=prices)


def from_day(day: datetime.date, usd: str) -> ConditionalPrice:
    return ConditionalPrice(StartDateConstraint(day), prices=ModelPrice(input_mtok=Decimal(usd)))


def from_hour(hour: int, usd: str) -> ConditionalPrice:
    window = TimeOfDateConstraint(datetime.time(hour), datetime.time(hour + 1))
    return ConditionalPrice(window, prices=ModelPrice(input_mtok=Decimal(usd)))


def always(usd: str) -> ConditionalPrice:
    return ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(usd)))


def made(*models: ModelInfo) -> Book:
    return book([provider(*models)], "1", DAY)


def input_price(prices: ModelPrice | list[ConditionalPrice]) -> int | None:
    (row,) = made(model(prices))["prices"]
    return row["input_price"]


def four(row: Price) -> tuple[int | None, ...]:
    return (row["input_price"], row["output_price"], row["cache_read_price"], row["cache_write_price"])


# The committed file.


def test_the_committed_book_is_what_the_pinned_package_gives(package: Package):
    assert BOOK_FILE.read_text() == render(book(*package)), "run `make price-book` and review the diff"


def test_the_book_names_its_source_and_the_day_of_its_wheel():
    assert (COMMITTED["source"], COMMITTED["version"], COMMITTED["date"]) == ("genai-prices", "0.2.3", "2026-11-10")


# Written down from the package's data.py by a person: USD per 1M tokens in the comment, the condition that decides.
@pytest.mark.parametrize(
    ("provider", "model", "prices"),
    [
        # 3, 15, 0.3, 3.75: the base of tiers at 200k; the 1-hour cache write (6) and batch (1.5, 7.5) do not count
        ("anthropic", "claude-sonnet-4-5", (3_000_000, 15_000_000, 300_000, 3_750_000)),
        # 5, 25, 0.5, 6.25: flat since 2026-03-13
        ("anthropic", "claude-opus-4-6", (5_000_000, 25_000_000, 500_000, 6_250_000)),
        # 2.5, 10, 1.25: the priority tier (4.25, 17, 2.125) is a kind of request; no cache write price
        ("openai", "gpt-4o", (2_500_000, 10_000_000, 1_250_000, None)),
        # 1.25, 10, 0.125: the base of tiers at 200k (2.5, 15, 0.25)
        ("google", "gemini-2.5-pro", (1_250_000, 10_000_000, 125_000, None)),
        # 0.75, 3.75, 0.075: doubles on 2027-01-01, not yet
        ("google", "gemini-3.6-flash", (750_000, 3_750_000, 75_000, None)),
        # 1, 5, 0.1, 1.25: `aws` in the package
        ("bedrock", "global.anthropic.claude-haiku-4-5-20251001-v1:0", (1_000_000, 5_000_000, 100_000, 1_250_000)),
        # 4.4, 22, 0.44, 5.5: since 2026-08-21 (before: 5.5, 33, 0.55, 6.875), and the base of tiers at 272k
        ("bedrock", "regional.openai.gpt-5.6-sol", (4_400_000, 22_000_000, 440_000, 5_500_000)),
        # 1, 5, 0.1, 1.25: `github-copilot` in the package
        ("copilot", "claude-haiku-4.5", (1_000_000, 5_000_000, 100_000, 1_250_000)),
        # 0.15, 0.6, 0.003: since 2026-09-10; twice that at peak hours, which come later in the list
        ("deepseek", "deepseek-v4-flash", (150_000, 600_000, 3_000, None)),
        # 0.135, 0.55, 0.035: the unconditional one, though 00:30 to 16:30 UTC costs 0.27, 1.1, 0.07
        ("deepseek", "deepseek-chat", (135_000, 550_000, 35_000, None)),
        # 0.7, 2.1, 0.07: the third of three, since 2026-10-29
        ("mistral", "mistral-large-4", (700_000, 2_100_000, 70_000, None)),
        # 0.06: an embedding has no output
        ("voyageai", "voyage-3.5", (60_000, None, None, None)),
        # 0.1, 0.4, 0.01, 0.08333333333333334: rounded down
        ("openrouter", "google/gemini-2.5-flash-lite", (100_000, 400_000, 10_000, 83_333)),
        # no price, "Included in the subscription ... a live request reported a zero token cost"
        ("copilot", "gpt-4o", (0, 0, 0, 0)),
        # no price: the package drops the zeros of free variants
        ("openrouter", "qwen/qwen3-coder:free", (0, 0, 0, 0)),
    ],
)
def test_a_row_checked_by_hand(provider: str, model: str, prices: tuple[int | None, ...]):
    assert four(ROWS[provider, model]) == prices


def test_every_price_is_what_the_package_charges_when_no_condition_is_met(package: Package):
    providers, _, date = package
    quiet = datetime.datetime.combine(date, datetime.time(23), datetime.UTC)  # outside every daily window
    renamed = {"aws": "bedrock", "github-copilot": "copilot"}
    charged: dict[tuple[str, str], tuple[int | None, ...]] = {}
    rounded: set[tuple[str, str, str, Fraction, int]] = set()
    for source in providers:
        for info in source.models:
            stated = [getattr(info.get_prices(quiet), key) for key in FIELDS.values()]
            usd = [price.base if isinstance(price, TieredPrices) else price for price in stated]
            name = renamed.get(source.id, source.id)
            if usd == [None] * 4:
                if (
                    info.id.endswith(":free")
                    or "ree of charge" in str(info.price_comments)
                    or "zero token cost" in str(info.price_comments)
                ):
                    charged[name, info.id] = (0, 0, 0, 0)
                continue
            exact = [None if price is None else Fraction(price) * 1_000_000 for price in usd]
            # round() of a Fraction is half-even: an oracle that shares nothing with Decimal's
            charged[name, info.id] = tuple(None if price is None else round(price) for price in exact)
            rounded |= {
                (name, info.id, field, price, round(price))
                for field, price in zip(FIELDS, exact, strict=True)
                if price is not None and price.denominator != 1
            }
    assert {key: four(row) for key, row in ROWS.items()} == charged
    assert {
        (row["provider"], row["model"], row["field"], Fraction(row["exact"]), row["rounded"])
        for row in COMMITTED["roundings"]
    } == rounded
    assert len(COMMITTED["roundings"]) == len(rounded)


def test_every_rounding_is_of_the_price_in_the_book():
    for row in COMMITTED["roundings"]:
        assert ROWS[row["provider"], row["model"]][row["field"]] == row["rounded"]
        assert 0 < abs(Decimal(row["exact"]) - row["rounded"]) <= Decimal("0.5")


def test_well_over_a_thousand_models_are_priced():
    assert len(COMMITTED["prices"]) > 1500


def test_the_book_is_sorted_and_names_no_model_twice():
    keys = [(row["provider"], row["model"]) for row in COMMITTED["prices"]]
    assert keys == sorted(set(keys))


def test_every_price_is_a_whole_number_or_unknown_and_one_at_least_is_known():
    for row in COMMITTED["prices"]:
        assert list(row) == ["provider", "model", *FIELDS]
        assert all(price is None or (type(price) is int and 0 <= price <= 10**12) for price in four(row)), row
        assert any(price is not None for price in four(row)), row


def test_providers_are_called_what_coder_calls_them():
    providers = {row["provider"] for row in COMMITTED["prices"]}
    assert {"bedrock", "copilot", "anthropic", "openai", "google", "azure"} <= providers
    assert not {"aws", "github-copilot"} & providers


def test_a_price_is_one_line_of_the_file():
    lines = BOOK_FILE.read_text().splitlines()
    assert len([line for line in lines if '"input_price": ' in line]) == len(COMMITTED["prices"])
    assert BOOK_FILE.read_text().endswith("}\n")


# How the book is made.


@pytest.mark.parametrize(
    ("usd", "micros"),
    [
        ("0.0000005", 0),
        ("0.0000015", 2),
        ("0.0000025", 2),
        ("1.0000005", 1_000_000),
        ("1.0000015", 1_000_002),
        ("1.00000150000000000000000000000000001", 1_000_002),
        ("1.00000050000000000000000000000000001", 1_000_001),
        ("1.0000004999999999999999999999999999999", 1_000_000),
    ],
)
def test_a_half_micro_goes_to_the_even_side_and_is_listed(usd: str, micros: int):
    result = made(model(ModelPrice(output_mtok=Decimal(usd))))
    assert result["prices"][0]["output_price"] == micros
    (listed,) = result["roundings"]
    assert (listed["provider"], listed["model"], listed["field"]) == ("acme-ai", "m", "output_price")
    assert Fraction(listed["exact"]) == Fraction(usd) * 1_000_000
    assert listed["rounded"] == micros


def test_a_whole_number_of_micros_is_not_a_rounding():
    result = made(model(ModelPrice(input_mtok=Decimal("0.000001"), output_mtok=Decimal("1E+3"))))
    assert four(result["prices"][0]) == (1, 1_000_000_000, None, None)
    assert result["roundings"] == []


def test_free_is_zero_and_unknown_is_null():
    (row,) = made(model(ModelPrice(input_mtok=Decimal(0), output_mtok=None)))["prices"]
    assert four(row) == (0, None, None, None)


def test_a_tiered_price_counts_with_its_base():
    tiered = TieredPrices(base=Decimal(1), tiers=[Tier(start=200_000, price=Decimal(2))])
    assert input_price(ModelPrice(input_mtok=tiered)) == 1_000_000


def test_a_price_counts_from_the_day_it_starts():
    tomorrow = DAY + datetime.timedelta(days=1)
    assert input_price([always("1"), from_day(DAY, "2"), from_day(tomorrow, "3")]) == 2_000_000


def test_the_last_price_begun_wins_even_out_of_order():
    earlier = DAY - datetime.timedelta(days=9)
    assert input_price([from_day(DAY, "2"), from_day(earlier, "3")]) == 3_000_000
    assert input_price([from_day(DAY, "2"), always("1")]) == 1_000_000


def test_a_time_of_day_never_decides():
    assert input_price([always("1"), from_hour(0, "2"), from_hour(9, "3")]) == 1_000_000


def test_where_no_price_has_begun_the_first_one_counts():
    assert input_price([from_hour(1, "4"), from_hour(2, "5")]) == 4_000_000


def test_a_kind_of_request_never_decides():
    priced = model(ModelPrice(input_mtok=Decimal(1)))
    priced.price_variants = [PriceVariant(when={"processing": "batch"}, prices=ModelPrice(input_mtok=Decimal("0.5")))]
    (row,) = made(priced)["prices"]
    assert row["input_price"] == 1_000_000


def test_a_free_variant_without_a_price_is_zero_and_one_with_a_price_has_it():
    rows = made(model(ModelPrice(), "m:free"), model(ModelPrice(input_mtok=Decimal(1)), "n:free"))["prices"]
    assert [four(row) for row in rows] == [(0, 0, 0, 0), (1_000_000, None, None, None)]


def test_models_without_a_token_price_are_left_out_and_counted_by_reason():
    models = [
        model(ModelPrice(), "free-or-unknown"),
        model([], "no-entry"),
        model(ModelPrice(audio_hours=Decimal(3)), "by-the-hour"),
        model(ModelPrice(cache_read_mtok=Decimal(3)), "priced"),
    ]
    assert [row["model"] for row in made(*models)["prices"]] == ["priced"]
    assert left_out([provider(*models)], DAY) == Counter({NO_PRICE: 2, OTHER_UNITS: 1})


def test_every_model_of_the_package_is_either_in_the_book_or_counted_as_left_out(package: Package):
    providers, _, date = package
    assert len(ROWS) + left_out(providers, date).total() == sum(len(source.models) for source in providers)


@pytest.mark.parametrize("usd", ["-0.000001", "1000000.000001", "NaN", "Infinity"])
def test_a_negative_or_absurd_price_stops_the_tool(usd: str):
    with pytest.raises(PriceBookRefused, match="acme-ai/m input_price: "):
        made(model(ModelPrice(input_mtok=Decimal(usd))))


def test_a_price_that_is_a_float_stops_the_tool():
    with pytest.raises(PriceBookRefused, match=r"acme-ai/m input_price: 0\.1 is not a decimal number"):
        made(model(ModelPrice(input_mtok=0.1)))  # pyright: ignore[reportArgumentType]


def test_the_highest_price_is_a_price():
    assert input_price(ModelPrice(input_mtok=Decimal(1_000_000))) == 10**12


def test_a_model_priced_twice_stops_the_tool_also_under_two_names_of_one_provider():
    priced = model(ModelPrice(input_mtok=Decimal(1)))
    with pytest.raises(PriceBookRefused, match="acme-ai/m: priced twice"):
        made(priced, priced)
    with pytest.raises(PriceBookRefused, match="bedrock/m: priced twice"):
        book([provider(priced, name="aws"), provider(priced, name="bedrock")], "1", DAY)


@pytest.mark.parametrize("name", ["", " ", " m", "m\n", "a\tb", "a\x00b"])
def test_an_odd_name_stops_the_tool(name: str):
    with pytest.raises(PriceBookRefused, match="empty, padded or unprintable"):
        made(model(ModelPrice(input_mtok=Decimal(1)), name))


def test_an_empty_book_is_json_too():
    assert json.loads(render(made())) == made()


# The lock.


def test_the_date_is_the_utc_day_of_the_wheel_not_of_the_source_archive():
    lock = {
        "package": [
            {"name": "other", "version": "1"},
            {
                "name": "genai-prices",
                "version": "1",
                "sdist": {"upload-time": "2026-11-12T00:00:00Z"},
                "wheels": [{"upload-time": "2026-11-10T23:30:00-02:00"}],
            },
        ]
    }
    assert released(lock, "1") == datetime.date(2026, 11, 11)


def test_a_version_that_the_lock_does_not_pin_stops_the_tool():
    lock = {"package": [{"name": "genai-prices", "version": "1", "wheels": [{"upload-time": "2026-11-10T00:00:00Z"}]}]}
    with pytest.raises(PriceBookRefused, match=r"genai-prices 2 is installed, but uv\.lock has 1"):
        released(lock, "2")


# What a reviewer reads.


def test_a_reviewer_sees_what_was_added_removed_and_changed():
    def priced(name: str, **prices: Decimal) -> ModelInfo:
        return model(ModelPrice(**prices), name)

    before = made(priced("gone", input_mtok=Decimal(1)), priced("same", input_mtok=Decimal(1), output_mtok=Decimal(2)))
    after = made(priced("new", input_mtok=Decimal(1)), priced("same", input_mtok=Decimal(3)))
    changed = ["acme-ai/same input_price 1000000 -> 3000000", "acme-ai/same output_price 2000000 -> null"]
    assert changes(before["prices"], after["prices"]) == (["acme-ai/new"], ["acme-ai/gone"], changed)
    text = summary(after, {NO_PRICE: 7}, before["prices"])
    assert "models written 2, left out 7; prices rounded 0" in text
    assert "models added 1, removed 1; prices changed 2" in text
    assert all(f"  {change}\n" in f"{text}\n" for change in changed)


def test_a_reviewer_sees_the_first_twenty_changes_and_how_many_more_there_are():
    before = made(*(model(ModelPrice(input_mtok=Decimal(1)), f"m{number:02}") for number in range(23)))
    after = made(*(model(ModelPrice(input_mtok=Decimal(2)), f"m{number:02}") for number in range(23)))
    text = summary(after, {}, before["prices"])
    assert text.count(" -> ") == 20
    assert text.endswith("... and 3 more")


def test_a_first_book_is_compared_with_nothing():
    first = made(model(ModelPrice(input_mtok=Decimal(1))))
    assert summary(first, {}, []).endswith("models added 1, removed 0; prices changed 0")
