"""Names with a region lead to the price of that region, or to none."""

import pytest

from allowance.prices.names import candidates
from tests.priced_names import ROWS, resolved

GOV = "us-gov-west-1"
VERTEX = "projects/p/locations/{}/publishers/{}/models/{}"


@pytest.mark.parametrize(
    ("provider", "name", "row", "price"),
    [
        # GovCloud: 20% above the commercial global price of 3 and 15.
        ("bedrock", "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0", None, 3_600_000),
        ("bedrock", "us-gov.anthropic.claude-sonnet-5-v1:0",
         "us-gov.anthropic.claude-sonnet-5", 2_400_000),
        ("bedrock", f"{GOV}/amazon.nova-pro-v1:0", None, 960_000),
        ("litellm", f"bedrock/{GOV}/claude-sonnet-4-5-20250929-v1:0",
         f"{GOV}/anthropic.claude-sonnet-4-5-20250929-v1:0", 3_600_000),
        ("bedrock", "us-gov.anthropic.claude-haiku-4-5-20251001",
         f"{GOV}/anthropic.claude-haiku-4-5-20251001-v1:0", 1_200_000),
        ("anthropic", f"arn:aws-us-gov:bedrock:{GOV}::foundation-model/anthropic.claude-opus-5",
         f"{GOV}/anthropic.claude-opus-5", 6_000_000),
        # Profiles and regions with a price of their own.
        ("bedrock", "eu.amazon.nova-lite-v1:0", None, 78_000),
        ("bedrock", "apac.amazon.nova-pro-v1:0", None, 840_000),
        ("bedrock", "us.amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0", 800_000),
        ("bedrock", "us-west-2/amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0", 800_000),
        ("bedrock", "converse/eu-west-3/mistral.mistral-large-2402-v1:0",
         "eu-west-3/mistral.mistral-large-2402-v1:0", 5_200_000),
        ("bedrock", "arn:aws:bedrock:ap-south-1::foundation-model/meta.llama3-8b-instruct-v1:0",
         "ap-south-1/meta.llama3-8b-instruct-v1:0", 360_000),
        ("bedrock", "eu-central-1/anthropic.claude-sonnet-4-5-20250929-v1:0",
         "regional.anthropic.claude-sonnet-4-5-20250929-v1:0", 3_300_000),
        ("bedrock", "eu.anthropic.claude-3-haiku-20240307-v1:0",
         "regional.anthropic.claude-3-haiku-20240307-v1:0", 250_000),
        ("bedrock", "in.moonshotai.kimi-k3", "regional.moonshotai.kimi-k3", 3_300_000),
        # Azure: data zones at 10% or 20% more, the government at 37.5% more.
        ("azure", "azure/eu/gpt-4o", "eu/gpt-4o", 2_750_000),
        ("azure", "us/gpt-5.6-sol", None, 4_400_000),
        ("azure", "eu/gpt-6-sol-2026-10-09", "eu/gpt-6-sol", 2_400_000),
        ("azure", "us-gov/o3-mini", None, 1_513_000),
        ("azure", "global-standard/gpt-4o", "gpt-4o", 2_500_000),
        # Vertex AI: regional endpoints at 10% more for newer models.
        ("vertex_ai", VERTEX.format("us-east5", "anthropic", "claude-sonnet-4-5@20250929"),
         "regional/claude-sonnet-4-5@20250929", 3_300_000),
        ("vertex_ai", VERTEX.format("eu", "google", "gemini-3.8-flash"),
         "regional/gemini-3.8-flash", 825_000),
        ("vertex_ai", VERTEX.format("global", "anthropic", "claude-sonnet-4-5@20250929"),
         "claude-sonnet-4-5@20250929", 3_000_000),
        ("vertex_ai", VERTEX.format("us-east5", "anthropic", "claude-opus-4@20250514"),
         "claude-opus-4@20250514", 15_000_000),
        ("google", VERTEX.format("europe-west4", "google", "gemini-2.5-flash"),
         "gemini-2.5-flash", 300_000),
    ],
)  # fmt: skip
def test_a_name_has_the_price_of_its_region(
    provider: str, name: str, row: str | None, price: int
) -> None:
    found = resolved(provider, name)
    assert found is not None
    assert (found.model, ROWS[found.provider, found.model.lower()]["input_price"]) == (
        row or name,
        price,
    )


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("bedrock", "us-gov.meta.llama3-3-70b-instruct-v1:0"),
        ("bedrock", "us-gov.anthropic.claude-opus-4-1-20250805"),
        ("bedrock", "apac.amazon.nova-premier-v1:0"),
        ("bedrock", "ca.amazon.nova-2-lite-v1:0"),
        ("bedrock", "eu-west-1/amazon.nova-pro-v1:0"),
        ("bedrock", "eu.meta.llama3-3-70b-instruct-v1:0"),
        ("azure", "us-gov/gpt-4o"),
        ("azure", "eu/our-deployment"),
        ("vertex_ai", VERTEX.format("eu", "anthropic", "claude-opus-9")),
    ],
)
def test_a_region_that_costs_an_unknown_amount_more_has_no_price(provider: str, name: str) -> None:
    assert resolved(provider, name) is None


def test_a_name_of_govcloud_never_leads_to_a_commercial_row() -> None:
    for name in (f"{GOV}/anthropic.claude-x", "us-gov.anthropic.claude-x"):
        _, *others = candidates("bedrock", name)
        assert others
        assert all(each.model.startswith("us-gov") for each in others)
