"""What is read of LiteLLM's map, and that the data file is what the pinned wheel gives."""

import json
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from allowance.prices.seeding.litellm_rows import UPLIFT
from local.price_book import PriceBookRefused, litellm_map
from local.price_book.litellm_extract import MEMBER, extract
from local.price_book.litellm_map import LiteLLM, load


def rows_of(folder: Path, models: dict[str, Any]) -> dict[tuple[str, str], list[Any]]:
    wheel = folder / "litellm-9.9.9-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(MEMBER, json.dumps(models))
    document = json.loads(extract(wheel.read_bytes(), str(wheel)))
    assert document["version"] == "9.9.9"
    return {(provider, model): rest for provider, model, *rest in document["rows"]}


def stated(provider: str, per_token: float = 3e-06, **more: Any) -> dict[str, Any]:
    return {
        "litellm_provider": provider,
        "mode": "chat",
        "input_cost_per_token": per_token,
        **more,
    }


def test_prices_are_read_per_million_tokens_with_tiers(tmp_path: Path):
    found = rows_of(
        tmp_path,
        {
            "xai/m": stated(
                "xai",
                8.000000000000001e-07,
                output_cost_per_token=1.25e-06,
                cache_read_input_token_cost=0.0,
                input_cost_per_token_above_200k_tokens=2e-06,
                input_cost_per_token_above_200k_tokens_batches=1e-06,
                input_cost_per_token_batches=4e-07,
            )
        },
    )
    assert found == {
        ("x-ai", "m"): [[0.8, 1.25, None, None, None], {"200000": [2.0, None, None, None, None]}]
    }


def test_names_of_regions_are_kept_and_those_of_images_are_not(tmp_path: Path):
    found = rows_of(
        tmp_path,
        {
            "azure/eu/gpt-4o": stated("azure"),
            "azure/hd/1024-x-1024/dall-e-3": stated("azure"),
            "bedrock/us-gov-west-1/acme.m": stated("bedrock"),
            "bedrock/us-west-2/1-month-commitment/acme.m": stated("bedrock"),
            "vertex_ai/m": stated("vertex_ai-language-models") | {UPLIFT: 1.1},
        },
    )
    assert {key: rest[0][0] for key, rest in found.items()} == {
        ("azure", "eu/gpt-4o"): 3.0,
        ("bedrock", "us-gov-west-1/acme.m"): 3.0,
        ("google-vertex", "m"): 3.0,
        ("google", "regional/m"): 3.3,
    }


@pytest.mark.parametrize(
    "left_out",
    [
        {"mode": "image_generation"},
        {"litellm_provider": "unknown"},
        {"tiered_pricing": []},
        {"output_cost_per_token": 1e-06, "output_cost_per_reasoning_token": 2e-06},
        {"input_cost_per_token": 0.0},
    ],
)
def test_what_other_units_complete_is_left_out(tmp_path: Path, left_out: dict[str, Any]):
    assert rows_of(tmp_path, {"m": stated("openai") | left_out}) == {}


def test_two_rows_of_one_name_with_other_prices_say_nothing(tmp_path: Path):
    alike = {"acme.m": stated("bedrock"), "bedrock/acme.m": stated("bedrock")}
    assert len(rows_of(tmp_path, alike)) == 1
    assert rows_of(tmp_path, alike | {"bedrock/acme.m": stated("bedrock", 4e-06)}) == {}


def test_the_data_file_is_of_the_pinned_wheel_and_not_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rows, version = load()
    assert (len(rows.models), version) == (2391, "1.110.2")
    assert rows.models["openai", "gpt-5.4"].usd["input_price"] == Decimal("2.5")
    text = litellm_map.FILE.read_text()
    for before, after, why in (
        ('["openai","gpt-5.4",[2.5,', '["openai","gpt-5.4",[2.6,', "was edited"),
        ('"version": "1.110.2"', '"version": "1.107.0"', "is not from the wheel"),
    ):
        assert before in text
        edited = tmp_path / "litellm.json"
        edited.write_text(text.replace(before, after))
        with monkeypatch.context() as patched:
            patched.setattr(litellm_map, "FILE", edited)
            with pytest.raises(PriceBookRefused, match=why):
                load()


def test_a_row_twice_or_with_an_absurd_price_stops_the_tool():
    row: list[Any] = ["p", "m", [Decimal(1), None, None, None, None]]
    with pytest.raises(PriceBookRefused, match="p/m: priced twice"):
        LiteLLM([row, row])
    with pytest.raises(PriceBookRefused, match="p/m input_price: "):
        LiteLLM([["p", "m", [Decimal(-1), None, None, None, None]]])
